"""A reading that the first steps rule out would not have survived the whole run either."""

import pytest
import torch

from lpfl import OptimizerSpec
from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import PREFIX, Fit, confront
from lpfl.conformance.definition.grid import candidates
from lpfl.conformance.definition.halves import halves
from lpfl.conformance.definition.precision import far_at_once
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.subject import Subject
from tests.conformance.twins import matrices

TRIED = 60


class SingleAdam(torch.optim.Optimizer):
    """Adam that computes its step in float32."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            first, second = group["betas"]
            for p in group["params"]:
                state, g = self.state[p], p.grad.float()
                state["t"] = t = state.get("t", 0) + 1
                state["m"] = first * state.get("m", 0 * g) + (1 - first) * g
                state["v"] = second * state.get("v", 0 * g) + (1 - second) * g * g
                root = (state["v"] / (1 - second**t)).sqrt() + group["eps"]
                p -= (group["lr"] * state["m"] / (1 - first**t) / root).to(p.dtype)


def compared(factory, claim):
    comparison = Comparison(Subject(OptimizerSpec("s", factory), quick=True), oracle_of(claim))
    return comparison, comparison.runs(fitting(comparison.oracle))[0]


@pytest.mark.parametrize(
    ("factory", "claim"),
    [
        (torch.optim.Adam, "adam"),
        (SingleAdam, "adam"),
        (matrices.METHODS["shampoo"].twin(), "shampoo"),
        (matrices.METHODS["shampoo"].twin("damped twice"), "shampoo"),
    ],
    ids=["Adam", "Adam in float32", "Shampoo", "a wrong Shampoo"],
)
def test_what_is_given_up_early_does_not_survive(factory, claim):
    comparison, run = compared(factory, claim)
    tried = [c for c in candidates(comparison) if not halves(c)][:TRIED]
    given_up = [c for c in tried if far_at_once(comparison, run, c, PREFIX[-1])]
    assert not any(confront(comparison, Fit(c), run) for c in given_up)
    if factory is SingleAdam:
        assert given_up == []
    else:
        assert len(given_up) > TRIED / 3
