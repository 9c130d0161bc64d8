"""OP-06 and OP-07: Muon and Scion beside their definitions."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import torch

from lpfl.linalg.spectral import newton_schulz
from lpfl.optim import OPTIMIZERS
from lpfl.optim.muon import SCALES
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Same
from lpfl.verify.oracles import matrixwise
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

STEP_SIZE = Reals("step_size", 0.02, 0.3)
MOMENTUM = Reals("momentum", 0.1, 0.95)
WEIGHT_DECAY = Reals("weight_decay", 0.1, 2.0)
RADIUS = Reals("radius", 0.5, 3.0)
NS_STEPS = Integers("newton_schulz_steps", 1, 5)


@check("OP-06", (*setup.MATRIX, *setup.MODEL, STEP_SIZE, MOMENTUM, WEIGHT_DECAY, NS_STEPS))
def muon(trial: Trial) -> Iterator[Comparison]:
    """Run every form of Muon on prescribed gradients, the exact one on batches as well."""
    trial.admit()
    fixed = {
        "step_size": trial.step_size,
        "momentum": trial.momentum,
        "weight_decay": trial.weight_decay,
    }
    for nesterov, scale, steps in product((False, True), SCALES, (0, trial.newton_schulz_steps)):
        options = {
            **fixed, "nesterov": nesterov, "scale": scale, "newton_schulz_steps": steps
        }  # fmt: skip
        label = f"{scale}, {steps} Newton-Schulz steps{', Nesterov' if nesterov else ''}"
        yield setup.rule_agreement(trial, "step", "muon", matrixwise.muon, options, label=label)
        if not steps:
            yield from moves(trial, "muon", {**options, "weight_decay": 0.0}, label)
    options = {**fixed, "nesterov": True, "scale": "aspect", "newton_schulz_steps": 0}
    yield from setup.forms(trial, "step", "muon", matrixwise.muon, options)
    yield from averages(trial, "muon", options)
    yield from look_ahead(trial)
    yield polynomial(trial)


@check("OP-07", (*setup.MATRIX, *setup.MODEL, STEP_SIZE, MOMENTUM, RADIUS, NS_STEPS))
def scion(trial: Trial) -> Iterator[Comparison]:
    """Run both forms of Scion; measure the move of one and the ball of the other."""
    trial.admit()
    fixed = {"step_size": trial.step_size, "momentum": trial.momentum, "radius": trial.radius}
    for constrained, steps in product((True, False), (0, trial.newton_schulz_steps)):
        part = "constrained" if constrained else "unconstrained"
        options = {**fixed, "constrained": constrained, "newton_schulz_steps": steps}
        yield setup.rule_agreement(
            trial, part, "scion", matrixwise.scion, options, label=f"{steps} Newton-Schulz steps"
        )
        if not steps:
            yield from setup.forms(trial, part, "scion", matrixwise.scion, options)
    free = {**fixed, "constrained": False}
    yield from moves(trial, "scion", free, "")
    yield from averages(trial, "scion", free)
    yield ball(trial, {**fixed, "constrained": True})


def spectral_rule(name: str, options: dict[str, Any]) -> Any:
    """Return the rule called ``name``."""
    return OPTIMIZERS[name].optimizer(**options)  # type: ignore[attr-defined]


def moves(trial: Trial, name: str, options: dict[str, Any], label: str) -> Iterator[Comparison]:
    """Measure all singular values of the last move of a run on prescribed gradients."""
    data = setup.prescribed(trial)
    rule, W = spectral_rule(name, options), data.start
    state = rule.start(W)
    for grad in data.gradients:
        old = W
        W, state = rule.update(W, grad, state, setup.Layer())
    known = {}
    if name == "muon":
        known["shape_factor"] = matrixwise.shape_factor(options["scale"], *W.shape[-2:])
    predicted = trial.number("size", **known)
    reach = 1.0 + float(torch.linalg.matrix_norm(old).max()) / predicted
    yield Same(
        part="size",
        measured=torch.linalg.svdvals(W - old),
        predicted=predicted,
        tolerance=rounding(trial.dtype, dim=max(W.shape[-2:]), condition=reach),
        label=label,
    )


def averages(trial: Trial, name: str, options: dict[str, Any]) -> Iterator[Comparison]:
    """Read the average off the state."""
    data = setup.prescribed(trial)
    rule = spectral_rule(name, options)
    state = rule.start(data.start)
    for grad in data.gradients[:3]:
        before = state
        _, state = rule.update(data.start, grad, state, setup.Layer())
        yield Same(
            part="average",
            measured=state,
            predicted=trial.number(
                "average", gradient_average=as_numpy(before), gradient=as_numpy(grad)
            ),
            tolerance=rounding(trial.dtype, dim=2, why="epsilon times a sum of two terms"),
            axes=3,
        )


def look_ahead(trial: Trial) -> Iterator[Comparison]:
    """On single entries the polar factor is a sign: it flips where the look-ahead does."""
    b = trial.momentum
    for share in (0.9, 1.1):  # of the gradient at which the look-ahead vanishes
        grad = -share * b * b / (1.0 + b)
        rule = spectral_rule("muon", {"step_size": 1.0, "momentum": b, "nesterov": True})
        W = trial.tensor([[0.0]])
        state = rule.start(W)
        for g in (1.0, grad):
            old = W
            W, state = rule.update(W, trial.tensor([[g]]), state, setup.Layer())
        a = (1.0 - b) * (b + grad)
        ahead = trial.number("look_ahead", gradient_average_next=a, gradient=grad)
        yield Same(
            part="look_ahead",
            measured=float((W - old)[0, 0]),
            predicted=-float(np.sign(ahead)),
            tolerance=rounding(trial.dtype, dim=1),
            label=f"gradient {share} of the one that cancels",
        )


def polynomial(trial: Trial) -> Comparison:
    """Map the singular values of a matrix of Frobenius norm 1 once."""
    data = setup.prescribed(trial)
    M = data.start / torch.linalg.matrix_norm(data.start, keepdim=True)
    U, s, Vh = torch.linalg.svd(M, full_matrices=False)
    inner = U.mT @ newton_schulz(M, steps=1) @ Vh.mT
    predicted = trial.number("newton_schulz", singular_before=as_numpy(s), **matrixwise.QUINTIC)
    return Same(
        part="newton_schulz",
        measured=inner,
        predicted=np.eye(s.shape[-1]) * predicted[..., None, :],
        tolerance=rounding(trial.dtype, dim=4 * max(M.shape[-2:]), condition=10.0,
                           why="epsilon times the coefficients' sum, 10.3"),
        scale=1.0,
        axes=2,
    )  # fmt: skip


def ball(trial: Trial, options: dict[str, Any]) -> Comparison:
    """Start on the boundary of the ball and watch the spectral norm."""
    data = setup.prescribed(trial)
    W = data.start * trial.radius / torch.linalg.matrix_norm(data.start, ord=2, keepdim=True)
    rule, norms = spectral_rule("scion", options), []
    state = rule.start(W)
    for grad in data.gradients:
        W, state = rule.update(W, grad, state, setup.Layer())
        norms.append(torch.linalg.matrix_norm(W, ord=2))
    slack = rounding(trial.dtype, dim=trial.steps * max(W.shape[-2:]), condition=trial.radius + 1)
    limit = trial.number("ball")
    return Below(part="ball", measured=torch.cat(norms), limit=limit, tolerance=slack)
