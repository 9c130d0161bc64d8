"""OP-01 and OP-02: gradient descent and momentum beside their definitions."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from lpfl.optim.sgd_momentum import SgdMomentum
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import entrywise
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial

STEP_SIZE = Reals("step_size", 0.02, 0.3)
STABLE = 0.02  # the loss is quartic in the weights: the largest step drawn diverges within 8 steps
MOMENTUM = Reals("momentum", 0.1, 0.95)
WEIGHT_DECAY = Reals("weight_decay", 0.1, 2.0)


@check("OP-01", (*setup.MATRIX, *setup.MODEL, STEP_SIZE, WEIGHT_DECAY))
def gradient_descent(trial: Trial) -> Iterator[Comparison]:
    """Run sgd on prescribed gradients and on batches, beside the printed rule."""
    trial.admit()
    for decay in (0.0, trial.weight_decay):
        options = {"step_size": trial.step_size, "weight_decay": decay}
        label = f"prescribed gradients, decay {decay:.3g}"
        yield setup.rule_agreement(trial, "rule", "sgd", entrywise.sgd, options, label=label)
        yield from setup.forms(trial, "rule", "sgd", entrywise.sgd, calm(options))


@check("OP-02", (*setup.MATRIX, *setup.MODEL, STEP_SIZE, MOMENTUM))
def momentum(trial: Trial) -> Iterator[Comparison]:
    """Run every form on prescribed gradients and on batches; answer one impulse."""
    trial.admit()
    for part, nesterov, averaged in (
        ("heavy_ball", False, False),
        ("nesterov", True, False),
        ("averaged", False, True),
    ):
        options = {
            "step_size": trial.step_size,
            "momentum": trial.momentum,
            "nesterov": nesterov,
            "averaged": averaged,
        }
        oracle = entrywise.sgd_momentum
        yield setup.rule_agreement(
            trial, part, "sgd_momentum", oracle, options, label="prescribed gradients"
        )
        yield from setup.forms(trial, part, "sgd_momentum", oracle, calm(options))
        if not averaged:
            yield from impulse(trial, options)


def calm(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with a step size at which a run on batches does not diverge."""
    return {**options, "step_size": STABLE * options["step_size"]}


def impulse(trial: Trial, options: dict[str, Any]) -> Iterator[Comparison]:
    """Give one unit gradient, then none, and follow weight and velocity."""
    rule, T = SgdMomentum(**options), trial.steps
    W = trial.tensor(np.zeros((trial.weight_rows, trial.weight_columns)))
    state, moved, kept = rule.start(W), [], []
    for t in range(T):
        grad = torch.ones_like(W) if t == 0 else torch.zeros_like(W)
        W, state = rule.update(W, grad, state, setup.Layer())
        moved.append(float(-W[-1, -1] / options["step_size"]))
        kept.append(float(state[-1, -1]))
    part = "impulse_nesterov" if options["nesterov"] else "impulse"
    tolerance = rounding(trial.dtype, dim=T, why=f"epsilon times a sum of {T} numbers")
    predicted = trial.number(part, steps_seen=np.arange(1, T + 1))
    yield Same(part=part, measured=moved, predicted=predicted, tolerance=tolerance)
    before = np.array([0.0, *kept[:-1]])
    predicted = trial.number("velocity", velocity=before, gradient=np.eye(T)[0])
    yield Same(part="velocity", measured=kept, predicted=predicted, tolerance=tolerance, scale=1.0)
