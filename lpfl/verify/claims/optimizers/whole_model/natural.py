"""OP-15 and OP-16: natural gradients beside the dense Fisher matrix of the rows."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from lpfl.optim import OPTIMIZERS
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import model, whole
from lpfl.verify.oracles.matrices import NULL
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

AXES = (Reals("step_size", 0.02, 0.3), Reals("damping", 0.05, 2.0, log=True))
SPACE = (setup.STEPS, *setup.MODEL, *AXES)


def direction(trial: Trial, name: str, run: setup.Run, options: dict[str, Any]) -> model.Layers:
    """Return what a first step of size 1 subtracts."""
    method = OPTIMIZERS[name](**{**options, "step_size": 1.0})
    after, _ = method.step(run.start, {}, run.batches[0])
    return model.Layers(*[as_numpy(a - b) for a, b in zip(run.start, after, strict=True)])


def parts(
    trial: Trial, name: str, run: setup.Run, options: dict[str, Any], *, label: str
) -> Iterator[Comparison]:
    """Compare the direction with the dense system: solution, null space, damped inverse."""
    rows = next(run.rows(trial))
    at = model.Layers(*map(as_numpy, run.start))
    Phi, grad = whole.fisher(at, rows, empirical=name == "ngd_empirical")
    delta = direction(trial, name, run, options).flat()
    values, vectors = np.linalg.eigh(Phi)
    kept = values > NULL * values[:, -1:]
    # Damping makes the null space part of what is inverted; without it that space is left out.
    inverted = np.maximum(values, 0.0) if options["damping"] else np.where(kept, values, np.inf)
    lowest = inverted.min(-1) + options["damping"]
    condition = float((values[:, -1] / lowest).max()) ** 1.5
    tolerance = rounding(trial.dtype, dim=Phi.shape[-1], condition=max(1.0, condition))
    sizes = {"p_V": Phi.shape[-1]}
    letters = {"Phi": Phi, "nabla_V": grad[..., None], "lambda": options["damping"]}
    norm = np.linalg.norm
    if options["damping"] > 0.0:
        yield Same(
            part="damped",
            measured=delta[..., None],
            predicted=trial.claim["damped"].matrix(letters, sizes=sizes),
            tolerance=tolerance,
            axes=2,
            label=label,
        )
        return
    letters["Delta_V"] = delta[..., None]
    yield Same(
        part="solves",
        measured=trial.claim["solves"].matrix(letters, sizes=sizes, side="left"),
        predicted=grad[..., None],
        tolerance=tolerance,
        scale=norm(grad, axis=-1) + values[:, -1] * norm(delta, axis=-1),
        axes=2,
        label=label,
    )
    if options.get("gauge") == "equivariant":
        return
    null = int((~kept[0]).sum())
    if null:
        letters["N_V"] = vectors[..., :null]
        sizes["q_V"] = null
        yield Same(
            part="shortest",
            measured=trial.claim["shortest"].matrix(letters, sizes=sizes, side="left"),
            predicted=np.broadcast_to(
                trial.claim["shortest"].matrix(letters, sizes=sizes), (len(delta), null, 1)
            ),
            tolerance=tolerance,
            scale=norm(delta, axis=-1),
            axes=2,
            label=label,
        )


@check("OP-15", SPACE)
def true_fisher(trial: Trial) -> Iterator[Comparison]:
    """Run all three forms beside the dense system; fewer rows than inputs where damped."""
    trial.admit()
    run = setup.draw_run(trial)
    few = setup.draw_run(trial, batch_size=trial.rank + 1, name="few rows")
    for gauge, damping in (
        ("minimum_norm", 0.0),
        ("minimum_norm", trial.damping),
        ("equivariant", 0.0),
    ):
        options = {"step_size": trial.step_size, "damping": damping, "gauge": gauge}
        part = "equivariant" if gauge == "equivariant" else "damped" if damping else "solves"
        seen: list[float] = [1.0]
        oracle = whole.equivariant_natural(options, seen)
        if gauge == "minimum_norm":
            oracle = whole.natural(options, empirical=False, conditions=seen)
        method = OPTIMIZERS["ngd"](**options)
        least = partial(max, seen)
        yield setup.model_agreement(trial, part, method, oracle, run, label="path", least=least)
        if damping:
            yield setup.model_agreement(
                trial, part, method, oracle, few, label="path, fewer rows than inputs", least=least
            )
        yield from parts(trial, "ngd", run, options, label=gauge.replace("_", " "))
    yield equivariant_direction(trial, run)


def equivariant_direction(trial: Trial, run: setup.Run) -> Comparison:
    """Compare the direction in G with the printed relation in the moments of the batch."""
    options = {"damping": 0.0, "gauge": "equivariant"}
    measured = direction(trial, "ngd", run, options).representation
    batch, (F, G) = run.batches[0], run.start
    letters = {
        "F": as_numpy(F),
        "G": as_numpy(G),
        "C_xy": as_numpy(batch.cross),
        "Sigmahat": as_numpy(batch.cov_x),
    }
    sizes = {"m": F.shape[-2], "k": F.shape[-1], "d": G.shape[-1]}
    condition = condition_of(batch.cov_x) * condition_of(F, F)
    return Same(
        part="equivariant",
        measured=measured,
        predicted=trial.claim["equivariant"].matrix(letters, sizes=sizes),
        tolerance=rounding(trial.dtype, dim=sum(sizes.values()), condition=condition),
        scale=np.linalg.norm(measured, axis=(-2, -1)) + 1.0,
        axes=2,
    )


def draw_with_edge(trial: Trial, *, name: str, **sizes: int) -> setup.Run:
    """Return a run at whose start the null space has an edge that rounding does not blur.

    A row that is fitted almost exactly adds an eigenvalue near the edge, its residual squared:
    such a run is drawn again. Raises ValueError if ten in a row are like that.
    """
    for attempt in range(10):
        run = setup.draw_run(trial, name=f"{name} {attempt}" if attempt else name, **sizes)
        at = model.Layers(*map(as_numpy, run.start))
        Phi, _ = whole.fisher(at, next(run.rows(trial)), empirical=True)
        values = np.linalg.eigvalsh(Phi)
        share = np.abs(values) / values[:, -1:]
        if not ((share > 1e-4 * NULL) & (share < 1e4 * NULL)).any():
            return run
    raise ValueError(f"batch_size={sizes['batch_size']}, needs rows that are not fitted exactly")


@check("OP-16", SPACE)
def empirical_fisher(trial: Trial) -> Iterator[Comparison]:
    """Run both forms with fewer and with more samples than parameters."""
    trial.admit()
    p = trial.rank * (trial.input_dim + trial.output_dim)
    for label, n in (("fewer", max(2, p // 2)), ("more", 3 * p)):
        run = draw_with_edge(trial, steps=3, batch_size=n, name=label)
        for damping in (0.0, trial.damping):
            # The direction grows as residuals fall: a small step keeps the undamped run calm.
            options = {"step_size": 0.02 * trial.step_size, "damping": damping}
            said = f"{label} samples than parameters"
            seen: list[float] = [1.0]
            yield setup.model_agreement(
                trial,
                "damped" if damping else "solves",
                OPTIMIZERS["ngd_empirical"](**options),
                whole.natural(options, empirical=True, conditions=seen),
                run,
                label=f"path, {said}",
                least=partial(max, seen),
            )
            yield from parts(trial, "ngd_empirical", run, options, label=said)
