"""Optimizers that draw: from generators of their own, which no global seed changes."""

import math

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.learning.other_draws import other_draws
from tests.conformance.faulty_frame import PerParameter

LINE = "inv.fingerprint"


class Probes(PerParameter, lr=0.05, share=0.3):
    """SGD plus noise in proportion to the gradient, equal in law in all coordinates."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.own = torch.Generator().manual_seed(0)

    def direction(self, g):
        """Return the direction without noise."""
        return g

    def update(self, p, g, state, group):
        """Take one step."""
        drawn = torch.randn(g.shape, generator=self.own, dtype=torch.float64).to(g)
        noise = group["share"] * g.norm() / math.sqrt(g.numel()) * drawn
        p.sub_(group["lr"] * (self.direction(g) + noise))


class Stepwise(Probes):
    """A generator that is seeded anew in every step."""

    def update(self, p, g, state, group):
        """Take one step."""
        state["step"] = state.get("step", 0) + 1
        self.own = torch.Generator(device="cpu").manual_seed(state["step"])
        super().update(p, g, state, group)


class ByEntries(Probes, share=1e-3):
    """Its noise is small, and its steps are signs."""

    def direction(self, g):
        """Return the signs."""
        return g.sign()


class Langevin(PerParameter, lr=0.01, noise=1.0):
    """SGD with noise that no gradient outweighs, by the global generator."""

    generator = None

    def update(self, p, g, state, group):
        """Take one step."""
        drawn = torch.randn(p.shape, generator=self.generator, dtype=p.dtype)
        p.sub_(self.rate(p, group) * g)
        p.add_(drawn, alpha=group["noise"] * math.sqrt(group["lr"]))

    def rate(self, p, group):
        """Return the rate."""
        return group["lr"]


class LangevinOfItsOwn(Langevin):
    """The same by a generator of its own."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.generator = torch.Generator().manual_seed(5)


class HalfTheWay(Langevin, noise=1e-3):
    """Little noise, and half the rate in bfloat16."""

    def rate(self, p, group):
        """Return the rate, half of it for weights of few bits."""
        return group["lr"] * (0.5 if p.dtype == torch.bfloat16 else 1.0)


def answer(kind):
    spec = OptimizerSpec("s", kind, claims={"rotation-equivariant"})
    report = check_optimizer(spec, on_fail=None, checks=[LINE])
    return [r for r in report.results if "rotation-equivariant" in r.message]


@pytest.mark.parametrize("kind", [Probes, Stepwise])
def test_chance_of_a_private_generator_is_no_tie_to_coordinates(kind):
    assert [str(r.outcome) for r in answer(kind)] in (["inconclusive"], ["conforms"])


def test_a_tie_to_coordinates_beyond_chance_is_found():
    (found,) = answer(ByEntries)
    assert (str(found.outcome), bool(found.snippet)) == ("deviates", True), found


def low_precision(kind):
    report = check_optimizer(OptimizerSpec("s", kind), on_fail=None, checks=["api.bfloat16"])
    return str(report.outcome("api.bfloat16")), " ".join(r.message for r in report.results)


@pytest.mark.parametrize("kind", [Langevin, LangevinOfItsOwn])
def test_other_noise_in_bfloat16_is_no_loss_of_precision(kind):
    assert low_precision(kind)[0] == "conforms"


def test_half_the_way_in_bfloat16_is_more_than_the_noise():
    outcome, said = low_precision(HalfTheWay)
    assert (outcome, "is 0.5" in said) == ("numerics", True), said


def drawn():
    made = torch.Generator().manual_seed(3)
    assert isinstance(made, torch.Generator)
    return torch.rand(2, generator=made).tolist()


def test_generators_draw_otherwise_within_and_as_ever_afterwards():
    plain = drawn()
    with other_draws(7):
        assert drawn() != plain
        assert isinstance(torch.default_generator, torch.Generator)
    with other_draws(None):
        assert drawn() == plain
    assert drawn() == plain
