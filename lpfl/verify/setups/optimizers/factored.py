"""Options of KFAC and FOOF, each alone and all at once, and what each of them promises."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import torch

from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.output_factor import sampled_residuals
from lpfl.optim.rule import Layer
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.optimizers import trajectory
from lpfl.verify.space import Axis, Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

SMALLEST = np.finfo(np.float64).tiny
PLAIN: dict[str, Any] = {
    "damping": 0.0,
    "output_damping": 0.0,
    "damping_kind": "factor",
    "averaging": 0.0,
    "includes_current": True,
    "factor_every": 1,
    "input_factor": "batch",
    "momentum": 0.0,
    "momentum_kind": "heavy_ball",
    "weight_decay": 0.0,
    "decay_kind": "decoupled",
    "kl_clip": None,
    "graft": "none",
}
ALWAYS = ("no option", "many options", "many others")
AXES: tuple[Axis, ...] = (
    Reals("step_size", 0.02, 0.3),
    Reals("averaging", 0.1, 0.95),
    Reals("damping", 0.2, 2.0, log=True),
    Reals("output_damping", 0.2, 2.0, log=True),
    Reals("momentum", 0.1, 0.95),
    Reals("weight_decay", 0.1, 2.0),
    Reals("largest_decrease", 1e-4, 1e-2, log=True),
    Integers("factor_every", 2, 3),
)


def combinations(trial: Trial) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return no option, mixtures, and every third option alone, with the name of each.

    Which third is drawn from the name of the scenario.
    """
    plain = {**PLAIN, "step_size": trial.step_size}
    b, w = trial.momentum, trial.weight_decay
    # Without damping a step with factors of other batches, or with decay in it, can diverge.
    calm = {"damping": trial.damping, "output_damping": trial.output_damping}
    mixtures: dict[str, dict[str, Any]] = {
        "no option": {},
        "damping": {"damping": trial.damping},
        "output damping": {"output_damping": trial.output_damping},
        "Kronecker damping": {"damping": trial.damping, "damping_kind": "kronecker"},
        "damping split by pi": {"damping": trial.damping, "damping_kind": "pi"},
        "averages": {"averaging": trial.averaging},
        "averages of the past": {**calm, "averaging": trial.averaging, "includes_current": False},
        "the last batch": {**calm, "includes_current": False},
        "renewed now and then": {**calm, "factor_every": trial.factor_every},
        "another batch": {**calm, "input_factor": "separate"},
        "heavy ball": {"momentum": b},
        "averaged momentum": {"momentum": b, "momentum_kind": "averaged"},
        "Nesterov": {"momentum": b, "momentum_kind": "nesterov"},
        "decoupled decay": {"weight_decay": w},
        "coupled decay": {**calm, "weight_decay": w, "decay_kind": "coupled"},
        "clip": {"kl_clip": trial.largest_decrease},
        "graft": {"graft": "sgd"},
    }
    many = {
        **calm,
        "averaging": trial.averaging,
        "factor_every": trial.factor_every,
        "momentum": b,
        "weight_decay": w,
        "kl_clip": trial.largest_decrease,
    }
    mixtures["many options"] = many
    mixtures["many others"] = {
        **many,
        "includes_current": False,
        "input_factor": "separate",
        "momentum_kind": "nesterov",
        "decay_kind": "coupled",
        "graft": "sgd",
    }
    alone = trial.integer_seed("options") % 3
    for at, (label, options) in enumerate(mixtures.items()):
        if label in ALWAYS or at % 3 == alone:
            yield label, {**plain, **options}


def output_factors(trial: Trial) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the kinds of the output factor, damped and with averages."""
    for kind in ("empirical", "sampled", "identity"):
        drawn = {"samples_per_row": 2, "sample_seed": 1} if kind == "sampled" else {}
        yield f"{kind} output factor", {**averages(trial), "output_factor": kind, **drawn}
    other = {"output_factor": "empirical", "input_factor": "separate"}
    yield "empirical output factor, inputs of another batch", {**averages(trial), **other}


def fresh_samples(trial: Trial) -> Comparison:
    """Count the different numbers among the samples of two seeds and two steps each."""
    rows = torch.zeros(trial.steps, trial.output_dim, dtype=trial.dtype, device=trial.device)
    drawn = [
        sampled_residuals(rows, samples_per_row=2, seed=seed, draw=draw)
        for seed, draw in product((0, 1), repeat=2)
    ]
    return Same(
        part="samples",
        measured=len(set(torch.cat(drawn).flatten().tolist())),
        predicted=4 * 2 * rows.numel(),
        tolerance=rounding(trial.dtype, dim=1),
    )


def averages(trial: Trial) -> dict[str, Any]:
    """Return damped options with averages and nothing else."""
    return {
        **PLAIN,
        "step_size": trial.step_size,
        "averaging": trial.averaging,
        "damping": trial.damping,
        "output_damping": trial.output_damping,
    }


def memory(trial: Trial, name: str) -> Iterator[Comparison]:
    """Confront momentum of three kinds, decay, clip and graft, each with its printed relation."""
    for kind in ("heavy_ball", "averaged", "nesterov"):
        yield from velocity(trial, name, kind)
    if name == "kfac":
        yield from product_damping(trial)
    damped = {"step_size": trial.step_size, "damping": 1.0, "output_damping": 1.0}
    rule = OPTIMIZERS[name].optimizer  # type: ignore[attr-defined]
    data = trajectory.prescribed(trial, name="memory")
    W, g = data.start, data.gradients[0]
    layer = Layer(*[rows[0].mT @ rows[0] / rows.shape[-2] for rows in _swapped(data)])
    plain = rule(**damped)
    step = plain.update(W, g, plain.start(W), layer)[0] - W
    decays = rule(**damped, weight_decay=trial.weight_decay)
    still = decays.update(W, 0.0 * g, decays.start(W), layer)[0]
    eps = rounding(trial.dtype, dim=4 * max(W.shape[-2:]), condition=1.0 + 1.0 / trial.step_size)
    predicted = trial.number("decay", weight=as_numpy(W))
    yield Same(part="decay", measured=still, predicted=predicted, tolerance=eps, axes=2)
    grafted = rule(**damped, graft="sgd")
    moved = grafted.update(W, g, grafted.start(W), layer)[0] - W
    norm = torch.linalg.matrix_norm
    wanted = trial.number("graft", gradient_norm=as_numpy(norm(g)))
    long = float((norm(W) / norm(moved)).max()) + 1.0
    yield Same(
        part="graft",
        measured=norm(moved),
        predicted=wanted,
        tolerance=eps.times(long, "W per move"),
    )
    total = np.maximum(trial.step_size * as_numpy((g * -step).sum((-2, -1))), SMALLEST)
    clips = rule(**damped, kl_clip=trial.largest_decrease)
    factor = _clip_factor(clips, W, g, layer)
    yield Same(
        part="clip",
        measured=factor,
        predicted=trial.number("clip", decrease_ahead=total),
        tolerance=eps.times(float((norm(W) / norm(step)).max()) + 1.0, "W per step"),
    )


def product_damping(trial: Trial) -> Iterator[Comparison]:
    """Confront the two kinds of damping that do not act on one factor."""
    data = trajectory.prescribed(trial, name="kinds")
    W, g = data.start, data.gradients[0]
    P, Q = (rows[0].mT @ rows[0] / rows.shape[-2] for rows in (data.outputs, data.inputs))
    options = {"step_size": trial.step_size, "damping": trial.damping}
    letters = {"W_W": as_numpy(W), "D_W": as_numpy(g), "P_W": as_numpy(P), "Q_W": as_numpy(Q)}
    letters |= {"eta": trial.step_size, "lambda": trial.damping}
    sizes = {"r_W": W.shape[-2], "c_W": W.shape[-1]}
    for kind in ("kronecker", "pi"):
        rule = OPTIMIZERS["kfac"].optimizer(**options, damping_kind=kind)  # type: ignore[attr-defined]
        after = rule.update(W, g, rule.start(W), Layer(Q, P))[0]
        if kind == "kronecker":
            letters["U_W"] = as_numpy((W - after) / trial.step_size)
        ratio = np.trace(letters["Q_W"], axis1=-2, axis2=-1) / sizes["c_W"]
        ratio = ratio / (np.trace(letters["P_W"], axis1=-2, axis2=-1) / sizes["r_W"])
        letters |= {"pi_W": np.sqrt(ratio), "lambda_r": trial.damping**0.5}
        predicted = trial.claim[kind].matrix(letters, sizes=sizes)
        eps = rounding(
            trial.dtype,
            dim=sum(sizes.values()),
            condition=condition_of(P) * condition_of(Q) / trial.step_size,
        )
        yield Same(
            part=kind,
            measured=g if kind == "kronecker" else after,
            predicted=predicted,
            tolerance=eps,
            scale=as_numpy(1.0 + torch.linalg.matrix_norm(W) + torch.linalg.matrix_norm(g)),
            axes=2,
        )


def _swapped(data: trajectory.Prescribed) -> tuple[torch.Tensor, torch.Tensor]:
    return data.inputs, data.outputs


def _clip_factor(rule: Any, W: torch.Tensor, g: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return the factor by which a clipped layer falls short of its plain step."""
    from lpfl.optim.core.clip import Piece, clipped

    state = rule.start(W)
    (piece,) = clipped([Piece(rule, W, g, state, layer)])
    short, full = piece.moved()[0] - W, rule.update(W, g, state, layer)[0] - W
    norm = torch.linalg.matrix_norm
    return norm(short) / norm(full)


def velocity(trial: Trial, name: str, kind: str) -> Iterator[Comparison]:
    """Compare each move of a run with momentum with the velocity so far and the plain step."""
    data = trajectory.prescribed(trial, name="velocity")
    plain = {"step_size": trial.step_size, "damping": trial.damping, "output_damping": 1.0}
    build, b = OPTIMIZERS[name].optimizer, trial.momentum  # type: ignore[attr-defined]
    still, rule = build(**plain), build(**plain, momentum=b, momentum_kind=kind)
    W = data.start
    state, velocity = rule.start(W), np.zeros(tuple(W.shape))
    part = "averaged" if kind == "averaged" else "velocity"
    for g, X, B in zip(data.gradients, data.inputs, data.outputs, strict=True):
        layer = Layer(*[rows.mT @ rows / rows.shape[-2] for rows in (X, B)])
        step = as_numpy(still.update(W, g, still.start(W), layer)[0] - W)
        velocity = trial.number(part, velocity=velocity, plain_step=step)
        old = as_numpy(W)
        W, state = rule.update(W, g, state, layer)
        predicted = old + velocity
        if kind == "nesterov":
            predicted = trial.number(
                "nesterov", weight=old, plain_step=step, velocity_next=velocity
            )
        size = np.linalg.norm(old, axis=(-2, -1)) + np.linalg.norm(step, axis=(-2, -1))
        yield Same(
            part="nesterov" if kind == "nesterov" else part,
            measured=W,
            predicted=predicted,
            tolerance=rounding(trial.dtype, dim=trial.steps * max(W.shape[-2:])),
            axes=2,
            scale=size + np.linalg.norm(predicted, axis=(-2, -1)),
            label=kind.replace("_", " "),
        )
