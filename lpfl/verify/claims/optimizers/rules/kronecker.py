"""OP-08 to OP-11: Shampoo, SOAP, KFAC and FOOF beside their definitions."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lpfl.optim import OPTIMIZERS
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import matrixwise, model
from lpfl.verify.setups import one_hot
from lpfl.verify.setups import trajectory as setup
from lpfl.verify.setups.soap import turned_adam
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

STEP_SIZE = Reals("step_size", 0.02, 0.3)
AVERAGING = Reals("averaging", 0.1, 0.95)
EXPONENT = Reals("exponent", 0.1, 0.5)
EPSILON = Reals("epsilon", 0.05, 1.0, log=True)
BETA1 = Reals("first_decay", 0.1, 0.95)
BETA2 = Reals("second_decay", 0.1, 0.99)
DAMPING = Reals("damping", 0.05, 2.0, log=True)
OUTPUT_DAMPING = Reals("output_damping", 0.05, 2.0, log=True)
MOMENTUM = Reals("momentum", 0.1, 0.95)
FREQUENCY = Integers("frequency", 2, 3)
FACTORS = (STEP_SIZE, AVERAGING, DAMPING, OUTPUT_DAMPING, MOMENTUM)


@check("OP-08", (*setup.MATRIX, *setup.MODEL, STEP_SIZE, AVERAGING, EXPONENT, EPSILON))
def shampoo(trial: Trial) -> Iterator[Comparison]:
    """Run sums and averages, damped and not; read the weights of past gradients."""
    trial.admit()
    for statistics, part in (("sum", "sum"), ("average", "kept")):
        options = {
            "step_size": trial.step_size,
            "exponent": trial.exponent,
            "statistics": statistics,
            "averaging": trial.averaging,
            "epsilon": trial.epsilon,
        }
        for epsilon in (trial.epsilon, 0.0):
            chosen = {**options, "epsilon": epsilon}
            yield setup.rule_agreement(
                trial, "step", "shampoo", matrixwise.shampoo, chosen,
                label=f"{statistics}, epsilon {epsilon:.3g}",
            )  # fmt: skip
        yield from setup.forms(trial, "step", "shampoo", matrixwise.shampoo, options)
        yield one_hot.shampoo_weights(trial, part, options)
    yield first_move(trial, {**options, "epsilon": 0.0})


def first_move(trial: Trial, options: dict[str, Any]) -> Comparison:
    """Compare singular values of the first direction with a power of the gradient's."""
    data = setup.prescribed(trial, name="first")
    rule, grad = OPTIMIZERS["shampoo"].optimizer(**options), data.gradients[0]  # type: ignore[attr-defined]
    W = torch.zeros_like(grad)
    moved, _ = rule.update(W, grad, rule.start(W), setup.Layer())
    s = torch.linalg.svdvals(grad)
    condition = float((s[:, 0] / s[:, -1]).max()) ** 2
    return Same(
        part="first",
        measured=torch.linalg.svdvals(moved / options["step_size"]).sort(-1).values,
        predicted=np.sort(trial.number("first", singular_before=as_numpy(s)), axis=-1),
        tolerance=rounding(trial.dtype, dim=max(W.shape[-2:]), condition=max(1.0, condition)),
    )


@check(
    "OP-09",
    (*setup.MATRIX, *setup.MODEL, STEP_SIZE, BETA1, BETA2, AVERAGING, EPSILON, FREQUENCY),
)
def soap(trial: Trial) -> Iterator[Comparison]:
    """Run SOAP with two periods of its bases; turn the weights and compare with Adam."""
    trial.admit()
    options = {
        "step_size": trial.step_size,
        "beta1": trial.first_decay,
        "beta2": trial.second_decay,
        "averaging": trial.averaging,
        "epsilon": trial.epsilon,
    }
    full = warmup(trial.weight_rows, trial.weight_columns)
    for frequency in (1, trial.frequency):
        chosen = {**options, "frequency": frequency, "warmup": full + frequency - 1}
        yield setup.rule_agreement(
            trial, "step", "soap", matrixwise.soap, chosen,
            label=f"new bases every {frequency} steps", steps=chosen["warmup"] + trial.steps,
        )  # fmt: skip
    longest = max(warmup(trial.rank, trial.input_dim), warmup(trial.output_dim, trial.rank))
    chosen = {**options, "frequency": trial.frequency, "warmup": longest + 1}
    run = setup.draw_run(trial, steps=longest + 1 + trial.steps)
    # Behind a refitted head the gradients of the warm-up are orthogonal to the rows of G. With one
    # row the null space of the statistic is a line, and the bases are unique all the same.
    heads = ("joint", "frozen") if trial.rank > 1 else ("joint", "frozen", "least_squares")
    for head in heads:
        method = OPTIMIZERS["soap"](**chosen, head=head)
        step = model.layerwise(matrixwise.soap, chosen, head)
        yield setup.model_agreement(trial, "step", method, step, run, label=f"{head} head")
    yield from turned_adam(trial, options)


def warmup(rows: int, columns: int) -> int:
    """Return how many gradients give both statistics full rank."""
    return math.ceil(max(rows, columns) / min(rows, columns)) + 1


def factor_options(trial: Trial) -> dict[str, Any]:
    """Return the options of KFAC and FOOF, all off their defaults."""
    names = ("step_size", "averaging", "damping", "output_damping", "momentum")
    return {name: getattr(trial, name) for name in names}


def combinations(trial: Trial) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return all options together, each of them alone, and none."""
    options = factor_options(trial)
    plain = dict.fromkeys(options, 0.0) | {"step_size": trial.step_size}
    yield "all options", options
    for name in ("averaging", "damping", "output_damping", "momentum"):
        yield f"{name.replace('_', ' ')} alone", {**plain, name: options[name]}
    yield "no option", plain


@check("OP-10", (*setup.MATRIX, *setup.MODEL, *FACTORS))
def kfac(trial: Trial) -> Iterator[Comparison]:
    """Run KFAC with every option, on prescribed factors and alternating with the head."""
    trial.admit()
    run, few = setup.draw_run(trial), setup.draw_run(trial, batch_size=2, name="few rows")
    for label, options in combinations(trial):
        oracle = matrixwise.kfac
        yield setup.rule_agreement(trial, "step", "kfac", oracle, options, label=label)
        yield setup.rule_agreement(
            trial, "last_layer", "kfac", oracle, options, outputs=False, label=label
        )
        step, method = model.layerwise(oracle, options, "least_squares"), OPTIMIZERS["kfac"]
        said = f"alternating, {label}"
        yield setup.model_agreement(trial, "step", method(**options), step, run, label=said)
        if options["damping"]:
            said += ", fewer rows than inputs"
            yield setup.model_agreement(trial, "step", method(**options), step, few, label=said)
    options = factor_options(trial)
    yield one_hot.factor_weights(trial, "kfac", {**options, "momentum": 0.0}, side="inputs")
    yield one_hot.factor_weights(trial, "kfac", {**options, "momentum": 0.0}, side="outputs")
    yield from velocity(trial, "kfac")


@check("OP-11", (*setup.MATRIX, *setup.MODEL, *FACTORS))
def foof(trial: Trial) -> Iterator[Comparison]:
    """Run FOOF with every option and both heads; give it another output factor."""
    trial.admit()
    run = setup.draw_run(trial)
    for label, options in combinations(trial):
        oracle = matrixwise.foof
        yield setup.rule_agreement(trial, "step", "foof", oracle, options, label=label)
        for head in ("least_squares", "joint"):
            method = OPTIMIZERS["foof"](**options, head=head)
            step = model.layerwise(oracle, options, head)
            said = f"{head} head, {label}"
            yield setup.model_agreement(trial, "step", method, step, run, label=said)
    options = factor_options(trial)
    data, rule = setup.prescribed(trial), OPTIMIZERS["foof"].optimizer(**options)  # type: ignore[attr-defined]
    other = replace(data, outputs=3.0 * data.outputs.flip(0))
    paths = [setup.rule_path(rule, seen) for seen in (data, other)]
    yield Same(
        part="right_only",
        measured=np.abs(paths[0] - paths[1]).max(),
        predicted=trial.number("right_only"),
        tolerance=rounding(trial.dtype, dim=1),
        scale=np.abs(paths[0]).max(),
    )
    yield one_hot.factor_weights(trial, "foof", {**options, "momentum": 0.0}, side="inputs")
    yield from velocity(trial, "foof")


def velocity(trial: Trial, name: str) -> Iterator[Comparison]:
    """Compare each move of a run with momentum with the last move and the plain step."""
    data = setup.prescribed(trial, name="velocity")
    plain = {"step_size": trial.step_size, "damping": trial.damping, "output_damping": 1.0}
    still = OPTIMIZERS[name].optimizer(**plain)  # type: ignore[attr-defined]
    rule = OPTIMIZERS[name].optimizer(**plain, momentum=trial.momentum)  # type: ignore[attr-defined]
    W = data.start
    state, move = rule.start(W), torch.zeros_like(W)
    for g, X, B in zip(data.gradients, data.inputs, data.outputs, strict=True):
        layer = setup.Layer(*[rows.mT @ rows / rows.shape[-2] for rows in (X, B)])
        step = still.update(W, g, still.start(W), layer)[0] - W
        predicted = trial.number("velocity", velocity=as_numpy(move), plain_step=as_numpy(step))
        old = W
        W, state = rule.update(W, g, state, layer)
        move = W - old
        size = as_numpy(torch.linalg.matrix_norm(old) + torch.linalg.matrix_norm(step))
        yield Same(
            part="velocity",
            measured=move,
            predicted=predicted,
            tolerance=rounding(trial.dtype, dim=trial.steps * max(W.shape[-2:])),
            axes=2,
            scale=size + np.linalg.norm(predicted, axis=(-2, -1)),
        )
