"""LR-44: biases as a homogeneous coordinate and with their own factor: steps, spectra, floor."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lpfl import linalg
from lpfl.optim.core.affine import affine_step
from lpfl.optim.kfac import Kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import affine
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import affine as affine_setup
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import joint
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import bias_spectrum

RELATIVE = judgement(0.045, "under half of what one degree of freedom does to 16 rows with d = 6")
HALF_WIDTH = 0.03
LEFT_OF_START = 1e-4
MEASURED_STEPS = 6
NOISE_STD = 0.003
SHIFT_STEPS = 3
OTHER_MEAN = 3.0  # of every coordinate, far above the spread of the inputs
EXACT = ("slope", "intercept")


@check(
    "LR-44",
    (
        Integers("input_dim", 3, 6),
        Integers("rank", 1, lambda v: min(3, v["input_dim"] - 1)),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3),
        Integers("batch_size", lambda v: v["input_dim"] + 8, lambda v: v["input_dim"] + 10),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("step_size", 0.6, 1.2),
        Reals("head_step_size", 0.05, 0.6),
        Reals("mean_norm2", 0.1, 10.0, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    decisions=1,
)
def biases(trial: Trial) -> Iterator[Comparison]:
    """Moves on rows, Jacobians with both kinds of factor, the noise floor."""
    yield from exact_parts(trial, only=EXACT)
    problem = setup.draw_truth(trial, replicates=1, noise_std=0.1)
    setup.admit(trial, problem, batch_size=trial.batch_size, input_law=problem.input_law)
    mean = drawn_mean(trial, problem)
    yield from moves(trial, problem, mean)
    weights = solution(trial, problem)
    batch = affine.affine_population(problem, mean)
    over = affine.homogeneous(weights.representation)
    tolerance = rounding(
        trial.dtype,
        dim=trial.rank * (trial.input_dim + 1) + trial.output_dim * (trial.rank + 1),
        condition=condition_of(batch.cov_x, over, over, weights.head[..., :-1]) ** 2,
        why="the condition number of all that is inverted, once more for the eigenvectors",
    )
    steps = {"step_size": trial.step_size, "head_step_size": trial.head_step_size}
    jacobian = affine_setup.weights_jacobian(
        rule(trial), weights, batch, "shared", head_rule=rule(trial, "head_step_size")
    )
    yield from joint.same_spectrum(trial, "shared", jacobian, tolerance, **steps)
    jacobian = affine_setup.weights_jacobian(rule(trial), weights, batch, "own")
    yield from joint.same_spectrum(
        trial, "own", jacobian, tolerance, step_size=trial.step_size, mean_norm2=trial.mean_norm2
    )
    stated = bias_spectrum(
        step_size=trial.step_size,
        mean_norm2=trial.mean_norm2,
        rank=trial.rank,
        input_dim=trial.input_dim,
    )
    yield joint.same_multipliers("own_rest", jacobian, stated, tolerance)
    yield Same(
        part="own_boundary",
        label="multiplier extrapolated to -1",
        measured=2.0 * trial.step_size / (1.0 - np.linalg.eigvals(jacobian).real.min()),
        predicted=trial.number("own_boundary"),
        tolerance=tolerance,
    )
    yield from own_maps(trial, problem, mean, weights, batch, tolerance)
    yield floor(trial)


def drawn_mean(trial: Trial, problem: model.LinearRepresentation) -> Tensor:
    """Return a mean (d,) in a random direction, of the scenario's size over the spread."""
    direction = torch.randn(
        trial.input_dim, generator=trial.stream("mean"), dtype=trial.dtype, device=trial.device
    )
    return math.sqrt(trial.mean_norm2) * problem.root @ (direction / direction.norm())


def solution(trial: Trial, problem: model.LinearRepresentation) -> model.Weights:
    """Return a solution in a random gauge, the hidden bias drawn and undone by the last one."""
    F, G = joint.turned_solution(trial, problem)
    b = torch.randn(
        1, trial.rank, 1, generator=trial.stream("bias"), dtype=trial.dtype, device=trial.device
    )
    return model.Weights(torch.cat([F, -F @ b], dim=-1), torch.cat([G, b], dim=-1))


def rule(trial: Trial, name: str = "step_size") -> Kfac:
    """Return KFAC with one of the scenario's step sizes."""
    return Kfac(step_size=trial.scenario[name])


def moves(trial: Trial, problem: model.LinearRepresentation, mean: Tensor) -> Iterator[Same]:
    """One step on noisy rows, off the solution; three steps at this and at another mean."""
    batch = affine.affine_sample(problem, mean, trial.batch_size, trial.stream("rows"))
    assert batch.inputs is not None
    assert batch.targets is not None
    head = setup.draw_head(trial, replicates=1)
    weights = model.Weights(
        torch.cat([head, torch.ones_like(head[..., :1])], dim=-1),
        solution(trial, problem).representation,
    )
    rows = batch.inputs[0, :, :-1]
    residual = (batch.inputs @ affine.affine_product(weights).mT - batch.targets)[0]
    centred = rows - rows.mean(0)
    values = {
        "F": as_numpy(head[0]),
        "Sigma": as_numpy(linalg.second_moment(centred)),
        "mu": as_numpy(rows.mean(0).unsqueeze(-1)),
        "r_m": as_numpy(residual.mean(0).unsqueeze(-1)),
        "M_c": as_numpy((residual - residual.mean(0)).mT @ centred / len(rows)),
        "eta": trial.step_size,
    }
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
    tolerance = rounding(
        trial.dtype, dim=trial.batch_size, condition=condition_of(batch.cov_x, head, head)
    )
    after = affine_step(rule(trial), weights, batch, head_rule=None)
    moved = (after.representation - weights.representation)[0]
    for part, measured in (("slope", moved[:, :-1]), ("intercept", moved[:, -1:])):
        yield Same(
            part=part,
            label="one step on the rows",
            measured=measured,
            predicted=trial.claim[part].matrix(values, sizes=sizes),
            axes=2,
            scale=float(moved.norm() + weights.representation.norm()),
            tolerance=tolerance,
        )
    yield at_another_mean(trial, weights, batch, tolerance)


def at_another_mean(
    trial: Trial, weights: model.Weights, batch: model.Batch, tolerance: Tolerance
) -> Same:
    """The same rows at another mean, from the same function: the weights beside the biases."""
    assert batch.inputs is not None
    assert batch.targets is not None
    shift = torch.zeros_like(batch.inputs)
    shift[..., :-1] = OTHER_MEAN
    there = model.batch_of_rows(batch.inputs + shift, batch.targets)
    undo = weights.representation[..., :-1].sum(-1) * OTHER_MEAN
    G_there = weights.representation.clone()
    G_there[..., -1] = G_there[..., -1] - undo
    ends = []
    for start, seen in (
        (weights, batch),
        (model.Weights(weights.head, G_there), there),
    ):
        at = start
        for _ in range(SHIFT_STEPS):
            at = affine_step(rule(trial), at, seen, head_rule=rule(trial, "head_step_size"))
        ends.append(at.head[..., :-1] @ at.representation[..., :-1])
    passed = condition_of(there.cov_x) * condition_of(weights.head[..., :-1]) ** 2
    return Same(
        part="slope",
        label=f"product after {SHIFT_STEPS} steps at another mean",
        measured=ends[1],
        predicted=ends[0],
        axes=2,
        tolerance=tolerance.times(SHIFT_STEPS * passed, "once per step and solve at that mean"),
    )


def own_maps(
    trial: Trial,
    problem: model.LinearRepresentation,
    mean: Tensor,
    weights: model.Weights,
    batch: model.Batch,
    tolerance: Tolerance,
) -> Iterator[Same]:
    """How a row of the error moves, inside and outside the range of the head: own factors."""

    def before(flat: Tensor) -> Tensor:
        return affine.affine_product(affine_setup.weights_of(flat, weights))[0]

    def after(flat: Tensor) -> Tensor:
        moved = affine_step(
            rule(trial),
            affine_setup.weights_of(flat, weights),
            batch,
            head_rule=rule(trial, "head_step_size"),
            bias_factor="own",
        )
        return affine.affine_product(moved)[0]

    flat = model.flatten(weights)[0]
    errors, errors_next = (
        torch.autograd.functional.jacobian(of, flat, vectorize=True).movedim(-1, 0)
        for of in (before, after)
    )  # (p, m, d + 1): one direction of the weights each
    values = {
        "G": as_numpy(weights.representation[0, :, :-1]),
        "b_0": as_numpy(weights.representation[0, :, -1:]),
        "Sigma": as_numpy(problem.cov_x),
        "mu": as_numpy(mean.unsqueeze(-1)),
        "eta": trial.step_size,
        "eta_F": trial.head_step_size,
    }
    sizes = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
    basis = torch.linalg.qr(weights.head[0, :, :-1], mode="complete")[0]
    over = torch.linalg.pinv(affine.homogeneous(weights.representation)[0])
    for part, direction, read in (
        ("own_joint", 0, lambda rows: rows),
        ("own_head", trial.output_dim - 1, lambda rows: rows @ over),
    ):
        if part == "own_head" and trial.output_dim == trial.rank:
            continue  # every row of the error is in the range of the head
        seen, then = (read(basis[:, direction] @ rows) for rows in (errors, errors_next))
        yield Same(
            part=part,
            measured=torch.linalg.pinv(seen) @ then,
            predicted=trial.claim[part].matrix(values, sizes=sizes),
            axes=2,
            tolerance=tolerance,
        )


def floor(trial: Trial) -> Near:
    """Time average of |T|^2 with a shared bias in independent trajectories from the truth."""
    eta, n, d = trial.step_size, trial.batch_size, trial.input_dim
    truth = replace(setup.draw_truth(trial, replicates=1), noise_std=NOISE_STD)
    mean = drawn_mean(trial, truth)
    memory = (1.0 - eta) ** 2
    burn_in = math.ceil(math.log(LEFT_OF_START) / math.log(memory)) if memory > 0 else 0
    num_steps = math.ceil(MEASURED_STEPS / (1.0 - memory))
    heads, schurs = setup.head_eigenvalues(trial.scenario), schur_spectrum(truth)
    spread2 = 1.5 * (
        2.0 * floors.share(1.0 / heads) * floors.share(1.0 / schurs)
        + 4.0 / (n - d - 1) / len(schurs)
    )
    effective = num_steps * (1.0 - memory) / (1.0 + memory)
    replicates = trial.replicates(floors.replicates_for(spread2 / effective, HALF_WIDTH))
    problem = setup.repeated(truth, replicates)
    weights, stream = affine.affine_truth(problem), trial.stream("batches")
    G_star, B = problem.representation_star, problem.complement
    total = torch.zeros(replicates, dtype=trial.dtype, device=trial.device)
    for t in range(burn_in + num_steps):
        batch = affine.affine_sample(problem, mean, n, stream)
        weights = affine_step(rule(trial), weights, batch, head_rule=rule(trial, "head_step_size"))
        if t >= burn_in:
            T = linalg.tangent_matrix(weights.representation[..., :-1], G_star, B)
            total = total + T.square().sum((-2, -1))
    predicted = floors.stated_floor(trial, truth, n=n)
    return floors.near(
        trial,
        "floor",
        as_numpy(total / num_steps),
        predicted,
        relative=RELATIVE,
        slowest=1.0 - memory,
        rival=Rival("no degree of freedom for the mean", predicted * (n - d - 2) / (n - d - 1)),
    )
