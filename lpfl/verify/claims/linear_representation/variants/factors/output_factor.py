"""LR-33: mean multipliers and noise floors of KFAC with three output factors."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import Method, kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import edges
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.all_batches.sampled import sampled_factor_of_all_draws
from lpfl.verify.setups.linear.modes import frobenius, whiteners
from lpfl.verify.setups.linear.other_residuals import step_on_other_residuals
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy, default_facts
from theory.linear_representation import output_factor

CHAINS, STEPS = 1500, 8
# Responses of the Gauss-Newton factor are all alike; those of one sample a row have a heavy tail.
RESPONSES = {"gauss_newton": 64, "sampled": 7000}
# Squared spreads as seen, times the k(d - k) entries of T: of a response over the squared step, and
# of a chain's |T|^2, relative; and how much of the distance or of the floor an interval may take.
RESPONSE_SPREAD2, RESPONSE_SHARE = 1.2, 0.25
SAMPLED_SPREAD2, SAMPLED_HALF_WIDTH = 2.0, 0.075
LEFT_OF_START = 1e-3
SMALL = 0.02  # distance of the two runs over the noise of one row
ROOM = judgement(0.45, "room for the interval of the mean, of the distance to the nearest rival")
FLOOR_ROOM = judgement(0.14, "room for the interval of the mean: the rival is 24 % away or more")
LESS_ROOM = judgement(0.11, "the same, less what the next order may take")
NARROW = judgement(0.06, "the draws: n - k - 1 for n - 2k - 1 moves the floor by a fifth")
MANY_CHAINS = 4500


def high_rank() -> Scenario:
    """Return a scenario whose rank is a sixth of its rows, with a short step."""
    sizes = {"input_dim": 6, "rank": 4, "output_dim": 4, "batch_size": 24, "samples_per_row": 1}
    covariance = CovarianceSpec(6, "geometric", 0.5, "haar", 0)
    rest = {"head_log10_cond": 0.2, "noise_std": 0.001, "input_law": "gaussian"}
    return Scenario({**sizes, **rest, "covariance": covariance, "step_fraction": 0.2})


HIGH_RANK = high_rank()


def effective(scenario: Scenario, kind: str) -> float:
    """Return the step size of the optimizer: that of the empirical factor is in [y]^2."""
    noise = scenario.noise_std**2 if kind == "empirical" else 1.0
    return float(scenario.step_fraction * noise)


def facts(scenario: Scenario) -> dict[str, Any]:
    """The largest of the step sizes that the runs have."""
    return {**default_facts(scenario), "step_size": effective(scenario, "sampled")}


@check(
    "LR-33",
    (
        Integers("input_dim", 5, 7),
        Integers("rank", 1, 2),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 2),
        Integers(
            "batch_size",
            lambda v: max(3 * v["input_dim"], 6 * v["rank"] + 10),
            lambda v: max(3 * v["input_dim"], 6 * v["rank"] + 10) + 2,
        ),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("noise_std", 0.0005, 0.005, log=True),
        Reals("step_fraction", 0.3, 0.6, easy="high"),
        Integers("samples_per_row", 1, 2),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(HIGH_RANK,),
    decisions=9,
    facts=facts,
)
def output_factors(trial: Trial) -> Iterator[Comparison]:
    """Two runs on one batch a tiny distance apart, then chains of steps from the solution."""
    for kind in ("gauss_newton", "sampled", "empirical"):
        yield from response(trial, kind)
    yield from response(trial, "empirical", "empirical_other")
    for kind in ("gauss_newton", "sampled", "empirical"):
        yield floor(trial, kind)
    yield from sampled_factor_of_all_draws(trial)


def method_of(trial: Trial, kind: str) -> Method:
    """Return alternating KFAC with this output factor."""
    return kfac.kfac(
        step_size=effective(trial.scenario, kind),
        output_factor=kind,
        samples_per_row=trial.samples_per_row,
        sample_seed=trial.integer_seed("samples", kind),
    )


def one_truth(trial: Trial, replicates: int) -> model.LinearRepresentation:
    """Return the scenario's truth with noise, the same for every replicate."""
    truth = setup.draw_truth(trial, replicates=1, noise_std=trial.noise_std)
    F, G = truth.head_star, truth.representation_star
    return replace(
        truth,
        head_star=F.expand(replicates, -1, -1),
        representation_star=G.expand(replicates, -1, -1),
    )


def admit(trial: Trial, problem: model.LinearRepresentation, method: Method) -> None:
    """Test the domain on the problem and on the step size that the method runs with."""
    eta = float(method.hyperparameters["step_size"])
    setup.admit(
        trial, problem, batch_size=trial.batch_size, input_law=problem.input_law, step_size=eta
    )


def response(trial: Trial, kind: str, part: str | None = None) -> Iterator[Comparison]:
    """What T keeps of a direction in one step, in the mean over batches.

    part "empirical_other": the output factor is that of another batch.
    """
    part = part or kind
    n, k, size = trial.batch_size, trial.rank, SMALL * trial.noise_std
    problem = one_truth(trial, trial.replicates(responses(trial, part)))
    method = method_of(trial, kind)
    admit(trial, problem, method)
    G_star, B = problem.representation_star, problem.complement
    batch, other = (
        model.sample(problem, n, trial.stream(name, part)) for name in ("response", "other batch")
    )
    eta = effective(trial.scenario, kind)
    left, right = whiteners(problem)
    white = linalg.standard_normal(
        len(G_star), k, trial.input_dim - k, generator=trial.stream("direction", part),
        dtype=trial.dtype,
    )  # fmt: skip
    white = white / frobenius(white)
    move = linalg.right_solve(left.inverse() @ white, right) @ B

    def after(sign: float) -> Tensor:
        start = model.Weights(problem.head_star, G_star + sign * size * move)
        if part == "empirical_other":
            G = step_on_other_residuals(start, batch, other, step_size=eta)
        else:
            G = method.step(start, method.init(start), batch)[0].representation
        return left @ linalg.tangent_matrix(G, G_star, B) @ right

    kept = (after(1.0) - after(-1.0)) / (2.0 * size)
    multiplier = stated(trial, kind)[0] if part == kind else trial.number(part, step_size=eta)
    noise = rounding(trial.dtype, dim=trial.input_dim).times(1.0 / size, "over the distance")
    small = truncation(4.0 * SMALL**2, "square of the distance over the noise, and of the noise")
    rival = rival_of(trial, part)
    apart = abs(multiplier - rival.value)
    yield Near(
        part=part,
        samples=as_numpy((kept * white).sum((-2, -1))),
        predicted=multiplier,
        tolerance=ROOM.times(apart, "times that distance") + noise + small,
        rival=rival,
        label="two runs on one batch",
    )
    if kind == "sampled":
        yield stable(trial, (white - kept) / eta, white)


def responses(trial: Trial, part: str) -> int:
    """Return how many responses tell the nearest rival."""
    if part in RESPONSES:
        return RESPONSES[part]
    n, k = trial.batch_size, trial.rank
    spread2 = RESPONSE_SPREAD2 / (k * (trial.input_dim - k))
    apart = n / (n - 2 * k - 1) - n / (n - k)  # over the step, like the spread
    return floors.replicates_for(spread2, RESPONSE_SHARE * apart)


def stable(trial: Trial, moved: Tensor, white: Tensor) -> Comparison:
    """The step size at which the mean square of what one step keeps is 1.

    With M w what a step of size 1 moves, 2 <w, M w> - eta |M w|^2 has mean zero there; over the
    mean of |M w|^2 it is the error of the step size.
    """
    limit = trial.number("sampled_stable")
    along = as_numpy((moved * white).sum((-2, -1)))
    square = as_numpy(moved.square().sum((-2, -1)))
    samples = limit + (2.0 * along - limit * square) / square.mean()
    return Near(
        part="sampled_stable",
        samples=samples,
        predicted=limit,
        tolerance=ROOM.times(2.0 - limit, "times the distance to the rival"),
        rival=Rival("the boundary of Gauss-Newton", 2.0),
    )


def stated(trial: Trial, kind: str) -> tuple[float, float]:
    """Return the stated multiplier and floor."""
    return output_factor(
        kind,
        step_size=effective(trial.scenario, kind),
        n=trial.batch_size,
        d=trial.input_dim,
        k=trial.rank,
        samples_per_row=trial.samples_per_row,
        noise_std=trial.noise_std,
    )


def rival_of(trial: Trial, kind: str) -> Rival:
    """Return the nearest other multiplier."""
    n, k, fraction = trial.batch_size, trial.rank, trial.step_fraction
    if kind == "gauss_newton":
        return Rival("samples, one per row", 1.0 - fraction * n / (n - k - 1))
    if kind == "sampled":
        return Rival("Gauss-Newton", 1.0 - fraction)
    if kind == "empirical_other":
        return Rival("residuals of the same batch", 1.0 - fraction * n / (n - k))
    return Rival("residuals of another batch", 1.0 - fraction * n / (n - 2 * k - 1))


def floor(trial: Trial, kind: str) -> Near:
    """The mean of |T|^2 over chains and steps, after the start is forgotten."""
    n, d, k = trial.batch_size, trial.input_dim, trial.rank
    wide = floors.replicates_for(SAMPLED_SPREAD2 / (k * (d - k)), SAMPLED_HALF_WIDTH)
    squares = chains(trial, kind, wide if kind == "sampled" else CHAINS, kind)
    predicted = stated(trial, kind)[1] * unit(trial)
    room = LESS_ROOM if kind == "empirical" else FLOOR_ROOM
    return Near(
        part=f"{kind}_floor",
        samples=squares,
        predicted=predicted,
        tolerance=(room + next_order(trial, kind)).times(predicted, "times the floor"),
        rival=Rival("the population covariance", predicted * (n - d - 1) / n),
    )


@output_factors.extra("few_rows", on=[HIGH_RANK])
def few_rows(trial: Trial) -> Iterator[Comparison]:
    """The empirical floor where the rank takes a sixth of the rows."""
    n, d, k, alpha = trial.batch_size, trial.input_dim, trial.rank, trial.step_fraction
    predicted = stated(trial, "empirical")[1] * unit(trial)
    fewer = alpha * n / (n - k - 1 + (d - k) * alpha / (2 - alpha))
    other = fewer / (2 - fewer) / (n - d - 1) * unit(trial)
    yield Near(
        part="empirical_floor",
        samples=chains(trial, "empirical", MANY_CHAINS, "many"),
        predicted=predicted,
        tolerance=(NARROW + next_order(trial, "empirical")).times(predicted, "times the floor"),
        rival=Rival("n - k - 1 for n - 2k - 1", other),
        label="high rank",
    )
    yield edges.of_output_factor()


def unit(trial: Trial) -> float:
    """Return sigma^2 tr(H^-1) tr(Sigma_s^-1)."""
    problem = one_truth(trial, 1)
    F, B = (as_numpy(W[0]) for W in (problem.head_star, problem.complement))
    inverse_schur = B @ np.linalg.solve(as_numpy(problem.cov_x), B.T)
    return float(trial.noise_std**2 * np.trace(np.linalg.inv(F.T @ F)) * np.trace(inverse_schur))


def next_order(trial: Trial, kind: str) -> Tolerance:
    """Return what the empirical floor leaves out; small runs show k + 1 times alpha/n and less."""
    share = (trial.rank + 1) * trial.step_fraction / trial.batch_size if kind == "empirical" else 0
    return finite_size(share, "next order in k/n")


def chains(trial: Trial, kind: str, count: int, name: str) -> NDArray[np.float64]:
    """Return the mean of |T|_F^2 over the steps of a chain, one value for each of the chains."""
    problem = one_truth(trial, trial.replicates(count))
    method = method_of(trial, kind)
    admit(trial, problem, method)
    kept, _ = stated(trial, kind)
    burn_in = math.ceil(math.log(LEFT_OF_START) / (2.0 * math.log(abs(kept)))) if kept else 0
    stream = trial.stream("floor", name)
    draw = model.sample if method.needs_rows else sample_moments
    _, seen = simulate(
        method,
        model.Weights(problem.head_star, problem.representation_star),
        lambda t: draw(problem, trial.batch_size, stream),
        num_steps=burn_in + STEPS,
        observe={"squares": floors.squared_tangents(problem)},
    )
    return as_numpy(seen["squares"][burn_in + 1 :].mean(0))
