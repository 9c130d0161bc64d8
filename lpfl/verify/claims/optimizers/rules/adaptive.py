"""OP-03 to OP-05: Adam, AdamW and signSGD beside their definitions."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from lpfl.optim import OPTIMIZERS
from lpfl.optim.adam import Adam
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import entrywise
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial

STEP_SIZE = Reals("step_size", 0.02, 0.3)
BETA1 = Reals("first_decay", 0.1, 0.95)
BETA2 = Reals("second_decay", 0.1, 0.99)
EPSILON = Reals("epsilon", 1e-3, 1.0, log=True)
WEIGHT_DECAY = Reals("weight_decay", 0.1, 2.0)
MOMENTUM = Reals("momentum", 0.1, 0.95)
ADAM = (STEP_SIZE, BETA1, BETA2, EPSILON)


def chosen(trial: Trial, **more: float) -> dict[str, Any]:
    """Return Adam's options, all off their defaults."""
    return {
        "step_size": trial.step_size,
        "beta1": trial.first_decay,
        "beta2": trial.second_decay,
        "epsilon": trial.epsilon,
        **more,
    }


def run_constant(name: str, options: dict[str, Any], grad: Tensor, steps: int) -> list[Tensor]:
    """Return the matrices of a run on one gradient that never changes, from ones."""
    rule = OPTIMIZERS[name].optimizer(**options)  # type: ignore[attr-defined]
    W = torch.ones_like(grad)
    state, path = rule.start(W), [W]
    for _ in range(steps):
        W, state = rule.update(W, grad, state, setup.Layer())
        path.append(W)
    return path


def both_averages(trial: Trial, options: dict[str, Any]) -> Iterator[Comparison]:
    """Read the two averages off the state of one step from a state that is not zero."""
    data = setup.prescribed(trial, name="averages")
    rule = Adam(**options)
    state = rule.start(data.start)
    grads = data.gradients
    for grad in grads[:2]:
        before = state
        _, state = rule.update(data.start, grad, state, setup.Layer())
    tolerance = rounding(trial.dtype, dim=2, why="epsilon times a sum of two terms")
    known = {"gradient": setup.as_numpy(grads[1])}
    first = trial.number("first", gradient_average=setup.as_numpy(before.first), **known)
    second = trial.number("second", square_average=setup.as_numpy(before.second), **known)
    for part, measured, predicted in (
        ("first", state.first, first),
        ("second", state.second, second),
    ):
        yield Same(part=part, measured=measured, predicted=predicted, tolerance=tolerance, axes=3)


def first_directions(trial: Trial, options: dict[str, Any]) -> Iterator[Comparison]:
    """Read the direction of a step off the averages behind it, bias-corrected at its age."""
    data = setup.prescribed(trial, name="direction")
    rule, W = Adam(**options), data.start
    state = rule.start(W)
    for t, grad in enumerate(data.gradients[:3], 1):
        after, state = rule.update(W, grad, state, setup.Layer())
        m, v = setup.as_numpy(state.first), setup.as_numpy(state.second)
        direction = entrywise.adam_direction(trial.claim, m, v, t, options)
        measured = (W - after) / options["step_size"]
        eps = rounding(
            trial.dtype,
            dim=4,
            condition=1.0 / options["step_size"],
            why="epsilon times the weight over the step size",
        )
        yield Same(
            part="direction",
            measured=measured,
            predicted=direction,
            tolerance=eps,
            scale=1.0 + abs(setup.as_numpy(W)) + abs(direction),
            label=f"step {t}",
        )


@check("OP-03", (*setup.MATRIX, *setup.MODEL, *ADAM))
def adam(trial: Trial) -> Iterator[Comparison]:
    """Run adam on prescribed gradients and on batches; hold the gradient constant."""
    trial.admit()
    options = chosen(trial)
    for label, zeros in (("prescribed gradients", False), ("some gradients vanish", True)):
        yield setup.rule_agreement(
            trial, "step", "adam", entrywise.adam, options, zeros=zeros, label=label
        )
    yield from setup.forms(trial, "step", "adam", entrywise.adam, options)
    yield from both_averages(trial, options)
    yield from first_directions(trial, options)
    grad = setup.prescribed(trial).gradients[0, 0]
    tolerance = rounding(
        trial.dtype,
        dim=trial.steps,
        condition=trial.steps / trial.step_size,
        why="epsilon times the weight over one move",
    )
    for label, epsilon, g in (
        ("", trial.epsilon, grad),
        ("without epsilon", 0.0, grad),
    ):
        path = run_constant("adam", {**options, "epsilon": epsilon}, g, trial.steps)
        moves = torch.stack([(b - a) * -g.sign() for a, b in pairwise(path)])
        yield Same(
            part="constant",
            measured=moves,
            predicted=trial.number("constant", gradient=setup.as_numpy(g), epsilon=epsilon),
            tolerance=tolerance,
            scale=trial.step_size,
            label=label,
        )
    still = run_constant("adam", {**options, "epsilon": 0.0}, 0.0 * grad, trial.steps)[-1]
    yield Same(
        part="constant",
        measured=(still - 1.0).abs(),
        predicted=0.0 * setup.as_numpy(grad),
        tolerance=tolerance,
        scale=1.0,
        label="an entry without gradients",
    )


@check("OP-04", (*setup.MATRIX, *setup.MODEL, *ADAM, WEIGHT_DECAY))
def adamw(trial: Trial) -> Iterator[Comparison]:
    """Run adamw on prescribed gradients and on batches; hold the gradient at zero."""
    trial.admit()
    options = chosen(trial, weight_decay=trial.weight_decay)
    yield setup.rule_agreement(
        trial, "step", "adamw", entrywise.adamw, options, label="prescribed gradients"
    )
    yield from setup.forms(trial, "step", "adamw", entrywise.adamw, options)
    plain = chosen(trial)
    yield from both_averages(trial, plain)
    yield from first_directions(trial, plain)
    zero = 0.0 * setup.prescribed(trial).gradients[0, 0]
    path = run_constant("adamw", options, zero, trial.steps)
    yield Same(
        part="shrinks",
        measured=torch.stack(path[1:]),
        predicted=trial.number("shrinks", weight=setup.as_numpy(torch.stack(path[:-1]))),
        tolerance=rounding(trial.dtype, dim=trial.steps, why="epsilon times the steps"),
    )


@check("OP-05", (*setup.MATRIX, *setup.MODEL, STEP_SIZE, MOMENTUM))
def sign_sgd(trial: Trial) -> Iterator[Comparison]:
    """Run sign_sgd with and without momentum; measure the size of every move."""
    trial.admit()
    for label, momentum in (("momentum", trial.momentum), ("no momentum", 0.0)):
        options = {"step_size": trial.step_size, "momentum": momentum}
        for zeros in (False, True):
            said = f"{label}, some gradients vanish" if zeros else label
            yield setup.rule_agreement(
                trial, "step", "sign_sgd", entrywise.sign_sgd, options, zeros=zeros, label=said
            )
        yield from setup.forms(trial, "step", "sign_sgd", entrywise.sign_sgd, options)
        yield from sizes_and_averages(trial, options, label)


def sizes_and_averages(trial: Trial, options: dict[str, Any], label: str) -> Iterator[Comparison]:
    """Measure how far each entry moves, and the average that the state holds."""
    data = setup.prescribed(trial)
    rule, W = OPTIMIZERS["sign_sgd"].optimizer(**options), data.start  # type: ignore[attr-defined]
    state, start = rule.start(W), W
    for grad in data.gradients:
        before, old = state, W
        W, state = rule.update(W, grad, state, setup.Layer())
    reach = 1.0 + trial.steps * trial.step_size + float(start.abs().max())
    yield Same(
        part="size",
        measured=(W - old).abs(),
        predicted=trial.number("size"),
        tolerance=rounding(trial.dtype, dim=1, condition=reach / trial.step_size),
        label=label,
    )
    yield Same(
        part="average",
        measured=state,
        predicted=trial.number(
            "average",
            gradient_average=setup.as_numpy(before),
            gradient=setup.as_numpy(grad),
            momentum=options["momentum"],
        ),
        tolerance=rounding(trial.dtype, dim=2, why="epsilon times a sum of two terms"),
        axes=3,
        label=label,
    )
