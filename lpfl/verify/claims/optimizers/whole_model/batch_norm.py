"""OP-18: batch-norm beside complex-step derivatives of its loss."""

from collections.abc import Iterator

import numpy as np

from lpfl.optim import OPTIMIZERS
from lpfl.optim.batch_norm import batch_norm_gradients
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import whole
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

AXES = (setup.STEPS, *setup.MODEL, Reals("step_size", 0.02, 0.3))


@check("OP-18", AXES)
def batch_norm(trial: Trial) -> Iterator[Comparison]:
    """Run both heads, with and without a batch mean; multiply rows with their gradients."""
    trial.admit()
    run = setup.draw_run(trial)
    for head in ("least_squares", "joint"):
        for centre in (True, False):
            options = {"step_size": trial.step_size, "head": head, "centre": centre}
            yield setup.model_agreement(
                trial,
                "rule",
                OPTIMIZERS["batch_norm"](**options),
                whole.batch_norm(options),
                run,
                label=f"{head} head{', centred' if centre else ''}",
            )
    batch = run.batches[0]
    slope = batch_norm_gradients(run.start, batch).representation
    G = run.start.representation
    size = np.linalg.norm(as_numpy(G), axis=-1) * np.linalg.norm(as_numpy(slope), axis=-1)
    yield Same(
        part="orthogonal",
        measured=(G * slope).sum(-1),
        predicted=trial.number("orthogonal"),
        tolerance=rounding(
            trial.dtype, dim=trial.input_dim, condition=condition_of(batch.cov_x) ** 1.5
        ),
        scale=size + np.linalg.norm(as_numpy(batch.cross), axis=(-2, -1))[:, None],
    )
