"""A basis that the definition leaves free moves each step a little: no evidence of anything."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class TurnedVectors(PerParameter, lr=3e-3, betas=(0.95, 0.95), shampoo_beta=0.9, eps=1e-8):
    """SOAP that gives vectors a basis too: that of one gradient alone is free but for one side."""

    def turn(self, x, Q, back=False):
        for axis, V in enumerate(Q):
            y = torch.tensordot(V if back else V.T, x, dims=([1], [axis]))
            x = y.movedim(0, axis)
        return x

    def moment(self, g, axis):
        flat = g.movedim(axis, 0).reshape(g.shape[axis], -1)
        return flat @ flat.T

    def update(self, p, g, s, o):
        (b1, b2), b3 = o["betas"], o["shampoo_beta"]
        if "S" not in s:  # the first step only looks
            s["S"] = [(1 - b3) * self.moment(g, axis) for axis in range(g.ndim)]
            s["Q"] = [torch.linalg.eigh(self.shifted(S)).eigenvectors.flip(1) for S in s["S"]]
            s.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
            return
        s["t"] += 1
        s["m"].lerp_(g, 1 - b1)
        s["v"].lerp_(self.turn(g, s["Q"]).square(), 1 - b2)
        first, second = 1 - b1 ** s["t"], 1 - b2 ** s["t"]
        u = self.turn(s["m"], s["Q"]) / first / ((s["v"] / second).sqrt() + o["eps"])
        p -= o["lr"] * self.turn(u, s["Q"], back=True)
        for axis, Q in enumerate(s["Q"]):
            S = s["S"][axis].lerp_(self.moment(g, axis), 1 - b3)
            order = (Q * (S @ Q)).sum(0).argsort(descending=True)
            s["v"] = s["v"].index_select(axis, order)
            s["Q"][axis] = torch.linalg.qr(S @ Q[:, order]).Q

    def shifted(self, S):
        return S + 1e-30 * torch.eye(len(S), dtype=S.dtype)


class Skewed(TurnedVectors):
    """The same with bases that are off by a little: that is no freedom."""

    def turn(self, x, Q, back=False):
        return super().turn(x, [V + 1e-4 * V.roll(1, 0) for V in Q] if back else Q, back)


@pytest.mark.parametrize(
    ("made", "outcome"), [(TurnedVectors, Outcome.CONVENTION), (Skewed, Outcome.DEVIATES)]
)
def test_a_free_basis_is_not_coarse_arithmetic(made, outcome):
    spec = OptimizerSpec("soap", made, claims={"soap"})
    report = check_optimizer(spec, on_fail=None, checks=["def.trajectory"], quick=True)
    assert report.outcome("def.trajectory") is outcome, str(report)
