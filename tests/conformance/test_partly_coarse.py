"""A method of which one part is computed in float32 is no deviation, where that part decides."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class CoarseBases(PerParameter, lr=3e-3, betas=(0.95, 0.95), shampoo_beta=0.9, eps=1e-8):
    """SOAP whose QR factors alone are computed in float32; vectors and kernels as by Adam."""

    def update(self, p, g, s, o):
        moments = (g @ g.T, g.T @ g) if p.ndim == 2 else ()
        if "S" not in s:  # the first step only looks
            s["S"] = [(1 - o["shampoo_beta"]) * M for M in moments]
            s["Q"] = [torch.linalg.eigh(S).eigenvectors.flip(1) for S in s["S"]]
            s.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
            return
        (b1, b2), t = o["betas"], s["t"] + 1
        s["t"] = t
        U, V = s["Q"] or (torch.ones(()),) * 2
        turn = lambda x: U.T @ x @ V if moments else x  # noqa: E731
        s["m"].lerp_(g, 1 - b1)
        s["v"].lerp_(turn(g).square(), 1 - b2)
        u = turn(s["m"]) / (1 - b1**t) / ((s["v"] / (1 - b2**t)).sqrt() + o["eps"])
        p -= o["lr"] * (U @ u @ V.T if moments else u)
        for i, M in enumerate(moments):
            s["S"][i].lerp_(M, 1 - o["shampoo_beta"])
            ahead = s["S"][i] @ s["Q"][i]
            order = (s["Q"][i] * ahead).sum(0).argsort(descending=True)
            s["v"] = s["v"].index_select(i, order)
            s["Q"][i] = self.orthogonal(ahead[:, order])

    def orthogonal(self, ahead):
        return torch.linalg.qr(ahead.to(torch.float32)).Q.to(ahead.dtype)


class LooseBases(CoarseBases):
    """All of it is in float64, and its bases are off by a little."""

    def orthogonal(self, ahead):
        Q = torch.linalg.qr(ahead).Q
        return Q + 3e-5 * Q.roll(1, 0)


@pytest.mark.parametrize(
    ("made", "outcome"),
    [(CoarseBases, Outcome.NUMERICS), (LooseBases, Outcome.DEVIATES)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_only_coarse_arithmetic_is_numerics(made, outcome):
    spec = OptimizerSpec("soap", made, claims={"soap"})
    report = check_optimizer(spec, on_fail=None, checks=["def.trajectory"], quick=True)
    assert report.outcome("def.trajectory") is outcome, str(report)
