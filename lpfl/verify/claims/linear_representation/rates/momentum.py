"""LR-38: multipliers with momentum, fitted to three steps near the solution; the noise floors."""

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from lpfl.optim.core.method import Method
from lpfl.optim.core.momentum import MOMENTUM_KINDS
from lpfl.optim.kfac import kfac
from lpfl.optim.sgd_momentum import sgd_momentum
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import jacobian
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import variant_functions as functions
from lpfl.verify.setups.linear.all_batches.momentum import momentum_floor_of_all_batches
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import momentum_floor, momentum_spectrum

Array = NDArray[np.float64]

RELATIVE = judgement(
    0.14, "1 % for the next order in noise_std^2/n, the rest below half of the way to a rival"
)
HALF_WIDTH = 0.1
SMALLEST_SHARE = 0.05  # of a full step: slower modes of SGD cannot be told in three steps
START_TANGENT = 1e-5


def of_kfac(kind: str, momentum: float) -> Callable[[float], Method]:
    """Return KFAC with this momentum as a function of the step size."""
    return lambda step_size: kfac(step_size=step_size, momentum=momentum, momentum_kind=kind)


def of_sgd(kind: str, momentum: float) -> Callable[[float], Method]:
    """Return SGD with a least-squares head and this momentum, by step size."""
    flags = {"nesterov": kind == "nesterov", "averaged": kind == "averaged"}
    return lambda step_size: sgd_momentum(
        step_size=step_size, momentum=momentum, head="least_squares", **flags
    )


@check(
    "LR-38",
    (
        Integers("input_dim", 6, 10),
        Integers("rank", 2, 3),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 4),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.2, 1.2),
        Reals("momentum", 0.4, 0.8),
        Integers("batch_size", lambda v: 2 * v["input_dim"] + 10, lambda v: 4 * v["input_dim"] + 8),
        Reals("noise_std", 0.001, 0.01, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=4,
)
def momentum(trial: Trial) -> Iterator[Comparison]:
    """Fit multipliers to three steps, take full steps, then average over stationary runs."""
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    setup.admit(trial, problem, noise_std=trial.noise_std, batch_size=trial.batch_size)
    spectra = setup.head_eigenvalues(trial.scenario), jacobian.schur_spectrum(problem)
    for kind in MOMENTUM_KINDS:
        yield from fitted(trial, kind, problem, batch)
        yield from functions.with_momentum(trial, kind, *spectra)
    yield from full_steps(trial, problem, batch)
    yield from best_for_sgd(trial, problem, batch)
    for kind in MOMENTUM_KINDS:
        yield floor(trial, kind)
        method = of_kfac(kind, trial.momentum)(trial.step_size)
        yield momentum_floor_of_all_batches(trial, kind, method)
    yield equal_rate(trial)


def modes(problem: model.LinearRepresentation) -> tuple[Array, Array]:
    """Return lambda_i mu_j of every mode, and the modes as columns of vec T (row by row)."""
    F = problem.head_star[0]
    heads, left = np.linalg.eigh(as_numpy(F.mT @ F))
    schurs, right = np.linalg.eigh(jacobian.schur_complement(problem))
    return np.outer(heads, schurs).ravel(), np.kron(left, right)


def responses(
    method: Method, problem: model.LinearRepresentation, batch: model.Batch, basis: Array
) -> list[Array]:
    """Return what is left of each mode after one, two and three steps."""
    maps = [jacobian.tangent_jacobian(method, problem, batch, steps=n) for n in (1, 2, 3)]
    return [np.diag(basis.T @ J @ basis) for J in maps]


def recursion(s: list[Array]) -> tuple[Array, Array]:
    """Return sum and product of the multipliers in s'' = sum s' - product s, with s_0 = 1."""
    det = s[0] ** 2 - s[1]
    total = (s[0] * s[1] - s[2]) / det
    return total, (s[1] ** 2 - s[0] * s[2]) / det


def fitted(
    trial: Trial, kind: str, problem: model.LinearRepresentation, batch: model.Batch
) -> Iterator[Same]:
    """Sums, products and boundaries of KFAC, and of the steep modes of SGD."""
    curvatures, basis = modes(problem)
    error = jacobian.difference_tolerance(
        trial, curvatures.size, problem.cov_x, problem.head_star, problem.head_star
    )
    entrants = {
        "KFAC": (of_kfac(kind, trial.momentum), np.ones_like(curvatures), 1.0),
        "SGD": (of_sgd(kind, trial.momentum), curvatures, float(curvatures.max())),
    }
    for name, (method, h, unit) in entrants.items():
        eta = trial.step_size / unit
        seen = h * eta >= SMALLEST_SHARE
        total, product = recursion(responses(method(eta), problem, batch, basis))
        tolerance = error.times(
            4.0 / (trial.momentum**2 * (1 - trial.momentum) * SMALLEST_SHARE),
            "over the determinant of the fit",
        )
        known = {"step_size": eta, "mode_curvature": h[seen]}
        for part, value in (("sum", total), ("product", product)):
            predicted = trial.claim[f"{kind}_{part}"].formula.code_names
            values = {key: known[key] for key in known if key in predicted}
            yield Same(
                part=f"{kind}_{part}",
                label=name,
                measured=value[seen],
                predicted=trial.number(f"{kind}_{part}", **values),
                tolerance=tolerance,
                scale=1.0,
            )
        stated = momentum_spectrum(kind, step_size=eta, momentum=trial.momentum, h=h[seen])
        yield from functions.larger_multiplier(
            f"{kind}_sum", name, stated, (total[seen], product[seen]), tolerance
        )
        yield boundary(trial, kind, name, method, (problem, batch, basis), h, tolerance)


def boundary(
    trial: Trial,
    kind: str,
    name: str,
    method: Callable[[float], Method],
    where: tuple[model.LinearRepresentation, model.Batch, Array],
    curvatures: Array,
    tolerance: Tolerance,
) -> Same:
    """Where -1 becomes a multiplier of the steepest mode: 1 + sum + product is linear in eta."""
    steepest = int(np.argmax(curvatures))
    h = float(curvatures[steepest])

    def value(share: float) -> float:
        total, product = recursion(responses(method(share / h), *where))
        return float(1.0 + total[steepest] + product[steepest])

    near, far = value(0.5), value(1.5)
    edge = (0.5 + near / (near - far)) / h
    return Same(
        part=f"{kind}_boundary",
        label=name,
        measured=edge,
        predicted=trial.number(f"{kind}_boundary", mode_curvature=h),
        tolerance=tolerance.times(4.0, "extrapolated to where the line is zero"),
    )


def full_steps(
    trial: Trial, problem: model.LinearRepresentation, batch: model.Batch
) -> Iterator[Same]:
    """A tiny tangent after steps of size 1: gone without momentum, back again with it."""
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    start = model.Weights(problem.head_star, G)
    # second order in the start, and rounding over it
    exact = rounding(trial.dtype, dim=trial.input_dim).times(1e2 / START_TANGENT, "over the start")
    tolerance = exact + Tolerance(10 * START_TANGENT, exact.basis, "the next order in the start")

    def sizes(method: Method) -> Array:
        look = {"squares": floors.squared_tangents(problem)}
        _, seen = simulate(method, start, lambda t: batch, num_steps=2, observe=look)
        lengths = np.sqrt(as_numpy(seen["squares"])[:, 0])
        return np.asarray(lengths[1:] / lengths[0])

    for label, eta in (("η = 1", 1.0), ("another step size", trial.step_size)):
        yield Same(
            part="full_step",
            label=label,
            measured=sizes(kfac(step_size=eta))[0],
            predicted=abs(trial.number("full_step", step_size=eta)),
            tolerance=tolerance,
            scale=1.0,
        )
    for kind in MOMENTUM_KINDS:
        yield Same(
            part="excursion",
            label=kind,
            measured=sizes(of_kfac(kind, trial.momentum)(1.0)).max(),
            predicted=trial.number("excursion"),
            tolerance=tolerance,
            scale=1.0,
        )


def best_for_sgd(
    trial: Trial, problem: model.LinearRepresentation, batch: model.Batch
) -> Iterator[Same]:
    """The slowest and the fastest mode of SGD at the best heavy ball: sum and product of q, q."""
    curvatures, basis = modes(problem)
    low, high = math.sqrt(curvatures.min()), math.sqrt(curvatures.max())
    kappa = (high / low) ** 2
    best = trial.number("best_for_sgd", mode_condition_number=kappa)
    if best**2 < SMALLEST_SHARE:
        return
    method = of_sgd("heavy_ball", best**2)((2.0 / (low + high)) ** 2)
    _, product = recursion(responses(method, problem, batch, basis))
    error = jacobian.difference_tolerance(
        trial, curvatures.size, problem.cov_x, problem.head_star, problem.head_star
    )
    slowest = (2.0 / (1.0 + high / low)) ** 2
    tolerance = error.times(4.0 / (best**2 * slowest), "over the determinant of the fit")
    for label, at in (("slowest", np.argmin(curvatures)), ("fastest", np.argmax(curvatures))):
        yield Same(
            part="best_for_sgd",
            label=label,
            measured=math.sqrt(max(float(product[at]), 0.0)),
            predicted=best,
            tolerance=tolerance,
            scale=1.0,
        )


def radius(kind: str, step_size: float, momentum: float) -> float:
    """Return the modulus of the slower multiplier of KFAC."""
    pair = momentum_spectrum(kind, step_size=step_size, momentum=momentum)
    return float(np.abs(pair).max())


def stationary(trial: Trial, method: Method, slowest: float, name: str) -> Array:
    """Return time averages of |T|^2, one per replicate."""
    return floors.long_average(
        trial,
        method,
        slowest=slowest,
        name=name,
        batch_size=trial.batch_size,
        half_width=HALF_WIDTH,
    )


def floor(trial: Trial, kind: str) -> Near:
    """The stationary mean square, in units of one batch's."""
    method = of_kfac(kind, trial.momentum)(trial.step_size)
    slowest = radius(kind, trial.step_size, trial.momentum)
    squares = stationary(trial, method, slowest, kind)
    predicted = momentum_floor(kind, step_size=trial.step_size, momentum=trial.momentum)
    other = "heavy_ball" if kind == "averaged" else "no momentum"
    plain = trial.step_size / (2.0 - trial.step_size)
    return Near(
        part=f"{kind}_floor",
        samples=squares / floors.unit(trial),
        predicted=predicted,
        tolerance=RELATIVE.times(predicted, "relative to the floor"),
        rival=Rival(other, trial.number("heavy_ball_floor") if kind == "averaged" else plain),
    )


def equal_rate(trial: Trial) -> Near:
    """Heavy ball with a double multiplier r over plain KFAC of multiplier r."""
    rate = math.sqrt(trial.momentum)
    heavy = of_kfac("heavy_ball", trial.momentum)((1.0 - rate) ** 2)
    with_it = stationary(trial, heavy, rate, "double multiplier")
    without = stationary(trial, kfac(step_size=1.0 - rate), rate, "plain")
    ratio = with_it.mean() / without.mean()
    predicted = trial.number("equal_rate")
    return Near(
        part="equal_rate",
        samples=ratio + (with_it - ratio * without) / without.mean(),
        predicted=predicted,
        tolerance=RELATIVE.times(1.4 * predicted, "relative to the ratio, of two means"),
        rival=Rival("the same floor", 1.0),
    )
