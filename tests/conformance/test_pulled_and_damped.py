"""Steps of matrices beside a pull along the weights, weights of the gradient, damping split."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, orthogonal
from tests.conformance.toy_kfac import AveragedKfac, RootKfac


class Scion(PerParameter, lr=0.05, momentum=0.1):
    """Frank-Wolfe steps: weights (1 - lr) w - 10 lr sqrt(rows / columns) polar."""

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p))
        m.mul_(1 - group["momentum"]).add_(g, alpha=group["momentum"])
        step = self.of_matrix(m.flatten(1)).reshape(p.shape) if p.ndim > 1 else m.sign()
        p.mul_(1 - group["lr"]).sub_(step, alpha=10 * group["lr"])

    def of_matrix(self, m):
        return orthogonal(m) * (m.shape[0] / m.shape[1]) ** 0.5


class TallRows(Scion):
    """Rows of length one, in place of the polar factor, for tall matrices alone."""

    def of_matrix(self, m):
        rows = m / m.norm(dim=1, keepdim=True).clamp(min=1e-30)
        return rows if len(m) > m.shape[1] else super().of_matrix(m)


class LastDropped(PerParameter, lr=0.05, momentum=0.1):
    """A momentum of 0 takes another gradient than a tiny one."""

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        p.sub_(m if group["momentum"] else g.sign(), alpha=group["lr"])


class SplitKfac(AveragedKfac):
    """KFAC, its damping split over the factors by the root of the ratio of their traces."""

    def __init__(self, model, lr=0.1, damping=1e-2, stat_decay=0.95):
        super().__init__(model, lr, damping, stat_decay)

    @torch.no_grad()
    def step(self):
        for group, (A, G) in zip(self.param_groups, self.used(), strict=True):
            (W,) = group["params"]
            pi = ((A.trace() / len(A)) / (G.trace() / len(G))).sqrt()
            root = group["damping"] ** 0.5
            left, right = self.inverse(G, root / pi), self.inverse(A, root * pi)
            W.sub_(left @ W.grad @ right, alpha=group["lr"])


def judged(kind, check, *claims, needs=()):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(claims), needs=frozenset(needs))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return str(report.outcome(check)), " ".join(a.message for a in report.results)


def test_a_pull_along_the_weights_is_no_direction_of_the_step():
    outcome, said = judged(Scion, "api.transpose", "scion")
    assert outcome == "conforms"
    assert "pull along the weights" in said
    assert judged(TallRows, "api.transpose", "scion")[0] == "limit"


def test_a_weight_of_the_gradient_may_be_tiny_and_not_0():
    assert judged(Scion, "api.zero-options")[0] == "not claimed"
    assert judged(LastDropped, "api.zero-options")[0] == "limit"


@pytest.mark.parametrize(("kind", "outcome"), [(SplitKfac, "inconclusive"), (RootKfac, "deviates")])
def test_damping_is_not_told_to_be_a_slowdown_of_the_method(kind, outcome):
    found, said = judged(kind, "theory.condition-number", "kfac", needs=["model"])
    assert found == outcome
    assert ("damping may be all of it" in said) == (kind is SplitKfac)
