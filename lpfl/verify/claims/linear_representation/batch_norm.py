"""LR-25: batch-norm on the hidden layer, by rows and by what torch differentiates."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.optim import batch_norm, sgd
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.core.exact.check import evaluate_float

REPLICATES = 2
START_TANGENT = 0.8
INPUT_MEAN = 0.7  # of every input, so that centring matters
STEPS = 3


@check(
    "LR-25",
    (
        *setup.SIZES,
        setup.BATCH_SIZE,
        setup.COVARIANCE,
        setup.HEAD_COND,
        setup.INPUT_LAW,
        setup.NOISE_STD,
        Reals("step_size", 0.05, 1.0),
    ),
    anchors=(
        setup.paper(
            batch_size=1024,
            covariance=setup.paper_covariance(),
            head_log10_cond=1.0,
            input_law="rademacher",
            noise_std=0.1,
            step_size=0.5,
        ),
    ),
)
def batch_norm_rows(trial: Trial) -> Iterator[Comparison]:
    """At the least-squares head one gradient and a run; at any head torch's gradient, one step."""
    yield from exact_parts(trial)
    problem = setup.draw_truth(trial, replicates=REPLICATES, noise_std=trial.noise_std)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    batches = [shifted_batch(trial, problem, step) for step in range(STEPS)]
    first = batch_norm.centred(batches[0])
    tolerance = rounding(
        trial.dtype,
        dim=trial.batch_size + trial.input_dim,
        condition=condition_of(first.cov_x) * condition_of(G @ first.cov_x @ G.mT, G),
    )
    yield from least_squares_head(trial, problem, G, batches, tolerance)
    yield from any_head(trial, problem, G, batches[0], tolerance)


def shifted_batch(trial: Trial, problem: model.LinearRepresentation, step: int) -> model.Batch:
    """Return a batch whose inputs have a mean."""
    batch = setup.draw_batch(trial, problem, name=f"batch {step}")
    assert batch.inputs is not None
    assert batch.targets is not None
    return model.batch_of_rows(batch.inputs + INPUT_MEAN, batch.targets)


def torch_gradients(weights: model.Weights, batch: model.Batch) -> model.Weights:
    """Return autograd's gradients of 1/(2n) sum |y - F BN(G x)|^2 with torch's batch-norm."""
    assert batch.inputs is not None
    assert batch.targets is not None
    slopes = []
    for F, G, inputs, targets in zip(*weights, batch.inputs, batch.targets, strict=True):
        leaves = (F.clone().requires_grad_(True), G.clone().requires_grad_(True))
        hidden = inputs @ leaves[1].mT
        tiny = torch.finfo(hidden.dtype).tiny
        unit = torch.nn.functional.batch_norm(hidden, None, None, training=True, eps=tiny)
        loss = 0.5 * (targets - unit @ leaves[0].mT).square().sum() / inputs.shape[0]
        slopes.append(torch.autograd.grad(loss, leaves))
    return model.Weights(*(torch.stack(parts) for parts in zip(*slopes, strict=True)))


def known(
    problem: model.LinearRepresentation, folded: model.Weights, centred: model.Batch, eta: float
) -> dict[str, Any]:
    """Return the values of the statement's letters; the head is that of the plain model."""
    return {
        "F": as_numpy(folded.head),
        "G": as_numpy(folded.representation),
        "F^*": as_numpy(problem.head_star),
        "G^*": as_numpy(problem.representation_star),
        "Sigmahat": as_numpy(centred.cov_x),
        "N": as_numpy(centred.cross - problem.product_star @ centred.cov_x),
        "eta": eta,
    }


def predicted_rows(
    trial: Trial, part: str, values: Mapping[str, Any], scales: Tensor | None = None
) -> NDArray[np.float64]:
    """Evaluate the right side of ``part`` for every row of G: (R, k, .).

    scales (R, k): the factor c_g on each row, where the part has one.
    """
    rows = []
    for at, selector in enumerate(np.eye(trial.rank)):
        here = {**values, "e": selector[:, None]}
        if scales is not None:
            here["c_g"] = as_numpy(scales[:, at])
        rows.append(trial.claim[part].matrix(here, sizes=sizes_of(trial)))
    return np.concatenate(rows, axis=-2)


def sizes_of(trial: Trial) -> dict[str, int]:
    """Return the sizes by letter."""
    return {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank, "n": trial.batch_size}


def least_squares_head(
    trial: Trial,
    problem: model.LinearRepresentation,
    G: Tensor,
    batches: list[model.Batch],
    tolerance: Tolerance,
) -> Iterator[Comparison]:
    """Torch's gradient behind batch-norm against the plain one; then a run beside AMGD's step."""
    centred = [batch_norm.centred(batch) for batch in batches]
    fitted = model.least_squares_head(G, centred[0])
    scale = batch_norm.hidden_std(G, centred[0].cov_x)
    behind = torch_gradients(model.Weights(fitted * scale.unsqueeze(-2), G), batches[0])
    # A gradient is a difference of two terms of this size, which may nearly cancel.
    terms = fitted.mT @ centred[0].cross
    values = known(problem, model.Weights(fitted, G), centred[0], trial.step_size)
    yield Same(
        part="least_squares",
        measured=behind.representation,
        predicted=predicted_rows(trial, "least_squares", values),
        scale=torch.linalg.matrix_norm(terms),
        tolerance=tolerance,
        axes=2,
        label="gradient",
    )
    start = model.Weights(problem.head_star, G)
    size = trial.step_size / float(torch.linalg.matrix_norm(terms, ord=2).max())
    with_it, _ = simulate(
        batch_norm.batch_norm(step_size=size), start, lambda t: batches[t], num_steps=STEPS
    )
    without, _ = simulate(
        sgd.sgd(step_size=size, head="least_squares"), start, lambda t: centred[t], num_steps=STEPS
    )
    yield Same(
        part="least_squares",
        measured=with_it.representation,
        predicted=without.representation,
        tolerance=tolerance.times(STEPS, f"{STEPS} steps"),
        axes=2,
        label="run beside AMGD's step",
    )


def any_head(
    trial: Trial,
    problem: model.LinearRepresentation,
    G: Tensor,
    batch: model.Batch,
    tolerance: Tolerance,
) -> Iterator[Comparison]:
    """A head that is not the best: torch's gradient, and one joint step of the method."""
    centred = batch_norm.centred(batch)
    unit_head = setup.draw_head(trial, replicates=REPLICATES)
    slope = torch_gradients(model.Weights(unit_head, G), batch)
    trial.memory["gradients"] = (problem, G, unit_head, centred, slope, tolerance)
    lengths = G.norm(dim=-1)
    yield Same(
        part="orthogonal",
        measured=(slope.representation * G).sum(-1),
        predicted=0.0,
        scale=slope.representation.norm(dim=-1) * lengths,
        tolerance=tolerance,
        label="torch's gradient",
    )
    # The head of the plain model; with rows of length one its columns carry the lengths.
    folded = unit_head / batch_norm.hidden_std(G, centred.cov_x).unsqueeze(-2)
    size = trial.step_size / float(slope.representation.norm(dim=-1).max())
    method = batch_norm.batch_norm(step_size=size, head="joint")
    start = model.Weights(folded, G)
    after = method.step(start, method.init(start), batch)[0].representation
    yield Same(
        part="norm_growth",
        measured=after.square().sum(-1, keepdim=True),
        predicted=predicted_rows(trial, "norm_growth", known(problem, start, centred, size)),
        tolerance=tolerance,
        axes=2,
        label="one step",
    )
    unit = model.Weights(folded * lengths.unsqueeze(-2), G / lengths.unsqueeze(-1))
    yield Same(
        part="effective_step",
        measured=after,
        predicted=predicted_rows(
            trial, "effective_step", known(problem, unit, centred, size), lengths
        ),
        tolerance=tolerance,
        axes=2,
        label="one step",
    )


@batch_norm_rows.extra("gradient")
def gradients(trial: Trial) -> Iterator[Comparison]:
    """Torch's gradients in both layers: against the statement's, and against the method's."""
    problem, G, unit_head, centred, slope, tolerance = trial.memory["gradients"]
    scale = batch_norm.hidden_std(G, centred.cov_x).unsqueeze(-2)
    values = known(problem, model.Weights(unit_head / scale, G), centred, trial.step_size)
    symbol = next(s for s in trial.claim.definitions if str(s.name) == "nabla_bn")
    rows = [
        evaluate_float(
            symbol,
            {**values, "e": selector[:, None]},
            sizes=sizes_of(trial),
            definitions=trial.claim.definitions,
        )
        for selector in np.eye(trial.rank)
    ]
    yield Same(
        part="gradient",
        measured=slope.representation,
        predicted=np.concatenate(rows, axis=-2),
        tolerance=tolerance,
        axes=2,
        label="representation",
    )
    ours = batch_norm.batch_norm_gradients(model.Weights(unit_head, G), centred)
    for layer, by_torch, by_us in zip(model.Weights._fields, slope, ours, strict=True):
        yield Same(
            part="gradient",
            measured=by_us,
            predicted=by_torch,
            tolerance=tolerance,
            axes=2,
            label=f"the method's, {layer}",
        )
