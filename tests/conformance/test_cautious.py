"""The mask of cautious optimizers beside methods other than AdamW: right ones and three faults."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments, orthogonal


class Cautious(PerParameter, caution=False):
    """Steps along ``direction``; where caution is on, not against the gradient."""

    def update(self, p, g, state, group):
        u = self.direction(p, g, state, group)
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.sub_(self.masked(u, g, group), alpha=group["lr"])

    def masked(self, u, g, group):
        if not group["caution"]:
            return u
        kept = (u * g > 0).to(u.dtype)
        return u * kept / kept.mean().clamp(min=1e-3)


class Muon(Cautious, lr=0.02, momentum=0.95, weight_decay=0.0):
    def direction(self, p, g, state, group):
        if p.ndim < 2:
            return 0.01 * g
        m = state.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - group["momentum"])
        self.seen = torch.lerp(g, m, group["momentum"])
        matrix = self.seen.flatten(1)
        factor = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        return factor * orthogonal(matrix).reshape(p.shape)


class MuonBesideItsMomentum(Muon):
    """The gradient is overwritten by the momentum before the mask compares the two."""

    def masked(self, u, g, group):
        return super().masked(u, self.seen if u.ndim > 1 else g, group)


class Adopt(Cautious, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
    def direction(self, p, g, state, group):
        state["t"] = t = state.get("t", -1) + 1
        b1, b2 = group["betas"]
        if t == 0:
            state["v"], state["m"] = g * g, torch.zeros_like(p)
            return torch.zeros_like(p)
        seen = (g / state["v"].sqrt().clamp(min=group["eps"])).clamp(-(t**0.25), t**0.25)
        state["v"] = b2 * state["v"] + (1 - b2) * g * g
        return state["m"].lerp_(seen, 1 - b1)

    def update(self, p, g, state, group):
        if "v" in state:
            super().update(p, g, state, group)
        else:
            self.direction(p, g, state, group)


class AdoptForgets(Adopt):
    """What the mask takes out of a step is out of the average too."""

    def masked(self, u, g, group):
        return u.copy_(super().masked(u, g, group))


class Nadam(Cautious, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    def direction(self, p, g, state, group):
        b1 = group["betas"][0]
        m, v, t = moments(p, g, state, group)
        now, after = (b1 * (1 - 0.5 * 0.96 ** (i * 4e-3)) for i in (t, t + 1))
        product = state["product"] = state.get("product", 1.0) * now
        _, second = corrected(m, v, t, group)
        seen = (1 - now) / (1 - product) * g + after / (1 - product * after) * m
        return seen / (second.sqrt() + group["eps"])

    def update(self, p, g, state, group):
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p
        p.sub_(self.masked(self.direction(p, g, state, group), g, group), alpha=group["lr"])


class Adan(Cautious, lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0):
    def direction(self, p, g, state, group):
        state["t"] = t = state.get("t", 0) + 1
        b1, b2, b3 = group["betas"]
        change = g - state.get("old", g)
        state["old"] = g.clone()
        ahead = g + b2 * change
        averages = []
        for name, x, beta in (("m", g, b1), ("d", change, b2), ("n", ahead * ahead, b3)):
            state[name] = beta * state.get(name, 0 * p) + (1 - beta) * x
            averages.append(state[name] / (1 - beta**t))
        m, d, n = averages
        return (m + b2 * d) / (n.sqrt() + group["eps"])

    def update(self, p, g, state, group):
        p.sub_(self.masked(self.direction(p, g, state, group), g, group), alpha=group["lr"])
        p.div_(1 + group["lr"] * group["weight_decay"])


class Lamb(Cautious, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01):
    def direction(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        return m / (v.sqrt() + group["eps"])

    def update(self, p, g, state, group):
        u = self.masked(self.direction(p, g, state, group), g, group) + group["weight_decay"] * p
        sizes = float(p.norm()), float(u.norm())
        p.sub_(u, alpha=group["lr"] * (sizes[0] / sizes[1] if min(sizes) > 0 else 1.0))


class LambAfterDecay(Lamb):
    """The mask is put on the step with the decay in it."""

    def update(self, p, g, state, group):
        u = self.direction(p, g, state, group) + group["weight_decay"] * p
        u = self.masked(u, g, group)
        sizes = float(p.norm()), float(u.norm())
        p.sub_(u, alpha=group["lr"] * (sizes[0] / sizes[1] if min(sizes) > 0 else 1.0))


def judged(factory, claim):
    spec = OptimizerSpec("cautious", factory, claims=frozenset({claim}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    return str(report.outcome("def.trajectory")), " ".join(r.message for r in report.results)


@pytest.mark.parametrize(
    ("factory", "claim"),
    [(Muon, "muon"), (Adopt, "adopt"), (Nadam, "nadam"), (Adan, "adan"), (Lamb, "lamb")],
)
def test_a_mask_by_the_gradient_is_not_accused(factory, claim):
    outcome, said = judged(factory, claim)
    assert outcome == "conforms up to a convention"
    assert "cautious scale: entries over those kept" in said


@pytest.mark.parametrize(
    ("factory", "claim", "words"),
    [
        (MuonBesideItsMomentum, "muon", "cautious mask compares with: the momentum"),
        (AdoptForgets, "adopt", "caution = True"),
        (LambAfterDecay, "lamb", "caution = True"),
    ],
)
def test_a_wrong_mask_is_seen_where_it_is_on(factory, claim, words):
    outcome, said = judged(factory, claim)
    assert outcome == "deviates"
    assert words in said
