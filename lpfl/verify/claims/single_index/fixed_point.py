"""SI-08: the fixed point of the resolvent, two iterations towards it, the traces it predicts."""

import math
from collections.abc import Iterator

import numpy as np
import sympy as sp
import torch
from scipy.optimize import brentq
from torch import Tensor

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import single_index as model
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.exact import exact_scalar
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import iterations
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Choice, Covariances, Reals
from lpfl.verify.tolerance import Tolerance, finite_size
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.core.formula import Formula
from theory.core.resolvent import resolvent

FIRST_ATOM_WEIGHT = 0.3
# Runs where the traces' finite-size term is of order 1/d: no tiny damping, not d >> n
LEAST_DAMPING, ASPECTS = 0.05, (0.1, 4.0)
TRACE_REPLICATES = 64


def anchor(dim: int, aspect: float, damping: float, log10_cond: float) -> Scenario:
    """Return a geometric spectrum at an aspect and a damping; the labels play no part."""
    covariance = CovarianceSpec(dim, "geometric", log10_cond, "haar", 0)
    n = round(dim / aspect)
    found: Scenario = setup.scenario(
        dim, n=n, covariance=covariance, damping=damping, link="identity"
    )
    return found


ANCHORS = (
    anchor(90, 1.5, 0.1, 0.0),  # the natural iteration diverges here, and at the next
    anchor(100, 5.0, 1.0, 1.0),
    anchor(200, 0.5, 0.1, 2.0),
)


@check(
    "SI-08",
    (
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
    anchors=ANCHORS,
    decisions=3,
    facts=setup.facts,
)
def fixed_point(trial: Trial) -> Iterator[Comparison]:
    """The cubic read exactly, the root, both iterations, the closed forms, traces of batches."""
    yield exact_scalar(trial, "two_atoms")
    yield from root_of_companion(trial)
    yield from iterations.companion_iteration(trial)
    yield from iterations.natural_iteration(trial)
    yield from closed_forms(trial)
    yield from traces(trial)


@fixed_point.extra("companion", on=ANCHORS[:1])
def nearly_flat(trial: Trial) -> Iterator[Comparison]:
    """Where the equation is flat the root is held against one with 60 digits."""
    yield from iterations.nearly_flat()


def root_of_companion(trial: Trial) -> Iterator[Comparison]:
    """Existence and uniqueness: the left side increases and takes the value 1 at v only."""
    s, aspect, damping, root = iterations.solved(trial)
    v = float(root.v)
    known = {"aspect": aspect, "damping": damping}
    level = float(setup.printed(trial, "companion", s, **known, resolvent_v=v))

    def left(x: float) -> float:
        return float(setup.printed_left(trial, "companion", s, **known, resolvent_v=x))

    grid = np.array([left(v * 10.0**x) for x in np.linspace(-6.0, 6.0, 49)])
    log_root = brentq(
        lambda x: left(math.exp(x)) - level, math.log(v) - 14.0, math.log(v) + 14.0, xtol=1e-15
    )
    # the logarithmic slope of the left side at its root is 1 - rate
    rate = setup.predicted(trial, "companion_rate")
    condition = 1.0 / (1.0 - rate) + abs(math.log(v))
    yield Same(
        part="companion",
        measured=left(v),
        predicted=level,
        tolerance=iterations.FORMULA,
        label="at v",
    )
    yield Below(
        part="companion",
        measured=grid[:-1] / grid[1:],
        limit=1.0,
        tolerance=iterations.FORMULA,
        label="increasing, hence one root",
    )
    yield Same(
        part="companion",
        measured=v,
        predicted=math.exp(log_root),
        tolerance=iterations.FORMULA.times(4.0 * condition, "over the slope at the root"),
        label="root by bisection",
    )
    yield Same(
        part="companion",
        measured=float(root.w),
        predicted=(1 - aspect) + aspect * damping * float(root.m),
        scale=1.0 + 2.0 * aspect,
        tolerance=iterations.FORMULA,
        label="w from m",
    )


def closed_forms(trial: Trial) -> Iterator[Comparison]:
    """One atom: m in radicals, at 40 digits. Two atoms: w is a root of the cubic."""
    s, aspect, damping, _ = iterations.solved(trial)
    one = resolvent(Spectrum.isotropic(), aspect=aspect, damping=damping)
    one_atom = trial.claim["one_atom"]
    at = {"aspect": aspect, "damping": damping}
    closed = one_atom.formula.at_digits(40, **{name: at[name] for name in one_atom.needs()})
    yield Same(
        part="one_atom",
        measured=float(one.m),
        predicted=float(closed),
        tolerance=iterations.FORMULA,
        label="solver against 40 digits",
    )
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
    found = brentq(
        lambda x: float(setup.printed(trial, "two_atoms", resolvent_w=x, **point)),
        0.0,
        1.0,
        xtol=1e-16,
    )
    # rounding of the terms at the root, over a lower bound of the cubic's logarithmic slope
    terms = sp.expand(trial.claim["two_atoms"].relation.args[1]).args
    size = sum(abs(float(Formula(term)(**named(term, resolvent_w=w, **point)))) for term in terms)
    condition = size / ((damping + low * w) * (damping + high * w) * w)
    yield Same(
        part="two_atoms",
        measured=w,
        predicted=found,
        tolerance=iterations.FORMULA.times(condition, "over the slope of the cubic"),
        label="solver against the cubic's root",
    )


def named(term: sp.Expr, **known: float) -> dict[str, float]:
    """Return what a term needs of ``known``."""
    return {name: known[name] for name in Formula(term).code_names}


def traces(trial: Trial) -> Iterator[Comparison]:
    """Runs: tr (Shat + lam)^-1 / d, that of the square, and the companion equation at them."""
    s, aspect, damping, root = iterations.solved(trial)
    inside = damping >= LEAST_DAMPING and ASPECTS[0] <= aspect <= ASPECTS[1]

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n, damping=damping)
        trial.memory.setdefault("batch", batch)
        t = torch.linalg.eigvalsh(batch.second_moment).clamp(min=0.0)
        u = 1.0 / (t + damping)
        return {"trace": u.mean(-1), "trace_square": u.square().mean(-1)}

    seen = setup.replicated(trial, TRACE_REPLICATES if inside else 8, measure)
    if not inside:
        return
    exact = {"trace": s.expect(1.0 / (s.eigenvalues + damping))}
    exact["trace_square"] = s.expect((s.eigenvalues + damping) ** -2.0)
    for name, power in (("trace", 1), ("trace_square", 2)):
        limit = setup.predicted(trial, name, resolvent_v=float(root.v))
        allowed: Tolerance = finite_size(
            power * compare.TRACE_TERM / trial.scenario.input_dim * limit,
            "2/d of a trace, twice that for its derivative (measured)",
        )
        rivals = {"trace of the exact covariance": exact[name]}
        yield compare.near(trial, name, seen[name], limit, rivals=rivals, tolerance=allowed)
    yield compare.fixed_point(
        trial, "companion", trial.memory["batch"], damping, label="at the traces of batches"
    )
