"""OP-13 and OP-14: AMGD and DFW beside their definitions; the bias that DFW removes."""

from collections.abc import Iterator
from dataclasses import replace

import torch

from lpfl.linalg import complement_rows, orthonormal_rows
from lpfl.optim import OPTIMIZERS
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.oracles import whole
from lpfl.verify.setups.linear import bias
from lpfl.verify.setups.optimizers import moments
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Reals
from lpfl.verify.trial import Trial, as_numpy

STEP_SIZE = Reals("step_size", 0.02, 0.3)
DAMPING = Reals("damping", 0.2, 2.0, log=True)


def orthonormal_run(trial: Trial, *, steps: int) -> setup.Run:
    """Return a run that starts at orthonormal rows."""
    run = setup.draw_run(trial, steps=steps)
    G = orthonormal_rows(run.start.representation)
    return replace(run, start=run.start._replace(representation=G))


def printed_step(shown: moments.FirstStep, letters: dict[str, float]) -> Iterator[Comparison]:
    """Compare span, orthonormality and head of one step with the printed relations."""
    F, G = shown.after
    yield shown.compare("span", G.mT @ G, letters)
    yield shown.compare("orthonormal", G @ G.mT, letters)
    yield shown.compare("head", F, letters)


@check("OP-13", (setup.STEPS, *setup.MODEL, STEP_SIZE))
def amgd(trial: Trial) -> Iterator[Comparison]:
    """One step beside the printed relations, several beside the oracle."""
    trial.admit()
    options = {"step_size": trial.step_size}
    method, run = OPTIMIZERS["amgd"](**options), orthonormal_run(trial, steps=trial.steps)
    yield setup.model_agreement(trial, "span", method, whole.amgd(options), run, label="path")
    yield from printed_step(moments.first_step(trial, method, run), {"eta": trial.step_size})


@check("OP-14", (setup.STEPS, *setup.MODEL, STEP_SIZE, DAMPING))
def dfw(trial: Trial) -> Iterator[Comparison]:
    """The same on pairs of batches; the mean step over noise of unequal variances, exactly."""
    trial.admit()
    run = orthonormal_run(trial, steps=2 * trial.steps)
    for damping in (0.0, trial.damping):
        options = {"step_size": trial.step_size, "damping": damping}
        method = OPTIMIZERS["dfw"](**options)
        label = f"path, damping {damping:.3g}"
        yield setup.model_agreement(trial, "span", method, whole.dfw(options), run, label=label)
        letters = {"eta": trial.step_size, "lambda": damping}
        yield from printed_step(moments.first_step(trial, method, run), letters)
    yield from unbiased(trial)


def unbiased(trial: Trial) -> Iterator[Comparison]:
    """Compare the mean step on the complement for two batches and for one."""
    drawn = bias.draw(trial)
    method = OPTIMIZERS["dfw"]
    letters = {
        "G^*": as_numpy(drawn.G),
        "B": as_numpy(complement_rows(drawn.G)),
        "X": as_numpy(drawn.inputs),
        "V_n": as_numpy(torch.diag(drawn.variances)),
        "Sigmahat": as_numpy(drawn.inputs.mT @ drawn.inputs / len(drawn.inputs)),
    }
    sizes = {"n": len(drawn.inputs), "m": len(drawn.F)}
    sizes |= {"k": drawn.G.shape[-2], "d": drawn.G.shape[-1]}
    predicted = trial.claim["one_batch"].matrix(letters, sizes=sizes)
    yield drawn.compare("one_batch", bias.one_batch(drawn, method), predicted, predicted)
    none = trial.claim["no_bias"].matrix(letters, sizes=sizes)
    for noisy in ("head", "step"):
        measured = bias.two_batches(drawn, method, noisy)
        yield drawn.compare("no_bias", measured, none, predicted, label=f"noise of the {noisy}")
