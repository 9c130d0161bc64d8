"""OP-10 and OP-11: KFAC and FOOF beside their definitions, each option alone and all at once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from lpfl.optim import OPTIMIZERS
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import matrixwise, model
from lpfl.verify.oracles.entrywise import Rule
from lpfl.verify.setups.optimizers import factored, one_hot
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial

AXES = (*setup.MATRIX, *setup.MODEL, *factored.AXES)


@check("OP-10", AXES)
def kfac(trial: Trial) -> Iterator[Comparison]:
    """Run KFAC with every option, on prescribed factors and alternating with the head."""
    trial.admit()
    oracle = matrixwise.kfac
    for label, options in factored.combinations(trial):
        alone = {**options, "kl_clip": None}
        yield setup.rule_agreement(trial, "step", "kfac", oracle, alone, label=label)
        yield setup.rule_agreement(
            trial, "last_layer", "kfac", oracle, alone, outputs=False, label=label
        )
        yield factored_run(trial, "kfac", oracle, options, "least_squares", label)
        if options["damping"]:
            step = model.layerwise(oracle, options, "least_squares")
            said = f"fewer rows than inputs, {label}"
            method, n = OPTIMIZERS["kfac"](**options), trial.rank + 1
            steps = trial.steps * method.batches
            few = setup.draw_run(trial, steps=steps, batch_size=n, name="few rows")
            yield setup.model_agreement(trial, "step", method, step, few, label=said)
    for label, options in factored.output_factors(trial):
        yield factored_run(trial, "kfac", oracle, options, "least_squares", label)
    yield factored.fresh_samples(trial)
    for side in ("inputs", "outputs"):
        yield one_hot.factor_weights(trial, "kfac", factored.averages(trial), side=side)
    yield from factored.memory(trial, "kfac")


@check("OP-11", AXES)
def foof(trial: Trial) -> Iterator[Comparison]:
    """Run FOOF with every option and both heads; give it another output factor."""
    trial.admit()
    oracle = matrixwise.foof
    for label, options in factored.combinations(trial):
        alone = {**options, "kl_clip": None}
        yield setup.rule_agreement(trial, "step", "foof", oracle, alone, label=label)
        for head in ("least_squares", "joint"):
            yield factored_run(trial, "foof", oracle, options, head, label)
    options = factored.averages(trial)
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
    yield one_hot.factor_weights(trial, "foof", options, side="inputs")
    yield from factored.memory(trial, "foof")


def factored_run(
    trial: Trial, name: str, oracle: Rule, options: dict[str, Any], head: str, label: str
) -> Comparison:
    """Run a method beside its oracle; FOOF takes the head as an option."""
    chosen = {**options, "head": head} if name == "foof" else options
    method = OPTIMIZERS[name](**chosen)
    run = setup.draw_run(trial, steps=trial.steps * method.batches)
    step = model.layerwise(oracle, options, head)
    return setup.model_agreement(trial, "step", method, step, run, label=f"{head} head, {label}")
