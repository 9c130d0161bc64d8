"""OP-17: Polyak's step beside its formula, and on a quadratic without a tuned rate."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from lpfl.linalg import haar
from lpfl.optim import OPTIMIZERS
from lpfl.optim.polyak import PRECONDITIONERS, polyak_step_size
from lpfl.problems.linear_representation import Weights
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Same
from lpfl.verify.oracles import model, whole
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

AXES = (
    Reals("step_size", 0.1, 0.9),
    Reals("damping", 0.05, 2.0, log=True),
    Reals("loss_star", 0.01, 0.3),
    Reals("largest_step", 0.001, 0.05, log=True),
    Reals("log10_cond", 0.0, 2.0),
)
QUADRATIC_STEPS = 12


@check("OP-17", (setup.STEPS, *setup.MODEL, *AXES))
def polyak(trial: Trial) -> Iterator[Comparison]:
    """Run both preconditioners with and without a cut; read step size and direction."""
    trial.admit(condition_number=10.0**trial.log10_cond)
    run = setup.draw_run(trial)
    for preconditioner in PRECONDITIONERS:
        for cut in (None, trial.largest_step):
            for damping in (0.0, trial.damping) if preconditioner == "kfac" else (0.0,):
                options = {
                    "step_size": trial.step_size,
                    "loss_star": trial.loss_star,
                    "preconditioner": preconditioner,
                    "damping": damping,
                    "max_step_size": cut,
                }
                seen: list[float] = [1.0]
                label = f"path, {preconditioner}{', cut' if cut else ''}, damping {damping:.3g}"
                yield setup.model_agreement(
                    trial,
                    "cut" if cut else "step_size",
                    OPTIMIZERS["polyak"](**options),
                    whole.polyak(options, seen),
                    run,
                    label=label,
                    least=partial(max, seen),
                )
    yield from first_step(trial, run)
    yield no_step(trial, run)
    yield from contraction(trial)


def first_step(trial: Trial, run: setup.Run) -> Iterator[Comparison]:
    """Compare the step size, and both layers after a step, with the printed relations."""
    options: dict[str, Any] = {
        "step_size": trial.step_size,
        "loss_star": trial.loss_star,
        "preconditioner": "none",
        "damping": 0.0,
        "max_step_size": None,
    }
    rows = next(run.rows(trial))
    at = model.Layers(*map(as_numpy, run.start))
    eta, slope = whole.polyak_step(at, rows, options, {"nudge": 0.0})
    method = OPTIMIZERS["polyak"](**options)
    after, _ = method.step(run.start, {}, run.batches[0])
    sizes = {"m": at.head.shape[-2], "k": at.head.shape[-1], "d": at.representation.shape[-1]}
    letters = {"F": at.head, "G": at.representation, "eta_P": eta[:, None, None]}
    letters |= {"nabla_F": slope.head, "nabla_G": slope.representation}
    for part, W in (("head", after.head), ("representation", after.representation)):
        predicted = trial.claim[part].matrix({**letters, "eta_P": eta}, sizes=sizes)
        yield Same(
            part=part,
            measured=W,
            predicted=predicted,
            tolerance=rounding(trial.dtype, dim=sum(sizes.values()) + rows.inputs.shape[-2]),
            scale=1.0 + np.linalg.norm(predicted, axis=(-2, -1)),
            axes=2,
        )


def no_step(trial: Trial, run: setup.Run) -> Comparison:
    """A loss below the value that can be reached gives no step."""
    method = OPTIMIZERS["polyak"](loss_star=1e9)
    after, _ = method.step(run.start, {}, run.batches[0])
    moved = torch.stack([(a - b).abs().max() for a, b in zip(after, run.start, strict=True)])
    return Same(
        part="step_size",
        measured=moved,
        predicted=trial.number(
            "step_size", polyak_factor=1.0, loss_gap=np.zeros(2), gradient_norm2=1.0
        ),
        tolerance=rounding(trial.dtype, dim=1),
        scale=1.0,
        label="loss below the value that can be reached",
    )


def contraction(trial: Trial) -> Iterator[Comparison]:
    """Follow Polyak's step on quadratics of two layers, of several scales, one condition number."""
    d, kappa = trial.input_dim, 10.0**trial.log10_cond
    basis = haar(3, d, trial.stream("quadratic"), trial.dtype)
    values = trial.tensor(np.logspace(0.0, -trial.log10_cond, d))
    scales = trial.tensor([1e-3, 1.0, 1e3])[:, None, None]
    S = scales * (basis * values) @ basis.mT
    x = haar(3, d, trial.stream("start"), trial.dtype)[..., :1]
    cut, distances = d // 2, [x.square().sum((-2, -1))]
    for _ in range(QUADRATIC_STEPS):
        grad = S @ x
        slope = Weights(grad[..., :cut, :], grad[..., cut:, :])
        gap = 0.5 * (x * grad).sum((-2, -1))
        x = x - polyak_step_size(slope, slope, gap)[:, None, None] * grad
        distances.append(x.square().sum((-2, -1)))
    path = as_numpy(torch.stack(distances))
    tolerance = rounding(trial.dtype, dim=d, why=f"epsilon times d = {d}, start at distance 1")
    limit = trial.number("contracts", distance2=path[:-1], condition_number=kappa)
    yield Below(
        part="contracts", measured=path[1:].ravel(), limit=limit.ravel(), tolerance=tolerance
    )
