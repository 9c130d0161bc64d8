"""LR-21: the natural gradient with the empirical Fisher matrix: contraction and floor."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.linalg import standard_normal
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import Method, ngd_empirical
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.first_noise import first_noise
from lpfl.verify.setups.linear.modes import Modes, modes_of
from lpfl.verify.setups.linear.noise_dominated import stated_exponent
from lpfl.verify.setups.stated import same_function
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, default_facts
from theory.linear_representation import local_rate, tangent_floor

Array = NDArray[np.float64]

RESPONSE_ROWS = 400_000  # over all replicates: small batches are noisier
ROWS_PER_PARAMETER = 25
STEPS = 21
BURN_IN = 5  # (1 - alpha)^(2 BURN_IN) <= 0.1 % is left of the start
STD_ERROR = 0.014  # of the mean of |T|^2, relative: its interval fits into ROOM
# Far smaller distances would magnify the gauge part of a step, which rounding sets at random.
SMALL_AGAINST_NOISE = 0.03
TRUNCATION = judgement(0.02, "twenty times the square of the distance over the noise")
ROOM = judgement(0.12, "room for the interval of the mean: the rivals are more than 0.4 away")
VISIBLE_SPREAD = math.log(4.0)  # of lambda mu: less shows no exponent


def parameters(fields: Mapping[str, Any]) -> int:
    """Return q = k (m + d - k), the rank of the Fisher matrix."""
    k = int(fields["rank"])
    return k * int(fields["output_dim"] + fields["input_dim"] - k)


def step_size_of(scenario: Scenario) -> float:
    """Return eta = alpha sigma^2."""
    return float(scenario.effective_step * scenario.noise_std**2)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """The step size is the drawn effective one times the noise variance."""
    return {**default_facts(scenario), "step_size": step_size_of(scenario)}


def leading_order(covariance: CovarianceSpec) -> float:
    """Return a noise whose step stays small in the flattest direction: leading order in noise."""
    return min(0.05, 0.5 / math.sqrt(covariance.condition_number()))


@check(
    "LR-21",
    (
        Integers("input_dim", 3, 16, log=True),
        Integers("rank", 1, lambda v: 2 if v["input_dim"] <= 8 else 1),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 1),
        Integers(
            "batch_size",
            lambda v: ROWS_PER_PARAMETER * parameters(v),
            lambda v: 3 * ROWS_PER_PARAMETER * parameters(v) // 2,
        ),
        Covariances(max_log10_cond=3.0),
        Reals("head_log10_cond", 0.0, 1.0),
        Reals("noise_std", 0.005, lambda v: leading_order(v["covariance"]), log=True),
        Reals("effective_step", 0.5, 0.9, easy="high"),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(
        Scenario(
            {
                "input_dim": 16,
                "rank": 2,
                "output_dim": 3,
                "batch_size": 2 * ROWS_PER_PARAMETER * 17,
                "covariance": CovarianceSpec(16, "geometric", 2.0, "haar", 0),
                "head_log10_cond": 1.0,
                "noise_std": 0.01,
                "effective_step": 0.9,
                "input_law": "gaussian",
            }
        ),
    ),
    decisions=5,
    facts=facts,
)
def empirical_fisher(trial: Trial) -> Iterator[Comparison]:
    """Linear response at the solution, then the stationary squares of the tangents."""
    eta = step_size_of(trial.scenario)
    rate = local_rate("ngd_empirical", step_size=eta, noise_std=trial.noise_std)
    yield same_function("contraction", rate, trial.number("contraction", step_size=eta))
    yield contraction(trial)
    yield from floor(trial)
    yield first_noise(trial)


def contraction(trial: Trial) -> Near:
    """Two runs on one batch, a tiny distance apart: what T keeps in one step, in the mean.

    Finite batches: the inverse of a sample covariance of q parameters is too large by q/n, and
    every sample is in its own Fisher matrix, which lowers the response by as much: the balance is
    below q/n either way.
    """
    n, d, k = trial.batch_size, trial.input_dim, trial.rank
    eta = step_size_of(trial.scenario)
    replicates = trial.replicates(RESPONSE_ROWS // n)
    problem = setup.draw_truth(trial, replicates=replicates, noise_std=trial.noise_std)
    G_star, B = problem.representation_star, problem.complement
    batch = model.sample(problem, n, trial.stream("response"))
    method = ngd_empirical.ngd_empirical(step_size=eta)
    admit(trial, problem, method)
    modes = modes_of(problem)
    white = standard_normal(
        replicates, k, d - k, generator=trial.stream("direction"), dtype=trial.dtype
    )
    white = white / torch.linalg.matrix_norm(white, keepdim=True)
    move = modes.coloured(white) @ uncorrelated_rows(problem)
    # Against the noise of the parameters, which is sigma/sqrt(n) where T is white.
    size = SMALL_AGAINST_NOISE * trial.noise_std / math.sqrt(n)

    def after(sign: float) -> Tensor:
        start = model.Weights(problem.head_star, G_star + sign * size * move)
        end, _ = method.step(start, {}, batch)
        return linalg.tangent_matrix(end.representation, G_star, B)

    kept = (modes.whitened((after(1.0) - after(-1.0)) / (2.0 * size)) * white).sum((-2, -1))
    lost = trial.effective_step
    share = finite_size(parameters(trial.scenario) / n, "parameters over rows")
    noise = rounding(trial.dtype, dim=d).times(
        1.0 / (size * lost), "over the distance and the loss"
    )
    return Near(
        part="contraction",
        samples=as_numpy(kept),
        predicted=trial.number("contraction", step_size=eta),
        tolerance=(share + TRUNCATION + noise).times(lost, "times the loss"),
        rival=Rival("half the loss", 1.0 - lost / 2.0),
        label="two runs on one batch",
    )


def admit(trial: Trial, problem: model.LinearRepresentation, method: Method) -> None:
    """Test the domain on the problem and on the step size that the method runs with."""
    eta = method.hyperparameters["step_size"]
    setup.admit(
        trial, problem, batch_size=trial.batch_size, input_law=problem.input_law, step_size=eta
    )


def uncorrelated_rows(problem: model.LinearRepresentation) -> Tensor:
    """Return rows (R, d-k, d) whose projections of x have no correlation with G* x.

    Moves along them have the tangents of moves along B, and excite no other parameter.
    """
    G_star, B, cov_x = problem.representation_star, problem.complement, problem.cov_x
    shared = linalg.right_solve(B @ cov_x @ G_star.mT, G_star @ cov_x @ G_star.mT)
    return B - shared @ G_star


def floor(trial: Trial) -> Iterator[Near]:
    """Runs from the solution on fresh batches: squares of T after the start is forgotten.

    Leading order in 1/n: the terms left out are about 4/3 q/n, as small runs show; 2 q/n is
    allowed.
    """
    n, eta = trial.batch_size, step_size_of(trial.scenario)
    problem = setup.draw_truth(trial, replicates=1, noise_std=trial.noise_std)
    modes = modes_of(problem)
    replicates = trial.replicates(replicates_of(modes))
    wide = setup.repeated(problem, replicates)
    G_star, B = wide.representation_star, problem.complement
    method = ngd_empirical.ngd_empirical(step_size=eta)
    admit(trial, wide, method)
    stream = trial.stream("floor")
    _, seen = simulate(
        method,
        model.Weights(wide.head_star, G_star),
        lambda t: model.sample(wide, n, stream),
        num_steps=STEPS,
        observe={
            "squares": lambda w: modes.entries(
                linalg.tangent_matrix(w.representation, G_star, B)
            ).square()
        },
    )
    squares = as_numpy(seen["squares"][BURN_IN + 1 :].mean(0))
    tolerance = ROOM + finite_size(2.0 * parameters(trial.scenario) / n, "parameters over rows")
    yield total(trial, modes, squares, tolerance)
    yield from entries(trial, modes, squares, tolerance)


def replicates_of(modes: Modes) -> int:
    """Return how many runs give the mean of |T|^2 its standard error.

    |T|^2 is a sum of squares with weights 1/(lambda mu): 2/dof is its squared relative spread.
    Steps past the burn-in are close to independent: at most a quarter of a variance is left.
    """
    weights = 1.0 / modes.products
    dof = float(weights.sum() ** 2 / weights.square().sum())
    return max(64, math.ceil(2.0 / (dof * STD_ERROR**2) / (0.6 * (STEPS - BURN_IN))))


def total(trial: Trial, modes: Modes, squares: Array, tolerance: Tolerance) -> Near:
    """The mean of |T|^2 against the floor, and against that of KFAC at the same step size."""
    eta = step_size_of(trial.scenario)
    known = {
        "step_size": eta,
        "noise_std": trial.noise_std,
        "n": trial.batch_size,
        "head_eigenvalues": as_numpy(modes.heads[0]),
        "schur_eigenvalues": as_numpy(modes.schurs[0]),
    }
    predicted = tangent_floor("ngd_empirical", output_dim=trial.output_dim, **known)
    return Near(
        part="floor",
        samples=squares.sum((-2, -1)),
        predicted=predicted,
        tolerance=tolerance.times(predicted, "times the floor"),
        rival=Rival("KFAC at this step size", tangent_floor("kfac", **known)),
        label="mean of |T|²",
    )


def entries(trial: Trial, modes: Modes, squares: Array, tolerance: Tolerance) -> Iterator[Near]:
    """Every entry in units of 1/(lambda mu), and the exponent of lambda mu where it is visible."""
    eta = step_size_of(trial.scenario)

    def stated(head: Array, schur: Array) -> Array:
        values = {"head_eigenvalue": head, "schur_eigenvalue": schur}
        return np.asarray(trial.number("entry", step_size=eta, **values))

    heads, schurs = as_numpy(modes.heads[0]), as_numpy(modes.schurs[0])
    predicted = stated(heads[:, None], schurs)
    level, ratio = float(predicted.min()), squares / predicted
    yield Near(
        part="entry",
        samples=level * ratio.mean((-2, -1)),
        predicted=level,
        tolerance=tolerance.times(level, "times the level"),
        rival=Rival("half the level", level / 2.0),
        label="variance over that of the statement",
    )
    x = np.log(np.outer(heads, schurs))
    x = x - x.mean()
    if np.ptp(x) < VISIBLE_SPREAD:
        return
    exponent = stated_exponent(lambda product: float(stated(np.array(product), np.array(1.0))))
    lever = float(np.abs(x).mean() / np.mean(x**2))
    yield Near(
        part="entry",
        samples=exponent + ((ratio - 1.0) * x).mean((-2, -1)) / np.mean(x**2),
        predicted=exponent,
        tolerance=tolerance.times(lever, "as a slope if the errors of the entries conspire"),
        rival=Rival("Adam's floor", -0.5),
        label="exponent of λ_iμ_j",
    )
