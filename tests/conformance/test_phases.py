"""Roots of Shampoo renewed at steps k, 2 k, ...: the phase of a period is a convention."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter


def root(matrix, power):
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=1e-30) ** power) @ vectors.T


class Shampoo(PerParameter, lr=0.01, eps=1e-4, update_freq=2):
    """Sums of second moments; their roots are new in the first step and where ``due`` says so."""

    def update(self, p, g, state, group):
        t = state["t"] = state.get("t", 0) + 1
        G = g.reshape(1) if g.ndim == 0 else g
        step = G
        for axis in range(G.ndim):
            wide = G.movedim(axis, 0).reshape(G.shape[axis], -1)
            start = group["eps"] * torch.eye(len(wide), dtype=g.dtype)
            state["S", axis] = state.get(("S", axis), start) + wide @ wide.T
            if t == 1 or self.due(t, group["update_freq"]):
                state["P", axis] = root(state["S", axis], -0.5 / G.ndim)
            step = torch.tensordot(state["P", axis], step, dims=([1], [axis])).movedim(0, axis)
        p.sub_(step.reshape(p.shape), alpha=group["lr"])

    def due(self, t, k):
        return t % k == 0


class FromTheFirst(Shampoo):
    def due(self, t, k):
        return (t - 1) % k == 0


class TwiceAsSeldom(Shampoo):
    def due(self, t, k):
        return t % (2 * k - 1) == 0


class Started(Shampoo):
    """Roots that, with a period, stay those of the first step."""

    def due(self, t, k):
        return k == 1


def judged(kind):
    spec = OptimizerSpec(kind.__name__, kind, claims={"shampoo"})
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    return str(report.outcome("def.trajectory")), report.results[0]


def test_steps_k_and_2_k_are_a_convention():
    outcome, answer = judged(Shampoo)
    assert outcome == "conforms up to a convention"
    assert answer.convention == {"roots are new at": "step 1, and every k-th step"}


def test_the_step_after_each_period_is_the_usual_one():
    assert judged(FromTheFirst)[0] == "conforms"


@pytest.mark.parametrize("kind", [TwiceAsSeldom, Started])
def test_another_period_than_asked_for_is_accused(kind):
    outcome, answer = judged(kind)
    assert outcome == "deviates"
    assert "default options" in answer.message or "period 3" in answer.message
