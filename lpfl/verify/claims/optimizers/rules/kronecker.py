"""OP-08 and OP-09: Shampoo and SOAP beside their definitions."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from lpfl.optim import OPTIMIZERS
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import matrixwise, model
from lpfl.verify.setups.optimizers import one_hot
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.setups.optimizers.soap import turned_adam
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
    """Run SOAP with two periods and both kinds of bases; turn the weights and compare with Adam."""
    trial.admit()
    options = {
        "step_size": trial.step_size,
        "beta1": trial.first_decay,
        "beta2": trial.second_decay,
        "averaging": trial.averaging,
        "epsilon": trial.epsilon,
    }
    full = warmup(trial.weight_rows, trial.weight_columns)
    for frequency, bases in ((1, "iterated"), (trial.frequency, "iterated"), (1, "exact")):
        chosen = {**options, "frequency": frequency, "bases": bases}
        chosen["warmup"] = full + frequency - 1
        yield setup.rule_agreement(
            trial, "step", "soap", matrixwise.soap, chosen,
            label=f"{bases} bases, new every {frequency} steps",
            steps=chosen["warmup"] + trial.steps,
        )  # fmt: skip
    longest = max(warmup(trial.rank, trial.input_dim), warmup(trial.output_dim, trial.rank))
    chosen |= {"frequency": trial.frequency, "warmup": longest + 1, "bases": "iterated"}
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
