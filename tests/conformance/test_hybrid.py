"""Hybrids: a rule for matrices, and another one for whatever is no matrix."""

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments, orthogonal


class Hybrid(PerParameter, lr=0.02, momentum=0.95, adam_lr=3e-4, betas=(0.9, 0.999)):
    """Orthogonalised momentum for matrices, Adam for the rest."""

    def update(self, p, g, state, group):
        if p.ndim == 2:
            m = state.setdefault("m", 0.0 * g)
            m.lerp_(g, 1 - group["momentum"])
            factor = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
            p -= group["lr"] * factor * orthogonal(m)
        else:
            self.other(p, g, state, group)

    def other(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p -= group["adam_lr"] * m / (v.sqrt() + 1e-8)


class ByRows(Hybrid):
    """A kernel is stepped by neither rule: its entries are scaled row by row."""

    def other(self, p, g, state, group):
        p -= group["adam_lr"] * g / g.flatten(1).norm(dim=1).mean() if p.ndim > 2 else 1e-3 * g


def outcome_of(kind: type) -> Outcome:
    spec = OptimizerSpec("hybrid", kind, claims={"muon"})
    return check_optimizer(spec, checks=["api.flatten"], on_fail=None).outcome("api.flatten")


def test_kernels_may_be_left_to_the_rule_for_vectors():
    assert outcome_of(Hybrid) is Outcome.CONVENTION


def test_a_third_rule_for_kernels_is_not_excused():
    assert outcome_of(ByRows) is Outcome.DEVIATES
