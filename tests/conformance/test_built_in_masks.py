"""A cautious mask without an option: a variant where it is said, another rule where it is not."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class Masked(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """AdamW whose entries stand still where the step is against the gradient."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.sub_(kept(m / (v.sqrt() + group["eps"]), g, self.against), alpha=group["lr"])

    against = False


class Said(Masked):
    """AdamW with a cautious mask."""


class CAdamW(Masked):
    pass


class KeepsTheOthers(Said):
    """Cautious, but the entries that go along with the gradient stand still."""

    against = True


class CautiousLion(PerParameter, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    def update(self, p, g, state, group):
        b1, b2 = group["betas"]
        m = state.setdefault("m", torch.zeros_like(p))
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.sub_(kept(torch.lerp(g, m, b1).sign(), g), alpha=group["lr"])
        m.lerp_(g, 1 - b2)


def kept(u, g, against=False):
    mask = (u * g < 0 if against else u * g > 0).to(u.dtype)
    return u * mask / mask.mean().clamp(min=1e-3)


def judged(kind, claim):
    spec = OptimizerSpec(kind.__name__, kind, claims={claim})
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    return str(report.outcome("def.trajectory")), report.results[0]


@pytest.mark.parametrize(
    ("kind", "claim"), [(Said, "adamw"), (CAdamW, "adamw"), (CautiousLion, "lion")]
)
def test_a_mask_that_is_said_is_a_variant(kind, claim):
    outcome, answer = judged(kind, claim)
    assert outcome == "documented variant"
    assert answer.convention == {
        "cautious mask": "built in",
        "cautious scale": "entries over those kept",
    }


def test_a_mask_of_which_nothing_speaks_is_another_rule():
    outcome, answer = judged(Masked, "adamw")
    assert outcome == "deviates"
    assert "that of adamw with another rule (cautious mask)" in answer.message


def test_a_word_about_the_mask_excuses_no_mask_upside_down():
    outcome, answer = judged(KeepsTheOthers, "adamw")
    assert outcome == "deviates"
    assert "cautious mask keeps: steps against the gradient" in answer.message
