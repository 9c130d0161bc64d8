"""LR-36: the local spectra of three kinds of damping, their bounds, and what tells them apart."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpfl.linalg.spectral import psd_power
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Same
from lpfl.verify.setups.linear import jacobian
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import variant_functions as functions
from lpfl.verify.space import Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, truncation
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import damped_rate

Array = NDArray[np.float64]
SLOWEST = judgement(0.001, "small against 1, and a thousand times the error of a difference")
CHANGES = {
    "as drawn": (1.0, 1.0, 1.0),
    "damping doubled": (2.0, 1.0, 1.0),
    "y doubled": (1.0, 2.0, 1.0),
    "covariance times 4": (1.0, 1.0, 4.0),
}
"""Factors on the damping, on F* and on Sigma."""


@check(
    "LR-36",
    (
        Integers("input_dim", 3, 12, log=True),
        Integers("rank", 1, lambda v: min(3, v["input_dim"] - 1)),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3),
        Covariances(max_log10_cond=2.0),
        Reals("head_log10_cond", 0.0, 1.0),
        Reals("step_size", 0.1, 1.0, easy="high"),
        Reals("damping", 0.003, 3.0, log=True),
        Reals("left_damping", 0.003, 3.0, log=True),
    ),
)
def damping_kinds(trial: Trial) -> Iterator[Comparison]:
    """All multipliers of the population map, for correlated and for uncorrelated inputs."""
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    heads, cov_x = heads_of(problem), as_numpy(setup.frame_covariance(problem))
    for kind in ("factor", "kronecker", "pi"):
        options = options_of(trial, kind)
        predicted = stated(trial, problem, **options)
        yield Same(
            part=kind,
            measured=multipliers(trial, problem, **options),
            predicted=predicted,
            scale=1.0,
            tolerance=tolerance_of(trial, problem),
        )
        yield functions.damped(trial, kind, predicted, heads, cov_x)
    yield from bounds(trial, problem)
    yield from uncorrelated(trial, problem)
    for kind in ("factor", "kronecker", "pi"):
        yield from deficits(trial, problem, kind)


def options_of(trial: Trial, kind: str) -> dict[str, Any]:
    """Return the options of the optimizer: the drawn dampings, of the kind."""
    left = {"output_damping": trial.left_damping} if kind == "factor" else {}
    return {"damping": trial.damping, "damping_kind": kind, **left}


def multipliers(
    trial: Trial, problem: model.LinearRepresentation, eta: float | None = None, **options: Any
) -> Array:
    """Return the eigenvalues of the update of T, ascending (k (d - k),); eta: if not the drawn."""
    method = kfac.kfac(step_size=trial.step_size if eta is None else eta, **options)
    batch = model.population_batch(problem)
    return np.sort(np.linalg.eigvals(jacobian.tangent_jacobian(method, problem, batch)).real)


def stated(trial: Trial, problem: model.LinearRepresentation, **options: Any) -> Array:
    """Return the multipliers that the claim states for these options."""
    return damped_rate(
        options["damping_kind"],
        step_size=trial.step_size,
        damping=options["damping"],
        output_damping=options.get("output_damping", 0.0),
        head_eigenvalues=heads_of(problem),
        cov_x=as_numpy(setup.frame_covariance(problem)),
    )


def heads_of(problem: model.LinearRepresentation) -> Array:
    """Return the eigenvalues of F*'F* (k,)."""
    F = as_numpy(problem.head_star[0])
    return np.asarray(np.linalg.eigvalsh(F.T @ F))


def tolerance_of(trial: Trial, problem: model.LinearRepresentation) -> Tolerance:
    """Return the error of a multiplier from central differences."""
    return jacobian.difference_tolerance(trial, trial.input_dim, problem.root, problem.head_star)


def bounds(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Comparison]:
    """The run's nu_j, one for each eigenvalue of Sigma_s, between the two bounds."""
    k, lam = trial.rank, trial.damping
    rates = 1.0 - multipliers(trial, problem, damping=lam)
    nu = np.sort(rates / trial.step_size)[::k]  # every one of them k times
    mu = np.sort(jacobian.schur_spectrum(problem))
    cov_x = as_numpy(setup.frame_covariance(problem))
    shared = np.linalg.norm(np.linalg.solve(cov_x[:k, :k], cov_x[:k, k:]), ord=2) ** 2
    error = tolerance_of(trial, problem).times(1.0 / trial.step_size, "over the step size")
    upper = trial.number("upper", schur_eigenvalue=mu)
    lower = trial.number("lower", schur_eigenvalue=mu, correlation_norm2=shared)
    yield Below(part="upper", measured=nu, limit=upper, tolerance=error)
    yield Below(part="lower", label="1 − ν", measured=1.0 - nu, limit=1.0 - lower, tolerance=error)


def uncorrelated(trial: Trial, problem: model.LinearRepresentation) -> Iterator[Comparison]:
    """The same with the covariance between G*x and the rest of x removed."""
    inside = problem.representation_star[0].mT @ problem.representation_star[0]
    outside = problem.complement[0].mT @ problem.complement[0]
    cov_x = inside @ problem.cov_x @ inside + outside @ problem.cov_x @ outside
    cov_x = (cov_x + cov_x.mT) / 2
    apart = replace(problem, cov_x=cov_x, root=psd_power(cov_x, 0.5))
    mu, lam = np.sort(jacobian.schur_spectrum(apart)), heads_of(apart)[:, None]
    error = tolerance_of(trial, apart)
    over = error.times(1.0 / trial.step_size, "over the step size")
    nu = (1.0 - multipliers(trial, apart, damping=trial.damping)) / trial.step_size
    yield Same(
        part="uncorrelated",
        measured=np.sort(nu),
        predicted=np.sort(np.repeat(trial.number("uncorrelated", schur_eigenvalue=mu), trial.rank)),
        scale=1.0,
        tolerance=over,
    )
    product = {"head_eigenvalue": lam, "schur_eigenvalue": mu, "product_damping": trial.damping}
    yield Same(
        part="kronecker_uncorrelated",
        measured=multipliers(trial, apart, **options_of(trial, "kronecker")),
        predicted=np.sort(trial.number("kronecker_uncorrelated", **product).ravel()),
        scale=1.0,
        tolerance=error,
    )
    split = (1.0 - multipliers(trial, apart, **options_of(trial, "pi"))) / trial.step_size
    yield Below(
        part="split_slower",
        measured=np.sort(split),
        limit=np.sort(trial.number("split_slower", **product).ravel()),
        tolerance=over,
    )


def deficits(trial: Trial, problem: model.LinearRepresentation, kind: str) -> Iterator[Comparison]:
    """What small damping takes from every rate, in four settings, and how the largest changes.

    The damping takes a thousandth of the slowest rate, as drawn; the next order is the square of
    that. Step size 1: a multiplier is what damping takes.
    """
    base = small_damping(problem, kind)
    found, wanted = {}, {}
    for change, (more, y, x) in CHANGES.items():
        other = replace(
            problem,
            head_star=y * problem.head_star,
            cov_x=x * problem.cov_x,
            root=x**0.5 * problem.root,
        )
        options = {name: more * value for name, value in base.items()}
        found[change] = multipliers(trial, other, 1.0, damping_kind=kind, **options)
        wanted[change] = np.sort(stated_deficits(trial, other, kind, options).ravel())
    error = tolerance_of(trial, problem)
    error = error.times(1.0 / SLOWEST.value, "over what damping takes")
    error = error + truncation(8.0 * SLOWEST.value, "next order of twice the damping, both ways")
    for change, values in found.items():
        yield Same(
            part=f"deficit_{kind}",
            label=change,
            measured=values,
            predicted=wanted[change],
            scale=wanted[change].max(),
            tolerance=error,
        )
        if change != "as drawn":
            yield Same(
                part=f"deficit_{kind}",
                label=f"slowest mode, {change}: ratio",
                measured=values.max() / found["as drawn"].max(),
                predicted=wanted[change].max() / wanted["as drawn"].max(),
                tolerance=error,
            )


def responses(problem: model.LinearRepresentation) -> Array:
    """Return the eigenvalues tau_j of Sigma_s [Sigma^{-2}]_pp."""
    k = problem.head_star.shape[-1]
    inverse = np.linalg.inv(as_numpy(setup.frame_covariance(problem)))
    schur = np.linalg.inv(inverse[k:, k:])
    return np.sort(np.linalg.eigvals(schur @ (inverse @ inverse)[k:, k:]).real)


def split_of(problem: model.LinearRepresentation) -> float:
    """Return the root of the mean eigenvalue of Sigma over that of F*'F*."""
    inputs = as_numpy(setup.frame_covariance(problem))
    return float(np.sqrt(np.trace(inputs) / len(inputs) / heads_of(problem).mean()))


def small_damping(problem: model.LinearRepresentation, kind: str) -> dict[str, float]:
    """Return dampings that take SLOWEST from the slowest rate."""
    smallest, tau = heads_of(problem).min(), responses(problem).max()
    if kind == "factor":
        return {
            "damping": 0.5 * SLOWEST.value / tau,
            "output_damping": 0.5 * SLOWEST.value * smallest,
        }
    if kind == "kronecker":
        return {"damping": SLOWEST.value * smallest / tau}
    pi = split_of(problem)
    return {"damping": (SLOWEST.value / (1.0 / (pi * smallest) + pi * tau)) ** 2}


def stated_deficits(
    trial: Trial, problem: model.LinearRepresentation, kind: str, options: dict[str, float]
) -> Array:
    """Return what the claim says that damping takes, for every pair of modes."""
    known: dict[str, Any] = {
        "head_eigenvalue": heads_of(problem)[:, None],
        "damping_response": responses(problem),
    }
    if kind == "factor":
        known |= {"damping": options["damping"], "left_damping": options["output_damping"]}
    else:
        known |= {"product_damping": options["damping"]}
    if kind == "pi":
        known["damping_split"] = split_of(problem)
    return np.asarray(trial.claim[f"deficit_{kind}"].number(**known))
