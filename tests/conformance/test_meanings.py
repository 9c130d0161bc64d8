"""Options that are documented as something else than the reference's of that name, and faults."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments
from tests.conformance.test_options_aside import Lamb

ACCUSED = {"deviates", "limit"}


def judged(kind, claim, check, *needs):
    """Return the answers of a check about an optimizer."""
    claims = {claim} if claim else set()
    spec = OptimizerSpec("s", kind, claims=claims, needs=set(needs))
    return check_optimizer(spec, on_fail=None, quick=True, checks=[check]).results


class WindowUntold(Lamb):
    def clipped(self, trust):
        return min(max(trust, 0.01), 10.0)


class Window(WindowUntold):
    """LAMB. trust_clip: the trust ratio is kept in [0.01, 10]."""


class Weights(Window):
    """LAMB; trust_clip: on the norm of the weights, min(|w|, 10)."""

    def __init__(self, params, lr=1e-3, eps=1e-6, weight_decay=0.0, trust_clip=True):
        super().__init__(params, lr, eps=eps, weight_decay=weight_decay, trust_clip=trust_clip)


class WeightsWrong(Weights):
    """LAMB; trust_clip: on the norm of the weights, min(|w|, 10)."""

    def update(self, p, g, s, o):
        super().update(p, g, s, {**o, "lr": 1.1 * o["lr"]})


@pytest.mark.parametrize("kind", [Window, Weights])
def test_another_bound_that_is_documented_is_left_unjudged_in_words(kind):
    (found,) = judged(kind, "lamb", "def.trajectory")
    assert str(found.outcome) not in ACCUSED, found.message
    assert "trust_clip is told otherwise" in str(found.details["notes"])


@pytest.mark.parametrize("kind", [WindowUntold, WeightsWrong])
def test_a_bound_that_is_not_told_and_another_rate_are_found(kind):
    (found,) = judged(kind, "lamb", "def.trajectory")
    assert str(found.outcome) in ACCUSED, found.message


class Updates(PerParameter):
    """AdamW. cautious (False): cautious updates (Liang et al. 2024)."""

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, cautious=False
    ):
        more = {"betas": betas, "eps": eps, "weight_decay": weight_decay, "cautious": cautious}
        super().__init__(params, lr=lr, **more)

    def update(self, p, g, s, o):
        m, v = corrected(*moments(p, g, s, o), o)
        move = o["lr"] * m / (v.sqrt() + o["eps"])
        mask = self.decays(move, p) if o["cautious"] else 1
        p -= move + o["lr"] * o["weight_decay"] * p * mask

    def decays(self, move, p):
        return move * p >= 0


class Decays(Updates):
    """AdamW. cautious (False): decay is cautious (Chen et al. 2025)."""


class DecaysAway(Decays):
    def decays(self, move, p):
        return move * p <= 0


class DecaysOpposed(DecaysAway):
    """AdamW. cautious (False): decay is cautious, cautious=True being the opposite of Chen's."""


@pytest.mark.parametrize("kind", [Decays, DecaysAway, DecaysOpposed])
def test_cautious_decay_is_no_mask_of_updates(kind):
    (found,) = judged(kind, "adamw", "def.trajectory")
    assert str(found.outcome) not in ACCUSED, found.message


def test_a_mask_of_updates_that_masks_the_decay_is_found():
    (found,) = judged(Updates, "adamw", "def.trajectory")
    assert str(found.outcome) in ACCUSED, found.message


@pytest.mark.parametrize(
    ("kind", "wrong"), [(Decays, False), (DecaysAway, True), (DecaysOpposed, False)]
)
def test_the_wrong_half_that_decays_is_found_unless_it_is_told(kind, wrong):
    found = judged(kind, "adamw", "api.cautious")
    assert any(str(r.outcome) in ACCUSED for r in found) == wrong, found


class Once(Decays):
    """AdamW; a closure is evaluated, then the step is taken."""

    def step(self, closure=None):
        """Take a step after two evaluations."""
        if closure is not None:
            with torch.enable_grad():
                closure()
        return super().step(closure)


class Twice(Once):
    """AdamW; the closure is called twice."""


@pytest.mark.parametrize(("kind", "accused"), [(Once, True), (Twice, False)])
def test_a_closure_called_twice_is_a_limit_unless_it_is_told(kind, accused):
    (found,) = judged(kind, "adamw", "api.closure")
    assert (str(found.outcome) in ACCUSED) == accused, found.message
