"""Every option of every rule changes the run; the torch form runs as the matrix rule does."""

from dataclasses import MISSING, fields
from typing import Any

import pytest
import torch

from lpfl.optim import OPTIMIZERS
from lpfl.optim.drive import on_linear_representation
from lpfl.optim.rule import MatrixRule
from lpfl.optim.torch_form import RuleOptimizer
from lpfl.problems.linear_representation import Batch, Weights
from tests.optim.cases import relative
from tests.optim.test_torch_form import drawn, loss_of, module_of

ETA = 0.05
# option: value off its default, and what else must be set for it to act
VALUES: dict[str, tuple[Any, dict[str, Any]]] = {
    "bases": ("exact", {}),
    "averaging": (0.7, {}),
    "averaged": (True, {}),
    "beta1": (0.3, {}),
    "beta2": (0.6, {}),
    "constrained": (False, {}),
    "damping": (0.2, {}),
    "damping_kind": ("pi", {"damping": 0.2}),
    "decay_kind": ("coupled", {"weight_decay": 0.3}),
    "epsilon": (0.1, {}),
    "exponent": (0.4, {}),
    "factor_every": (2, {}),
    "frequency": (3, {}),
    "graft": ("sgd", {}),
    "includes_current": (False, {"averaging": 0.7}),
    "input_factor": ("separate", {}),
    "kl_clip": (1e-4, {}),
    "momentum": (0.4, {}),
    "momentum_kind": ("nesterov", {"momentum": 0.4}),
    "nesterov": (None, {"momentum": 0.4}),  # the other one
    "newton_schulz_steps": (2, {}),
    "output_damping": (0.3, {}),
    "output_factor": ("empirical", {"damping": 0.2, "output_damping": 0.2}),
    "radius": (2.0, {}),
    "sample_seed": (5, {"output_factor": "sampled"}),
    "samples_per_row": (3, {"output_factor": "sampled"}),
    "scale": ("match_rms", {}),
    "statistics": ("average", {}),
    "warmup": (3, {}),
    "weight_decay": (0.3, {}),
}
FIXED = {("foof", "output_factor")}  # one value only: that is what the rule is
NEEDS = {("shampoo", "averaging"): {"statistics": "average"}}
RULES = {
    factory.optimizer.name: factory.optimizer
    for factory in OPTIMIZERS.values()
    if issubclass(factory.optimizer, MatrixRule)
}


def options_of(rule: type[MatrixRule]) -> list[str]:
    """Return the options of a rule but for the step size and what is the head's own."""
    apart = ("step_size", "head", "head_step_size")
    return [one.name for one in fields(rule) if one.name not in apart]


CASES = [
    (name, option)
    for name, rule in RULES.items()
    for option in options_of(rule)
    if (name, option) not in FIXED
    and not (name == "foof" and option in ("samples_per_row", "sample_seed"))
]


def setting(name: str, option: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options around ``option``, and these with it."""
    value, around = VALUES[option]
    around = {**around, **NEEDS.get((name, option), {})}
    own = {one.name: one.default for one in fields(RULES[name]) if one.default is not MISSING}
    if name == "soap":
        around = {"warmup": 4, **around}  # its step is arbitrary while a statistic is singular
        value = 5 if option == "warmup" else value
    if value is None:
        value = not own[option]
    return around, {**around, option: value}


def on_matrices(
    rule: type[MatrixRule], start: Weights, data: list[Batch], options: dict[str, Any]
) -> Weights:
    """Return both layers after the steps of the matrix rule, moved together."""
    method = on_linear_representation(rule(step_size=ETA, **options), head="joint")
    weights = Weights(*[W.unsqueeze(0) for W in start])
    memory = method.init(weights)
    for batch, other in zip(data, data[1:] + data[:1], strict=True):
        seen = (batch, other) if method.batches == 2 else batch
        weights, memory = method.step(weights, memory, seen)
    return Weights(*[W[0] for W in weights])


def on_a_module(
    rule: type[MatrixRule], start: Weights, data: list[Batch], options: dict[str, Any]
) -> Weights:
    """Return both layers after the same steps of the torch form."""
    model = module_of(start)
    target = model if rule.needs_layer else model.parameters()
    optimizer = RuleOptimizer(target, rule=rule, lr=ETA, **options)
    for batch, other in zip(data, data[1:] + data[:1], strict=True):
        if options.get("input_factor") == "separate":
            assert other.inputs is not None
            with optimizer.separate_pass(), torch.no_grad():
                model(other.inputs.squeeze(0))
        optimizer.zero_grad()
        loss_of(model, batch).backward()
        optimizer.step()
    return Weights(model[1].weight.detach(), model[0].weight.detach())


def test_every_option_is_here() -> None:
    assert {option for _, option in CASES} == set(VALUES)


@pytest.mark.parametrize(("name", "option"), CASES, ids=lambda one: one)
def test_an_option_moves_the_torch_form_as_the_matrix_rule(name: str, option: str) -> None:
    rule = RULES[name]
    around, options = setting(name, option)
    start, data = drawn()
    expected = on_matrices(rule, start, data, options)
    without = on_matrices(rule, start, data, around)
    found = on_a_module(rule, start, data, options)
    for layer, wanted in zip(found, expected, strict=True):
        assert relative(layer, wanted) < 1e-6  # SOAP magnifies rounding, see test_torch_form
    assert max(relative(a, b) for a, b in zip(without, expected, strict=True)) > 1e-4
