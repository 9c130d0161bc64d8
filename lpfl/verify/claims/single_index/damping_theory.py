"""SI-04 without noise: the derivative in the damping, its sign, and the value at the best one."""

import numpy as np
from numpy.typing import NDArray

from lpfl import decide
from lpfl.verify.check import Finding, Trial
from lpfl.verify.setups import single_index as setup
from theory.core import exact
from theory.core.formula import numeric
from theory.core.resolvent import resolvent
from theory.single_index import alignment as predicted_alignment
from theory.single_index import damping as damping_theory

FORMULA_TOLERANCE = 1e-12
STEP = 1e-5  # relative, of the central difference: its error is of order STEP^2 and eps / STEP
DIFFERENCE_TOLERANCE = 1e-7
GRID = tuple(float(x) for x in np.logspace(-3, 3, 25))


def limit_findings(trial: Trial, best: float, eigenvalues: NDArray[np.float64]) -> list[Finding]:
    """Return the exact and the deterministic parts for a batch with these eigenvalues."""
    relation = trial.claim.relations()["derivative"]
    result = exact.check_identity(relation, {}, seed=trial.integer_seed("exact"), draws=2)
    verdict = decide.exact_identity(
        result.holds, false_pass_bound=float(result.false_pass_bound), degree=result.degree
    )
    return [
        Finding("exact: derivative", verdict),
        Finding("derivative of a batch", batch_derivative(trial, best, eigenvalues)),
        Finding("Cauchy-Schwarz", cauchy_schwarz(best, eigenvalues)),
        *(
            Finding(f"value at lam*, {weight}", best_value(trial, weight))
            for weight in ("identity", "covariance")
        ),
        *(
            Finding(f"single peak, {weight}", single_peak(trial, weight))
            for weight in ("identity", "covariance")
        ),
        Finding("every lam >= lam* beats SGD, limit", beats_sgd(trial)),
    ]


def batch_moments(eigenvalues: NDArray[np.float64], damping: float) -> dict[str, float]:
    """Return u_j = E[t / (t + lam)^j] over the eigenvalues t of a batch."""
    u = 1.0 / (eigenvalues + damping)
    return {f"moment_u{j}": float(np.mean(eigenvalues * u**j)) for j in (1, 2, 3)}


def batch_derivative(trial: Trial, best: float, eigenvalues: NDArray[np.float64]) -> decide.Verdict:
    """Decide that finite differences of a batch's alignment have the factorised derivative."""
    known = setup.limits(trial.scenario)
    del known["spectrum"]
    value = numeric(damping_theory.BATCH_ALIGNMENT)
    slope = numeric(damping_theory.FACTORISED_DERIVATIVE)
    errors = []
    for damping in (best * x for x in (0.05, 0.3, 0.8, 1.5, 4.0, 30.0)):
        ahead, behind = (
            float(value(damping=x, **{k: u[k] for k in ("moment_u1", "moment_u2")}, **known))
            for x, u in (
                (x, batch_moments(eigenvalues, x))
                for x in (damping * (1 + STEP), damping * (1 - STEP))
            )
        )
        predicted = damping * float(
            slope(damping=damping, **batch_moments(eigenvalues, damping), **known)
        )
        errors.append(abs((ahead - behind) / (2 * STEP) - predicted))
    return decide.identity(errors, tolerance=DIFFERENCE_TOLERANCE)


def cauchy_schwarz(best: float, eigenvalues: NDArray[np.float64]) -> decide.Verdict:
    """Decide that E[t u^2]^2 <= E[t u] E[t u^3]: why the derivative has the sign of lam* - lam."""
    moments = [batch_moments(eigenvalues, best * x) for x in GRID]
    ratios = [u["moment_u2"] ** 2 / (u["moment_u1"] * u["moment_u3"]) for u in moments]
    return decide.bound(ratios, 1.0, rounding=FORMULA_TOLERANCE)


def best_value(trial: Trial, weight: str) -> decide.Verdict:
    """Decide that the limit at lam* is E[P], or E[sP]/m1 for the covariance-weighted one."""
    known = setup.limits(trial.scenario)
    damping = damping_theory.optimal_damping(
        aspect=known["aspect"], c1=known["c1"], residual_var=known["residual_var"]
    )
    value = predicted_alignment("kfac", damping=damping, weight=weight, **known)
    v = float(resolvent(known["spectrum"], aspect=known["aspect"], damping=damping).v)
    claimed = damping_theory.BEST_ALIGNMENT[weight](known["spectrum"], resolvent_v=v)
    return decide.identity(abs(value - claimed) / claimed, tolerance=FORMULA_TOLERANCE)


def single_peak(trial: Trial, weight: str) -> decide.Verdict:
    """Decide that the limit rises up to lam* and falls after it, on a grid of dampings."""
    known = setup.limits(trial.scenario)
    best = damping_theory.optimal_damping(
        aspect=known["aspect"], c1=known["c1"], residual_var=known["residual_var"]
    )
    values = np.array(
        [predicted_alignment("kfac", damping=best * x, weight=weight, **known) for x in GRID]
    )
    peak = GRID.index(1.0)
    falls = np.concatenate(
        [values[:peak] - values[1 : peak + 1], values[peak + 1 :] - values[peak:-1]]
    )
    return decide.bound(1.0 + falls, 1.0, rounding=FORMULA_TOLERANCE)


def beats_sgd(trial: Trial) -> decide.Verdict:
    """Decide that the limits at lam*, 2 lam*, ... are all at least SGD's."""
    known = setup.limits(trial.scenario)
    best = damping_theory.optimal_damping(
        aspect=known["aspect"], c1=known["c1"], residual_var=known["residual_var"]
    )
    sgd = predicted_alignment("sgd", **known)
    values = [predicted_alignment("kfac", damping=best * x, **known) for x in GRID if x >= 1.0]
    return decide.bound(sgd / np.array(values), 1.0, rounding=FORMULA_TOLERANCE)
