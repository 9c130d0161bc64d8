"""LR-46: responses of T under a clip, sizes at the solution, grafted steps with scaled outputs."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.method import Method
from lpfl.optim.kfac.joint import kfac_joint
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import step as one_step
from lpfl.verify.setups.linear.all_batches.means import wishart
from lpfl.verify.setups.linear.all_batches.runs import Bench, stated
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

Array = NDArray[np.float64]

REPLICATES = 1200
ROOM = judgement(0.06, "room for the interval of the mean; a clip on one layer is 0.2 away")
RATIO_ROOM = judgement(0.1, "half of what n - d - 1 in place of n does to the ratio")
OTHER_STEP = 1.1  # over the drawn step size: the clip undoes it
FAR_ABOVE = 1e6  # a bound that no step reaches, over the one that clips
SMALL_AGAINST_NOISE = 1e-3
FEW_ROWS = 6  # of the batches whose mean is exact: n - d - 1 is half of n


@check(
    "LR-46",
    (
        Integers("input_dim", 10, 14),
        Integers("rank", 3, 4),
        Integers("output_dim", 8, 12),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.5, 0.9),
        Reals("clipped_share", 0.2, 0.5),
        Reals("output_scale", 1.5, 3.0),
        Integers("batch_size", lambda v: 3 * v["input_dim"], lambda v: 5 * v["input_dim"]),
        Reals("noise_std", 1e-4, 1e-3, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=5,
)
def clip_and_graft(trial: Trial) -> Iterator[Comparison]:
    """Same batches from both sides of the solution; then sizes; then scaled outputs."""
    problem = floors.one_truth(trial, REPLICATES)
    trial.admit(batch_size=trial.batch_size)
    batch = sample_moments(problem, trial.batch_size, trial.stream("batch"))
    yield from sizes(trial, problem, batch)
    yield from exact_sizes(trial)
    yield from clip(trial, problem, batch)
    yield from graft(trial)


def solution_of(problem: model.LinearRepresentation) -> model.Weights:
    """Return the truth as weights."""
    return model.Weights(problem.head_star, problem.representation_star)


def moves(method: Method, start: model.Weights, batch: model.Batch) -> model.Weights:
    """Return how far one step moves head and representation."""
    after, _ = method.step(start, method.init(start), batch)
    return model.Weights(*[b - a for a, b in zip(start, after, strict=True)])


def squares(A: Tensor) -> Array:
    """Return the squared Frobenius norm per replicate."""
    return as_numpy(A.square().sum((-2, -1)))


def sizes(trial: Trial, problem: model.LinearRepresentation, batch: model.Batch) -> Iterator[Near]:
    """Inner products of gradient and direction at the solution, and their squared lengths."""
    start = solution_of(problem)
    slopes = model.gradients(start, batch)
    D = moves(kfac_joint(step_size=1.0), start, batch)
    products = [-as_numpy((g * d).sum((-2, -1))) for g, d in zip(slopes, D, strict=True)]
    predicted = trial.number("natural_length")
    one_layer = predicted * trial.input_dim / (trial.input_dim + trial.output_dim)
    yield Near(
        part="natural_length",
        samples=sum(products),
        predicted=predicted,
        tolerance=ROOM.times(predicted, "relative to the mean"),
        rival=Rival("the representation alone", one_layer),
    )
    lengths = squares(slopes.representation), squares(D.representation)
    ratio = lengths[0].mean() / lengths[1].mean()
    inputs, heads = trial.covariance.spectrum(), setup.head_eigenvalues(trial.scenario)
    stated = trial.number(
        "graft_ratio",
        cov_trace=inputs.sum(),
        head_trace=heads.sum(),
        cov_inverse_trace=(1.0 / np.asarray(inputs)).sum(),
        head_inverse_trace=(1.0 / heads).sum(),
    )
    n, d = trial.batch_size, trial.input_dim
    yield Near(
        part="graft_ratio",
        samples=ratio + (lengths[0] - ratio * lengths[1]) / lengths[1].mean(),
        predicted=stated,
        tolerance=RATIO_ROOM.times(stated, "relative to the ratio"),
        rival=Rival("the population covariance", stated * n / (n - d - 1)),
    )


def exact_sizes(trial: Trial) -> Iterator[Same]:
    """The same over all batches of a few rows, with two inputs and one output."""
    bench = Bench(trial, rank=1, input_dim=2, rows=FEW_ROWS)
    batches = wishart(FEW_ROWS, 2, degree=1, inverse=1)
    weights = trial.tensor(batches.weights)
    problem = bench.truth(len(weights))
    start, moments = solution_of(problem), bench.moment(batches.matrices, FEW_ROWS)
    product = gradient = direction = 0.0
    for towards in range(2):
        batch = bench.batch(problem, moments, towards, bench.small)
        slopes = model.gradients(start, batch)
        D = moves(kfac_joint(step_size=1.0), start, batch)
        for g, step in zip(slopes, D, strict=True):
            product -= float(weights @ (g * step).sum((-2, -1))) / bench.small**2
        gradient += float(weights @ slopes.representation.square().sum((-2, -1)))
        direction += float(weights @ D.representation.square().sum((-2, -1)))
    known = {"batch_size": FEW_ROWS, "input_dim": 2, "rank": 1, "output_dim": 1}
    length = stated(trial, "natural_length", noise_std=1.0, **known)
    traces = {"cov_trace": 2.0, "head_trace": 1.0, "cov_inverse_trace": 2.0}
    ratio = stated(trial, "graft_ratio", head_inverse_trace=1.0, **traces, **known)
    for part, measured, predicted in (
        ("natural_length", product, length),
        ("graft_ratio", gradient / direction, ratio),
    ):
        yield Same(
            part=part,
            label="mean over all batches",
            measured=measured,
            predicted=predicted,
            tolerance=bench.tolerance,
        )


def response(
    trial: Trial, method: Method, problem: model.LinearRepresentation, batch: model.Batch
) -> Array:
    """Return what is left of a small T after one step on the same noisy batch, per replicate."""
    R, k, d = problem.representation_star.shape
    width = SMALL_AGAINST_NOISE * trial.noise_std / trial.batch_size**0.5
    stream = trial.stream("direction")
    move = torch.randn(R, k, d - k, generator=stream, dtype=trial.dtype, device=stream.device)
    move = width * move / torch.linalg.matrix_norm(move, keepdim=True)
    B, G_star = problem.complement, problem.representation_star
    ends = []
    for sign in (1.0, -1.0):
        start = model.Weights(problem.head_star, G_star + sign * move @ B)
        after, _ = method.step(start, method.init(start), batch)
        ends.append(linalg.tangent_matrix(after.representation, G_star, B))
    return as_numpy(((ends[0] - ends[1]) * move).sum((-2, -1)) / (2.0 * width**2))


def clip(
    trial: Trial, problem: model.LinearRepresentation, batch: model.Batch
) -> Iterator[Comparison]:
    """The clip is set so that it leaves a drawn share of the step size."""
    wanted = trial.clipped_share * trial.step_size
    bound = wanted**2 * trial.number("natural_length")
    e = trial.number("clip_step", kl_clip=bound)
    modes = trial.rank * (trial.input_dim + trial.output_dim)
    near = ROOM + finite_size(1.5 / modes, "3/2 over k(d + m) modes: the spread of their sum")
    tolerance = near.times(e, "relative to the step size")
    one_layer = e * (1.0 + trial.output_dim / trial.input_dim) ** 0.5
    start = solution_of(problem)
    whole = moves(kfac_joint(step_size=trial.step_size), start, batch).representation
    kept = moves(kfac_joint(step_size=trial.step_size, kl_clip=bound), start, batch)
    yield Near(
        part="clip_step",
        samples=trial.step_size * np.sqrt(squares(kept.representation) / squares(whole)),
        predicted=e,
        tolerance=tolerance,
        rival=Rival("the representation alone", one_layer),
    )
    for label, eta in (
        ("drawn step size", trial.step_size),
        ("another step size", OTHER_STEP * trial.step_size),
    ):
        yield Near(
            part="clipped",
            label=label,
            samples=response(trial, kfac_joint(step_size=eta, kl_clip=bound), problem, batch),
            predicted=trial.number("clipped", clipped_step_size=e),
            tolerance=tolerance,
            rival=Rival("the representation alone", 1.0 - one_layer),
        )
    free = kfac_joint(step_size=trial.step_size, kl_clip=FAR_ABOVE * bound)
    yield Same(
        part="unclipped",
        measured=response(trial, free, problem, batch),
        predicted=trial.number("unclipped"),
        scale=1.0,
        tolerance=unclipped_error(trial, problem, batch),
    )


def unclipped_error(
    trial: Trial, problem: model.LinearRepresentation, batch: model.Batch
) -> Tolerance:
    """Return the error of a response: rounding over the distance, and the noise beside G*."""
    width = SMALL_AGAINST_NOISE * trial.noise_std / trial.batch_size**0.5
    exact = rounding(
        trial.dtype,
        dim=trial.input_dim,
        condition=condition_of(batch.cov_x, problem.head_star, problem.head_star),
    ).times(1.0 / width, "over the distance moved")
    D = moves(kfac_joint(step_size=1.0), solution_of(problem), batch).representation
    noise = float(torch.linalg.matrix_norm(D, ord=2).max())
    return exact + finite_size(2.0 * noise, "the step's noise turns and stretches G, once each")


def graft(trial: Trial) -> Iterator[Same]:
    """One grafted step from an unrelated head, and the same with outputs and head scaled."""
    draw = one_step.draw(trial, noise_std=trial.noise_std)
    a = trial.output_scale
    method = kfac_joint(step_size=trial.step_size, graft="sgd")
    start = model.Weights(draw.head, draw.representation)
    plain = moves(method, start, draw.batch)
    scaled = moves(
        method,
        start._replace(head=a * start.head),
        draw.batch._replace(cross=a * draw.batch.cross),
    )
    error = draw.rounding(trial).times(1e2, "two norms and a solve on each side")
    for part, measured, moved in (
        ("graft_representation", scaled.representation, plain.representation),
        ("graft_head", scaled.head, plain.head),
    ):
        inner = (measured * moved).sum((-2, -1)) / moved.square().sum((-2, -1))
        yield Same(part=part, measured=inner, predicted=trial.number(part), tolerance=error)
        yield Same(
            part=part,
            label="as a matrix",
            measured=measured,
            predicted=as_numpy(moved) * trial.number(part),
            axes=2,
            tolerance=error,
        )
