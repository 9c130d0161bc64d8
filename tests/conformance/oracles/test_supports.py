"""What is said about optimizers that claim nothing, and second opinions on those that do."""

from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.definition.powers import powers
from lpfl.conformance.definition.supports import degenerates, supported
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.peers.differential import differential
from lpfl.conformance.spec import OptimizerSpec
from lpfl.conformance.subject import Subject
from tests.conformance.oracles.rule_optimizer import ADAM, adam, optimizer


def subject(factory: Any) -> Subject:
    return Subject(OptimizerSpec(name="s", factory=factory), quick=True)


def right_whitening(p: Tensor, g: Tensor, state: dict[str, Any], o: dict[str, Any]) -> Tensor:
    state["R"] = 0.9 * state.get("R", 0) + 0.1 * g.T @ g
    values, vectors = torch.linalg.eigh(state["R"])
    return o["lr"] * g @ (vectors * (values + o["damping"]) ** -0.5) @ vectors.T


def test_a_method_that_claims_nothing_is_recognised() -> None:
    assert supported(subject(torch.optim.SGD)) == ["behaves exactly as sgd"]
    assert supported(subject(torch.optim.Adam)) == ["behaves exactly as adam"]


class TwoLooks(torch.optim.SGD):
    """Takes the gradient a little uphill of the weights, and steps from the weights."""

    def step(self, closure: Any) -> Any:  # type: ignore[override]
        loss = closure()
        held = [p for o in self.param_groups for p in o["params"] if p.grad is not None]
        away = [1e-2 * p.grad for p in held if p.grad is not None]
        torch._foreach_add_([p.data for p in held], away)
        closure()
        torch._foreach_sub_([p.data for p in held], away)
        super().step()
        return loss


def test_what_looks_at_other_points_is_not_called_exactly_another_method() -> None:
    assert supported(subject(TwoLooks)) == [
        "behaves as sgd where gradients are the same everywhere"
    ]


def test_powers_damping_and_bias_correction_of_a_matrix_method() -> None:
    found = powers(subject(optimizer(right_whitening, lr=0.1, damping=1e-3)))
    assert found is not None
    assert (found.left, found.right) == (0.0, 0.5)
    assert abs(found.damping() / 1e-3 - 1) < 0.1
    assert found.words().endswith("no bias correction")


def test_elementwise_methods_have_no_matrix_powers() -> None:
    assert powers(subject(torch.optim.Adam)) is None


def test_a_method_that_is_another_is_called_so() -> None:
    assert degenerates(subject(optimizer(adam(), **ADAM))) == "adam"
    assert degenerates(subject(torch.optim.RMSprop)) == ""


def test_second_opinions_confirm_and_never_accuse() -> None:
    torchs = OptimizerSpec(name="torch", factory=torch.optim.Adam)
    options = {"lr": 0.05, "eps": 1e-3}
    ours = OptimizerSpec(name="ours", factory=optimizer(adam(), **ADAM))
    wrong = OptimizerSpec(name="wrong", factory=optimizer(adam("half epsilon"), **ADAM))
    same = differential(torchs, ours, options=options)
    assert same.outcome is Outcome.CONFORMS
    assert same.measured is not None
    assert same.measured < 1e-12
    assert differential(torchs, wrong, options=options).outcome is Outcome.INCONCLUSIVE
