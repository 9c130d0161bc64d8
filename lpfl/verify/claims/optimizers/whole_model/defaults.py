"""OP-22: rules, steps and methods without options beside oracles with the published ones."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.linalg import orthonormal_rows
from lpfl.optim import OPTIMIZERS, adam, adamw, muon, scion, sgd, sgd_momentum, shampoo, sign_sgd
from lpfl.optim import soap as soap_module
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import entrywise, matrixwise, model, whole
from lpfl.verify.oracles.entrywise import Rule
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Integers
from lpfl.verify.trial import Trial, as_numpy
from theory.optimizers.defaults import HEADS, METHODS, RULES

ORACLES: Mapping[str, Rule] = {
    **{name: getattr(entrywise, name) for name in ("sgd", "sgd_momentum", "adam", "adamw",
                                                   "sign_sgd")},
    **{name: getattr(matrixwise, name) for name in ("muon", "scion", "shampoo", "soap", "kfac",
                                                    "foof")},
}  # fmt: skip
# Methods on pairs of batches, and rules whose first bases are arbitrary on a layer that is not
# square, run on their own.
ALONE = ("dfw", "soap")
# A switch off its default makes the default of another option visible.
SWITCHES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("shampoo", {"statistics": "average"}),
    ("kfac", {"damping": 0.5}),
    ("kfac", {"momentum": 0.5}),
    ("kfac", {"weight_decay": 0.5}),
    ("kfac", {"output_factor": "sampled", "damping": 0.5, "output_damping": 0.5}),
)
# Square, so that one gradient fills the statistics of SOAP and Shampoo.
SQUARE = (
    Integers("weight_rows", 2, 5),
    Integers("weight_columns", lambda v: v["weight_rows"], lambda v: v["weight_rows"]),
)


@check("OP-22", (*SQUARE, setup.STEPS, *setup.MODEL))
def defaults(trial: Trial) -> Iterator[Comparison]:
    """Run everything without options; then with one that makes another option count."""
    trial.admit()
    data = setup.prescribed(trial)
    size = len(data.gradients) * trial.weight_rows
    for name, options in RULES.items():
        rule = OPTIMIZERS[name].optimizer()  # type: ignore[attr-defined]
        compare = partial(
            setup.agreement, trial, replay=data.replay(trial, ORACLES[name], options),
            size=size, label=name,
        )  # fmt: skip
        yield compare("rule", setup.rule_path(rule, data))
        if name in STEPS:
            yield compare("step", step_path(name, data))
    run = setup.draw_run(trial)
    for name, options in RULES.items():
        if name not in ALONE:
            step = model.layerwise(ORACLES[name], options, HEADS[name])
            yield setup.model_agreement(trial, "method", OPTIMIZERS[name](), step, run, label=name)
    yield from methods(trial, run)
    for name, switched in SWITCHES:
        options = {**RULES[name], **switched}
        step = model.layerwise(ORACLES[name], options, HEADS[name])
        label = f"{name}, {', '.join(f'{key} {value}' for key, value in switched.items())}"
        yield setup.model_agreement(
            trial, "one_option", OPTIMIZERS[name](**switched), step, run, label=label
        )


Start = Callable[[Tensor], Any]
STEPS: Mapping[str, tuple[Callable[..., Any], Start]] = {
    "sgd": (lambda W, g, state, **o: (sgd.sgd_step(W, g, **o), state), lambda W: ()),
    "sgd_momentum": (partial(sgd_momentum.sgd_momentum_step, momentum=0.9), torch.zeros_like),
    "adam": (adam.adam_step, adam.adam_start),
    "adamw": (partial(adamw.adamw_step, weight_decay=0.01), adam.adam_start),
    "sign_sgd": (sign_sgd.sign_sgd_step, torch.zeros_like),
    "muon": (muon.muon_step, torch.zeros_like),
    "scion": (scion.scion_step, torch.zeros_like),
    "shampoo": (shampoo.shampoo_step, lambda W: None),
    "soap": (soap_module.soap_step, soap_module.soap_start),
}
"""The pure step of a rule, given what has no default, and its first state."""


def step_path(name: str, data: setup.Prescribed) -> setup.Array:
    """Return the matrices of a run of a pure step, given its step size alone."""
    move, start = STEPS[name]
    W = data.start
    state, path = start(W), [W]
    for grad in data.gradients:
        W, state = move(W, grad, state, step_size=RULES[name]["step_size"])
        path.append(W)
    return as_numpy(torch.stack(path).flatten(-2))


def methods(trial: Trial, run: setup.Run) -> Iterator[Comparison]:
    """Run the methods that move the whole model."""
    conditions: list[float] = [1.0]
    orders = {
        "kfac_joint": "joint",
        "kfac_sequential": "head_first",
        "kfac_paper": "representation_first",
    }
    steps: dict[str, model.Step] = {
        "ngd": whole.natural(METHODS["ngd"], empirical=False, conditions=conditions),
        "polyak": whole.polyak(METHODS["polyak"], conditions),
        "batch_norm": whole.batch_norm(METHODS["batch_norm"]),
    }
    for name, order in orders.items():
        chosen = METHODS[name]
        on_head = {**chosen, "step_size": chosen["head_step_size"]}
        steps[name] = model.layerwise(matrixwise.kfac, chosen, order, on_head)
    for name, step in steps.items():
        yield _agreement(trial, name, step, run, conditions)
    G = orthonormal_rows(run.start.representation)
    upright = setup.Run(run.start._replace(representation=G), run.batches)
    yield _agreement(trial, "amgd", whole.amgd(METHODS["amgd"]), upright, conditions)
    pairs = setup.Run(upright.start, run.batches[: 2 * (len(run.batches) // 2)])
    yield _agreement(trial, "dfw", whole.dfw(METHODS["dfw"]), pairs, conditions)
    p = trial.rank * (trial.input_dim + trial.output_dim)
    many = setup.draw_run(trial, steps=2, batch_size=3 * p, name="many rows")
    oracle = whole.natural(METHODS["ngd_empirical"], empirical=True, conditions=conditions)
    yield _agreement(trial, "ngd_empirical", oracle, many, conditions)


def _agreement(
    trial: Trial, name: str, step: model.Step, run: setup.Run, conditions: list[float]
) -> Same:
    del conditions[1:]
    return setup.model_agreement(
        trial, "method", OPTIMIZERS[name](), step, run, label=name,
        least=lambda: float(np.max(conditions)),
    )  # fmt: skip
