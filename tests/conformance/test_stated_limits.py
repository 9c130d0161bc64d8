"""A limit that an optimizer raises in words of its own; rounds that nobody reads; late momentum."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.toy_shampoo import Shampoo


def orthogonal(M, rounds):
    a, b, c = 3.4445, -4.7750, 2.0315
    X = M.T if M.shape[0] > M.shape[1] else M
    X = X / (X.norm() + 1e-7)
    for _ in range(rounds):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T if M.shape[0] > M.shape[1] else X


class Muon(PerParameter, lr=0.02, momentum=0.95, ns_steps=5):
    def update(self, p, g, state, group):
        self.look_at(p)
        matrix = g.reshape(len(g), -1)
        state["m"] = group["momentum"] * state.get("m", torch.zeros_like(matrix)) + matrix
        seen = matrix + group["momentum"] * state["m"]
        step = orthogonal(seen, self.rounds(group))
        factor = max(1, matrix.shape[0] / matrix.shape[1]) ** 0.5
        p -= group["lr"] * factor * step.reshape(p.shape)

    def look_at(self, p):
        if p.ndim < 2:
            raise ValueError("Muon takes matrices alone")

    def rounds(self, group):
        return group["ns_steps"]


class Stumbles(Muon):
    def look_at(self, p):
        p.shape[1]


class GoesWrong(Muon):
    """Raises in words, but of numbers."""

    def look_at(self, p):
        if p.ndim < 2:
            raise ValueError("the step is not finite here")


class FiveRounds(Muon):
    def rounds(self, group):
        return 5


class HeavyBall(Shampoo, momentum=0.9):
    """Momentum of the gradients, summed before the roots; statistics of the gradient alone."""

    weight = 1.0

    def update(self, p, g, state, group):
        pushed = torch.zeros_like(p)
        super().update(pushed, g, state, group)  # takes the statistics in
        state["m"] = group["momentum"] * state.get("m", torch.zeros_like(g)) + self.weight * g
        step = state["m"].reshape(-1) if g.ndim == 0 else state["m"]
        for i in range(step.ndim):
            values, Q = torch.linalg.eigh(state[i])
            root = (Q * values ** (-0.5 / step.ndim)) @ Q.T
            step = torch.tensordot(root, step, dims=([1], [i])).movedim(0, i)
        p -= group["lr"] * step.reshape(p.shape)


class Halved(HeavyBall):
    weight = 0.5


def answer(kind, claim, check):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset({claim}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return report.results[0]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Muon, "documented variant"), (Stumbles, "limit"), (GoesWrong, "limit")],
)
def test_a_shape_may_be_refused_in_any_words(kind, outcome):
    result = answer(kind, "muon", "api.shapes")
    assert str(result.outcome) == outcome
    assert "raises" in result.message


@pytest.mark.parametrize(("kind", "outcome"), [(Muon, "conforms"), (FiveRounds, "deviates")])
def test_rounds_of_newton_and_schulz_are_an_option(kind, outcome):
    result = answer(kind, "muon", "api.options")
    assert str(result.outcome) == outcome
    assert outcome == "conforms" or "ns_steps" in result.message


@pytest.mark.parametrize(
    ("kind", "outcome"), [(HeavyBall, "conforms up to a convention"), (Halved, "deviates")]
)
def test_momentum_of_shampoo_may_be_a_sum_of_gradients(kind, outcome):
    result = answer(kind, "shampoo", "def.trajectory")
    assert str(result.outcome) == outcome
    convention = dict(result.convention)
    assert outcome == "deviates" or convention["momentum"] == "of the gradient, sum"
