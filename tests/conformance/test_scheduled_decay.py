"""Weight decay times the multiplier of a schedule, as the paper of AdamW writes it."""

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class Scheduled(PerParameter, lr=1e-3, betas=(0.9, 0.99), eps=1e-6, weight_decay=1e-2):
    """The decay is scaled by lr over the lr that the group began with."""

    def add_param_group(self, group):
        super().add_param_group(group)
        last = self.param_groups[-1]
        last.setdefault("first_lr", last["lr"])

    def multiplier(self, group):
        return group["lr"] / group["first_lr"]

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p *= 1 - self.multiplier(group) * group["weight_decay"]
        p -= group["lr"] * m / (v.sqrt() + group["eps"])


class UpsideDown(Scheduled):
    """The less the rate, the more decay."""

    def multiplier(self, group):
        return group["first_lr"] / group["lr"]


def judged(kind: type) -> tuple[Outcome, dict[str, str]]:
    spec = OptimizerSpec("scheduled", kind, claims={"adamw"})
    (result,) = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True).results
    return result.outcome, dict(result.convention or {})


def test_decay_by_a_schedule_is_a_convention():
    outcome, convention = judged(Scheduled)
    assert outcome is Outcome.CONVENTION
    assert convention == {"decay": "times lr over its first value"}


def test_another_multiplier_is_not():
    assert judged(UpsideDown)[0] is Outcome.DEVIATES
