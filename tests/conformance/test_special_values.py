"""Special values of options, and options with two meanings: named, and judged by what they do."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import FINDINGS, Outcome
from tests.conformance.reported.per_parameter import PerParameter, orthogonal


def root(S, power):
    values, vectors = torch.linalg.eigh(S)
    return (vectors * values.clamp(min=0).pow(power)) @ vectors.T


class SumsAtOne(PerParameter, lr=0.01, beta2=0.99, epsilon=1e-3):
    """Shampoo. beta2: weight of the past; with 1 statistics are sums. Vectors: full matrix."""

    at_one = 1.0

    def update(self, p, g, s, o):
        G = g.reshape(len(g), -1) if g.ndim else g.reshape(1, 1)
        sides = (G,) if g.ndim < 2 else (G, G.T)
        keep = o["beta2"]
        share = self.at_one if keep == 1 else 1 - keep
        step = G
        for i, side in enumerate(sides):
            start = o["epsilon"] * torch.eye(len(side), dtype=side.dtype)
            S = s.setdefault(i, start).mul_(keep).add_(side @ side.T, alpha=share)
            R = root(S, -0.5 / len(sides))
            step = R @ step if i == 0 else step @ R
        p -= o["lr"] * step.reshape(p.shape)


class NothingAtOne(SumsAtOne):
    """Shampoo. beta2: weight of the past; with 1 statistics are sums. Vectors: full matrix."""

    at_one = 0.0


class OfRows(PerParameter, lr=0.02, momentum=0.95, beta2=0.95, eps=1e-8):
    """NorMuon; eps is added to the root of the rows' second moments. For matrices."""

    def update(self, p, g, s, o):
        G = g.reshape(len(g), -1)
        b = s.setdefault("b", torch.zeros_like(G)).lerp_(G, 1 - o["momentum"])
        M = orthogonal(b.lerp(G, 1 - o["momentum"]) if self.nesterov else b)
        v = s.setdefault("v", torch.zeros_like(M[:, :1]))
        v.lerp_(M.square().mean(1, keepdim=True), 1 - o["beta2"])
        N = M / (v.sqrt() + o["eps"])
        N *= 0.2 * N.numel() ** 0.5 / N.norm().clamp(min=1e-30)
        p -= o["lr"] * N.reshape(p.shape)

    nesterov = False


class RowsOfTheGradient(OfRows):
    """NorMuon; eps is added to the root of the rows' second moments. For matrices."""

    def update(self, p, g, s, o):
        G = g.reshape(len(g), -1)
        b = s.setdefault("b", torch.zeros_like(G)).lerp_(G, 1 - o["momentum"])
        v = s.setdefault("v", torch.zeros_like(G[:, :1]))
        v.lerp_(G.square().mean(1, keepdim=True), 1 - o["beta2"])
        N = orthogonal(b) / (v.sqrt() + o["eps"])
        N *= 0.2 * N.numel() ** 0.5 / N.norm().clamp(min=1e-30)
        p -= o["lr"] * N.reshape(p.shape)


class FromTwo(PerParameter, lr=0.01, min_dim_size_to_factor=2):
    """Adafactor without scaling or clipping; sides of at least min_dim_size_to_factor."""

    above = False

    def update(self, p, g, s, o):
        s["t"] = s.get("t", 0) + 1
        w, square = s["t"] ** -0.8, g * g + 1e-30
        least = sorted(p.shape)[-2] if p.ndim > 1 else 0
        whole = least <= o["min_dim_size_to_factor"] and self.above
        if p.ndim < 2 or whole or min(p.shape[-2:]) < o["min_dim_size_to_factor"]:
            v = s.setdefault("v", torch.zeros_like(p)).lerp_(square, w)
        else:
            R = square.mean(-1, keepdim=True)
            C = square.mean(-2, keepdim=True)
            R = s.setdefault("R", torch.zeros_like(R)).lerp_(R, w)
            C = s.setdefault("C", torch.zeros_like(C)).lerp_(C, w)
            v = R * C / R.mean(-2, keepdim=True)
        p -= o["lr"] * g / v.sqrt()


class Forgetful(FromTwo):
    """Adafactor without scaling or clipping; sides of at least min_dim_size_to_factor."""

    def update(self, p, g, s, o):
        s.pop("C", None)
        super().update(p, g, s, o)


class OwnUpdate(PerParameter, lr=1e-3, betas=(0.96, 0.99), rho=0.04):
    """Sophia-G; call update_hessian() every few steps."""

    used = True

    def update(self, p, g, s, o):
        m = s.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - o["betas"][0])
        h = s.setdefault("h", torch.zeros_like(p))
        p -= o["lr"] * (m / (o["rho"] * h + 1e-15)).clamp(-1, 1)

    @torch.no_grad()
    def update_hessian(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and "h" in self.state[p]:
                    share = 1 - group["betas"][1] if self.used else 0.01
                    self.state[p]["h"].lerp_(p.grad * p.grad, share)


class DeafUpdate(OwnUpdate):
    """Sophia-G; call update_hessian() every few steps."""

    used = False


class Drawn(PerParameter, lr=1e-3):
    """SGD with noise as large as the gradient."""

    def update(self, p, g, s, o):
        p -= o["lr"] * (g + torch.randn_like(g))


@pytest.mark.parametrize(
    ("made", "claim", "check", "accused"),
    [
        (SumsAtOne, "shampoo", "def.trajectory", False),
        (NothingAtOne, "shampoo", "def.trajectory", True),
        (OfRows, "normuon", "def.trajectory", False),
        (RowsOfTheGradient, "normuon", "def.trajectory", True),
        (FromTwo, "adafactor", "def.trajectory", False),
        (Forgetful, "adafactor", "def.trajectory", True),
        (OwnUpdate, "sophia", "def.trajectory", False),
        (OwnUpdate, "sophia", "api.options", False),
        (DeafUpdate, "sophia", "api.options", True),
    ],
)
def test_what_a_value_stands_for_is_judged(made, claim, check, accused):
    spec = OptimizerSpec("special", made, claims={claim})
    report = check_optimizer(spec, on_fail=None, checks=[check], quick=True)
    assert (report.outcome(check) in FINDINGS) is accused, report.text()


def test_steps_that_chance_decides_are_not_judged():
    spec = OptimizerSpec("drawn", Drawn, claims={"sgd"})
    report = check_optimizer(spec, on_fail=None, checks=["def.trajectory"], quick=True)
    assert report.outcome("def.trajectory") is Outcome.INCONCLUSIVE, report.text()
    assert "two seeds" in report.text()
