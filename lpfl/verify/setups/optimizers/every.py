"""Every optimizer in OPTIMIZERS, with options off their defaults, small steps, every head."""

import inspect
import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lpfl.linalg import orthonormal_rows
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.method import Method
from lpfl.problems.linear_representation import Batch, Weights, least_squares_head, loss
from lpfl.verify.setups.optimizers.invariance import STEPS, Entrant
from lpfl.verify.setups.optimizers.trajectory import Run
from lpfl.verify.trial import Trial

AVERAGED = {"averaging": 0.7, "momentum": 0.5}
DAMPED = {"damping": 0.3, "output_damping": 0.2}
# Options off their defaults, by optimizer; one that has no entry runs with its defaults.
OPTIONS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "sgd": ({"weight_decay": 0.3}, {"head": "least_squares"}),
    "sgd_momentum": ({"momentum": 0.6, "nesterov": True}, {"momentum": 0.6, "averaged": True}),
    "adam": ({"beta1": 0.5, "beta2": 0.8, "epsilon": 0.1},),
    "adamw": ({"beta1": 0.5, "beta2": 0.8, "epsilon": 0.1, "weight_decay": 0.5},),
    "sign_sgd": ({"momentum": 0.6},),
    "muon": ({"momentum": 0.5, "nesterov": False, "weight_decay": 0.5, "newton_schulz_steps": 3},
             {"scale": "match_rms"}),
    "scion": ({"radius": 2.0, "momentum": 0.5, "constrained": False},),
    "shampoo": ({"exponent": 0.4, "statistics": "average", "averaging": 0.6, "epsilon": 0.1},),
    "soap": ({"beta1": 0.5, "beta2": 0.6, "averaging": 0.6, "epsilon": 0.1, "frequency": 2},
             {"averaging": 0.6, "epsilon": 0.1, "bases": "exact"}),
    "kfac": (AVERAGED, DAMPED, {"weight_decay": 0.3}),
    "kfac_joint": ({**AVERAGED, "head_step_size": 0.1}, DAMPED),
    "kfac_sequential": (AVERAGED, {"damping": 0.3}),
    "kfac_paper": (AVERAGED, {"damping": 0.3}),
    "foof": (AVERAGED, {"damping": 0.3}, {"head": "joint"}),
    "dfw": ({"damping": 0.3},),
    "ngd": ({"damping": 0.3}, {"gauge": "equivariant"}),
    "ngd_empirical": ({"damping": 0.3},),
    "polyak": ({"preconditioner": "kfac"}, {"preconditioner": "kfac", "damping": 0.3},
               {"max_step_size": 0.01, "loss_star": 0.1}),
    "batch_norm": ({"head": "joint", "centre": False},),
}  # fmt: skip


def with_options(trial: Trial) -> Iterator[Entrant]:
    """Return every optimizer with one of its option sets, ready to run in two coordinates.

    Which set is drawn from the name of the scenario.
    """
    scenario = trial.scenario
    for name, factory in OPTIMIZERS.items():
        sets = OPTIONS.get(name, ({},))
        for options in (sets[trial.integer_seed(name) % len(sets)],):
            chosen = {"step_size": scenario.step_size, **options}
            steps = STEPS
            if name == "soap":
                longest = max(scenario.input_dim, scenario.output_dim)
                chosen["warmup"] = math.ceil(longest / scenario.rank) + 1
                steps += int(scenario.input_dim)
            label = f"{name} {', '.join(f'{key} {value}' for key, value in options.items())}"
            make = partial(factory, **chosen)
            try:
                yield Entrant(label, make, steps, make())
            except (TypeError, ValueError) as error:
                yield Entrant(label, factory, steps, error=f"{type(error).__name__}: {error}")


def heads_of(name: str) -> tuple[str | None, ...]:
    """Return the treatments of the head that an optimizer offers; None: it has one."""
    parameters = inspect.signature(OPTIMIZERS[name]).parameters
    if "head" not in parameters:
        return (None,)
    return ("least_squares", "joint") if name in ("foof", "batch_norm") else (
        "joint", "least_squares", "frozen"
    )  # fmt: skip


def small_steps(trial: Trial) -> Iterator[tuple[str, str, Method, int]]:
    """Return name, label, method with a small step and the steps before the first move."""
    for name, factory in OPTIMIZERS.items():
        for head in heads_of(name):
            options: dict[str, Any] = {"step_size": trial.step_size}
            warmup = 0
            if head is not None:
                options["head"] = head
            if name == "scion":
                options["constrained"] = False  # the constrained form shrinks the weights as well
                options["radius"] = 1.0
            if name == "ngd_empirical":
                options["damping"] = 1.0  # undamped, its direction has no bound
            if name == "batch_norm":
                options["centre"] = False  # so that F G x is what the network computes
            if name == "adamw":
                options["weight_decay"] = 0.0
            if name == "soap":
                sides = (trial.input_dim / trial.rank, trial.output_dim / trial.rank)
                options["warmup"] = warmup = math.ceil(max(sides)) + 1
            yield name, f"{name}, head {head}" if head else name, factory(**options), warmup


def head_forms(step_size: float) -> Iterator[tuple[str, str, Method]]:
    """Return every optimizer that refits or freezes the head, with a label that says which."""
    for name, factory in OPTIMIZERS.items():
        for head in heads_of(name):
            if head == "joint" or (head is None and name not in ("kfac", "amgd", "dfw")):
                continue
            options: dict[str, Any] = {"step_size": step_size}
            if head is not None:
                options["head"] = head
            if name == "batch_norm":
                options["centre"] = False
            said = head or "least_squares"
            yield name, f"{name}, {said.replace('_', ' ')}", factory(**options)


def orthonormal(start: Weights) -> Weights:
    """Return the start with orthonormal rows in G."""
    return Weights(start.head, orthonormal_rows(start.representation))


def refits(name: str, method: Method) -> bool:
    """Say whether the loss to follow is that of the best head."""
    chosen = method.hyperparameters.get("head")
    return chosen == "least_squares" or name in ("kfac", "amgd", "dfw")


def losses(method: Method, run: Run, *, steps: int, refit: bool) -> tuple[Tensor, Tensor]:
    """Return the loss on the batch of a run before and after a few steps on it, (R,)."""
    batch = run.batches[0]
    given: Any = batch if method.batches == 1 else (batch,) * method.batches
    weights, memory = run.start, method.init(run.start)
    ends = [_loss(weights, batch, refit)]
    for _ in range(steps):
        weights, memory = method.step(weights, memory, given)
    ends.append(_loss(weights, batch, refit))
    return ends[0], ends[1]


def _loss(weights: Weights, batch: Batch, refit: bool) -> Tensor:
    assert batch.inputs is not None
    assert batch.targets is not None
    if refit:
        head = least_squares_head(weights.representation, batch)
        weights = weights._replace(head=head)
    value = loss(weights, batch.inputs, batch.targets)
    return torch.nan_to_num(value, nan=torch.inf).clamp(max=1e30)
