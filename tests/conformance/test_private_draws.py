"""Generators that an optimizer keeps for itself: chance in pairs of runs and in the curvature."""

import random

import numpy as np
import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.toy_kfac import Kfac


class Noisy(PerParameter, lr=0.1):
    """Gradient descent with noise of a generator of its own on each step."""

    def __init__(self, params, **options):
        self.draws = self.generator()
        super().__init__(params, **options)

    def generator(self):
        return torch.Generator().manual_seed(3)

    def noise(self, p):
        return torch.randn(p.shape, generator=self.draws, dtype=torch.float64).to(p)

    def update(self, p, g, state, group):
        p -= group["lr"] * (g + 0.1 * self.noise(p))


class NoisyByNumpy(Noisy):
    def generator(self):
        return np.random.RandomState(3)

    def noise(self, p):
        return torch.from_numpy(np.asarray(self.draws.standard_normal(tuple(p.shape)))).to(p)


class ByPlace(PerParameter, lr=0.1):
    """The later a parameter stands, the shorter its steps."""

    def update(self, p, g, state, group):
        place = [id(q) for q in group["params"]].index(id(p))
        p -= group["lr"] * 0.9**place * g


class Sampled(Kfac):
    """The output factor is that of normal residuals, drawn by NumPy."""

    def __init__(self, model, lr=0.1, damping=1e-4):
        super().__init__(model, lr=lr, damping=damping)
        self.draws = self.generator()

    def generator(self):
        return np.random.default_rng(7)

    def normal(self, shape):
        return torch.from_numpy(self.draws.standard_normal(tuple(shape)))

    def factors(self, model, inputs, output):
        if not output.requires_grad:
            return
        outputs = [self.seen[m][1] for m in self.layers]
        residuals = self.normal(output.shape).to(output)
        rows = torch.autograd.grad((output * residuals).sum(), outputs, retain_graph=True)
        new = []
        for layer, row in zip(self.layers, rows, strict=True):
            X = self.seen[layer][0]
            new.append((X.T @ X / len(X), row.T @ row / len(X)))
        self.pairs = new


class SampledByPython(Sampled):
    def generator(self):
        return random.Random(5)

    def normal(self, shape):
        count = int(np.prod(shape))
        return torch.tensor([self.draws.gauss(0, 1) for _ in range(count)]).reshape(tuple(shape))


def answer(kind, claims, check):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(claims))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return report.results[0]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Noisy, "inconclusive"), (NoisyByNumpy, "inconclusive"), (ByPlace, "deviates")],
)
def test_chance_is_no_order(kind, outcome):
    assert str(answer(kind, (), "api.order").outcome) == outcome


@pytest.mark.parametrize("kind", [Sampled, SampledByPython])
def test_a_curvature_may_be_drawn_by_any_generator(kind):
    assert str(answer(kind, {"kfac-sampled"}, "def.trajectory").outcome) == "conforms"
    assert str(answer(kind, {"kfac-sampled"}, "inv.fingerprint").outcome) != "deviates"


def test_an_exact_curvature_is_not_sampled():
    result = answer(Kfac, {"kfac-sampled"}, "def.trajectory")
    assert str(result.outcome) == "deviates"
    assert "not sampled" in result.message
