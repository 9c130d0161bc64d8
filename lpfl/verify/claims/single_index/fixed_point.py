"""SI-08: the fixed point of the resolvent, two iterations towards it, the traces it predicts."""

import math
from itertools import pairwise

import numpy as np
import sympy as sp
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from torch import Tensor

from lpfl import decide
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import single_index as model
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Choice, Covariances, Reals, ScenarioSpace
from theory import Spectrum
from theory.core import exact
from theory.core.formula import numeric
from theory.core.resolvent import Resolvent, resolvent
from theory.single_index import fixed_point
from theory.single_index.notation import aspect as phi_symbol
from theory.single_index.notation import lam

EPS = float(np.finfo(np.float64).eps)
FORMULA_TOLERANCE = 1e-13  # sums of at most 200 positive terms, and a root to 1e-15
CLOSE_TO_RATE_ONE = 0.02
COMPANION_STEPS = 100
STEP = 1e-4
DIFFERENCE_TOLERANCE = 1e-6
FIRST_ATOM_WEIGHT = 0.3
# Runs where the traces' finite-size term is of order 1/d: no tiny damping, not d >> n
LEAST_DAMPING, ASPECTS = 0.05, (0.1, 4.0)
TRACE_REPLICATES = 64
TRACE_TERM = 2.0  # over d: bias of the mean of m, relative; twice that for m'


def solved(scenario: Scenario) -> tuple[Spectrum, float, float, Resolvent]:
    """Return the spectrum, aspect, damping and fixed point of the scenario."""
    s, aspect = setup.spectrum(scenario), setup.aspect(scenario)
    damping = float(scenario.damping)
    return s, aspect, damping, resolvent(s, aspect=aspect, damping=damping)


def measure_fixed_point(trial: Trial) -> list[Finding]:
    """Exact, deterministic and noisy parts of one scenario."""
    relation = trial.claim.relations()["two_atoms"]
    result = exact.check_identity(relation, {}, seed=trial.integer_seed("exact"), draws=2)
    verdict = decide.exact_identity(
        result.holds, false_pass_bound=float(result.false_pass_bound), degree=result.degree
    )
    return [
        Finding("exact: two atoms", verdict),
        *root_findings(trial.scenario),
        *companion_findings(trial.scenario),
        *natural_findings(trial.scenario),
        *closed_forms(trial.scenario),
        *trace_findings(trial),
    ]


def root_findings(scenario: Scenario) -> list[Finding]:
    """Existence and uniqueness: the companion increases from -1 and vanishes at v only."""
    s, aspect, damping, root = solved(scenario)
    v = float(root.v)

    def companion(x: float) -> float:
        return fixed_point.COMPANION(s, aspect=aspect, damping=damping, resolvent_v=x)

    grid = [companion(v * 10.0**x) for x in np.linspace(-6.0, 6.0, 49)]
    falls = [1.0 + before - after for before, after in pairwise(grid)]
    rate = fixed_point.COMPANION_RATE(s, aspect=aspect, resolvent_v=v)
    log_root = brentq(
        lambda x: companion(math.exp(x)), math.log(v) - 14.0, math.log(v) + 14.0, xtol=1e-15
    )
    # the logarithmic slope of the companion at its root is 1 - rate
    condition = 1.0 / (1.0 - rate) + abs(math.log(v))
    consistent = abs(float(root.w) - (1 - aspect) - aspect * damping * float(root.m))
    return [
        Finding("residual", decide.identity(abs(companion(v)), tolerance=64 * EPS)),
        Finding("increasing, hence one root", decide.bound(falls, 1.0, rounding=64 * EPS)),
        Finding(
            "root found by bisection",
            decide.identity(
                abs(math.expm1(log_root - math.log(v))), tolerance=256 * EPS * condition
            ),
        ),
        Finding("w from m", decide.identity(consistent / (1 + 2 * aspect), tolerance=64 * EPS)),
    ]


def companion_findings(scenario: Scenario) -> list[Finding]:
    """The companion iteration: its rate is below 1 and bounds the error from every larger start.

    The map is increasing and concave, so right of the root its slope is at most that at the root,
    and left of it the iterates increase towards the root.
    """
    s, aspect, damping, root = solved(scenario)
    v = float(root.v)
    rate = fixed_point.COMPANION_RATE(s, aspect=aspect, resolvent_v=v)

    def iterate(start: float) -> NDArray[np.float64]:
        path = fixed_point.companion_iteration(
            s, aspect=aspect, damping=damping, start=start, steps=COMPANION_STEPS
        )
        return np.asarray(path, dtype=np.float64)

    right, left = iterate(1e3 * v), iterate(1e-3 * v)
    steps = np.arange(right.size)
    # each step adds a rounding error of a few eps, and a geometric sum of them stays
    rounding = 64 * EPS / (1.0 - rate)
    errors = right / v - 1.0
    shrinks = 1.0 + (left[:-1] - left[1:]) / v
    return [
        Finding("rate below 1", decide.bound(rate, 1.0, rounding=0.0)),
        Finding(
            "from the right at this rate",
            decide.bound(errors, errors[0] * rate**steps, rounding=rounding),
        ),
        Finding("from the left, increasing", decide.bound(shrinks, 1.0, rounding=rounding)),
        Finding("never beyond the root", decide.bound(left / v, 1.0, rounding=rounding)),
    ]


def natural_findings(scenario: Scenario) -> list[Finding]:
    """The natural iteration: its slope at the root, and which way it moves near the root."""
    s, aspect, damping, root = solved(scenario)
    m = float(root.m)
    known = {"aspect": aspect, "resolvent_v": float(root.v)}
    rate = fixed_point.NATURAL_RATE(s, **known)
    divergence = fixed_point.NATURAL_DIVERGENCE(s, **known)
    step = STEP / (1.0 + rate)

    def iterate(start: float, steps: int) -> list[float]:
        return fixed_point.natural_iteration(
            s, aspect=aspect, damping=damping, start=start, steps=steps
        )

    ahead, behind = iterate(m * (1 + step), 1)[-1], iterate(m * (1 - step), 1)[-1]
    slope = (behind - ahead) / (2 * step * m)
    error = abs(slope - rate) / (1 + rate)
    findings = [
        Finding("natural slope", decide.identity(error, tolerance=DIFFERENCE_TOLERANCE)),
    ]
    if abs(rate - 1.0) > CLOSE_TO_RATE_ONE:
        agrees = (rate > 1.0) == (divergence > 1.0)
        findings.append(
            Finding(
                "region of divergence",
                decide.exact_identity(agrees, false_pass_bound=0.0, degree=0),
            )
        )
        steps = min(400, math.ceil(math.log(4.0) / abs(math.log(rate))) + 1)
        path = iterate(m * (1 + step), steps)
        errors = [abs(x / m - 1.0) if x > 0 else math.inf for x in path]
        reached = min(max(errors[1:]), 1e300) if rate > 1.0 else errors[-1]
        moved = errors[0] / reached if rate > 1.0 else reached / errors[0]
        part = "natural iteration is repelled" if rate > 1.0 else "natural iteration converges"
        findings.append(Finding(part, decide.bound(moved, 0.5, rounding=0.0)))
    if aspect <= 1.0:
        findings.append(
            Finding("converges for d <= n", decide.bound(divergence, 1.0, rounding=64 * EPS))
        )
    return findings


def closed_forms(scenario: Scenario) -> list[Finding]:
    """One atom: m in radicals, at 40 digits. Two atoms: w is a root of the cubic."""
    s, aspect, damping, _ = solved(scenario)
    one = resolvent(Spectrum.isotropic(), aspect=aspect, damping=damping)
    values = {phi_symbol: sp.Rational(aspect), lam: sp.Rational(damping)}
    closed = float(fixed_point.ISOTROPIC_M.subs(values).evalf(40))
    low, high = float(s.eigenvalues.min()), float(s.eigenvalues.max())
    p = FIRST_ATOM_WEIGHT
    pair = Spectrum([low, high], [p, 1.0 - p])
    w = float(resolvent(pair, aspect=aspect, damping=damping).w)
    point = {
        "aspect": aspect,
        "damping": damping,
        "first_atom": low,
        "second_atom": high,
        "first_atom_weight": p,
    }
    terms = [
        float(numeric(term)(resolvent_w=w, **point))
        for term in sp.expand(fixed_point.TWO_ATOM_CUBIC).args
    ]
    return [
        Finding(
            "one atom",
            decide.identity(abs(float(one.m) - closed) / closed, tolerance=FORMULA_TOLERANCE),
        ),
        Finding(
            "two atoms, cubic",
            decide.identity(
                abs(math.fsum(terms)) / sum(abs(term) for term in terms),
                tolerance=FORMULA_TOLERANCE,
            ),
        ),
    ]


def trace_findings(trial: Trial) -> list[Finding]:
    """Runs: tr (Shat + lam)^-1 / d and tr (Shat + lam)^-2 / d of Gaussian batches."""
    _, aspect, damping, root = solved(trial.scenario)
    if damping < LEAST_DAMPING or not ASPECTS[0] <= aspect <= ASPECTS[1]:
        return []

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        Q = setup.draw_moments(trial, problem, block).second_moment
        u = 1.0 / (torch.linalg.eigvalsh(Q).clamp(min=0.0) + damping)
        return {"m": u.mean(-1), "m'": u.square().mean(-1)}

    values = setup.replicated(trial, TRACE_REPLICATES, measure)
    findings = []
    for name, limit, power in (("m", root.m, 1), ("m'", root.m_prime, 2)):
        verdict = decide.equivalence(
            values[name] / limit,
            predicted=1.0,
            tolerance=power * TRACE_TERM / trial.scenario.input_dim,
            alpha=trial.alpha,
            matters=0.25,
        )
        findings.append(Finding(f"trace, {name}", verdict))
    return findings


def anchor(dim: int, aspect: float, damping: float, log10_cond: float) -> Scenario:
    """Return a geometric spectrum at an aspect and a damping; the labels play no part."""
    covariance = CovarianceSpec(dim, "geometric", log10_cond, "haar", 0)
    n = round(dim / aspect)
    return setup.scenario(dim, n=n, covariance=covariance, damping=damping, link="identity")


FIXED_POINT = Check(
    claim_id="SI-08",
    space=ScenarioSpace(
        axes=(
            setup.INPUT_DIM,
            Covariances(
                families=(*setup.FAMILIES, "spiked", "near_singular"),
                rotations=("none", "haar"),
                max_log10_cond=4.0,
            ),
            Reals("aspect", 0.02, 12.0, log=True),
            Choice("link", ("identity",)),
            setup.NOISE_STD,
            Reals("damping", 1e-4, 1e2, log=True, easy="high"),
        ),
        anchors=(
            anchor(90, 1.5, 0.1, 0.0),  # the natural iteration diverges here, and at the next
            anchor(100, 5.0, 1.0, 1.0),
            anchor(200, 0.5, 0.1, 2.0),
        ),
    ),
    measure=measure_fixed_point,
    decisions=2,
    facts=setup.facts,
)
