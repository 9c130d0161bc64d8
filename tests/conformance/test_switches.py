"""Options of released methods beyond their papers, and faults whose kind has a name."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


def judged(factory, claim, check="def.trajectory"):
    spec = OptimizerSpec("s", factory, claims=frozenset({claim}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    return str(report.outcome(check)), " ".join(r.message for r in report.results)


class CautiousAdamW(
    PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, caution=False
):
    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        u = m / (v.sqrt() + group["eps"])
        if group["caution"]:
            kept = self.keeps(u, g).to(u.dtype)
            u = u * kept * self.scale(kept)
        p.mul_(1 - group["lr"] * group["weight_decay"]).sub_(u, alpha=group["lr"])

    def keeps(self, u, g):
        return u * g > 0

    def scale(self, kept):
        return kept.numel() / (kept.sum() + 1)


class CautiousByMean(CautiousAdamW):
    def scale(self, kept):
        return 1 / kept.mean().clamp(min=1e-3)


class CautiousInverted(CautiousAdamW):
    def keeps(self, u, g):
        return u * g < 0


class CautiousTwice(CautiousAdamW):
    def scale(self, kept):
        return kept.mean()


class Lion(PerParameter, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    late = False

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p))
        b1, b2 = group["betas"]
        if self.late:
            m.lerp_(g, 1 - b2)
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.sub_((b1 * m + (1 - b1) * g).sign(), alpha=group["lr"])
        if not self.late:
            m.lerp_(g, 1 - b2)


class LionUpdatedFirst(Lion):
    late = True


class Adan(
    PerParameter, lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0, no_prox=False
):
    def update(self, p, g, state, group):
        state["t"] = t = state.get("t", 0) + 1
        b1, b2, b3 = group["betas"]
        change = g - state.get("old", g)
        state["old"] = g.clone()
        seen = {"m": (g, b1), "d": (change, b2), "n": ((g + b2 * change) ** 2, b3)}
        for name, (x, beta) in seen.items():
            state[name] = beta * state.get(name, 0 * p) + (1 - beta) * x
        m, d, n = (state[k] / (1 - beta**t) for k, (_, beta) in seen.items())
        u = (m + b2 * d) / (n.sqrt() + group["eps"])
        if group["no_prox"]:
            p.mul_(1 - self.rate(group) * group["weight_decay"]).sub_(u, alpha=group["lr"])
        else:
            p.sub_(u, alpha=group["lr"]).div_(1 + group["lr"] * group["weight_decay"])

    def rate(self, group):
        return group["lr"]


class AdanWithoutRate(Adan):
    def rate(self, group):
        return 1.0


class AdaBelief(
    PerParameter,
    lr=1e-3,
    betas=(0.9, 0.999),
    eps=1e-16,
    weight_decay=0.0,
    weight_decouple=True,
    amsgrad=False,
):
    def update(self, p, g, state, group):
        state["t"] = t = state.get("t", 0) + 1
        b1, b2 = group["betas"]
        if not group["weight_decouple"]:
            g = self.joined(g, group["weight_decay"] * p)
        else:
            p.mul_(1 - group["lr"] * group["weight_decay"])
        m = state["m"] = b1 * state.get("m", 0 * p) + (1 - b1) * g
        s = state["s"] = b2 * state.get("s", 0 * p) + (1 - b2) * (g - m) ** 2 + group["eps"]
        if group["amsgrad"]:
            s = torch.maximum(state.get("top", s), s)
            self.keep(s, state)
        p.sub_(group["lr"] * m / (1 - b1**t) / ((s / (1 - b2**t)).sqrt() + group["eps"]))

    def joined(self, g, decay):
        return g + decay

    def keep(self, s, state):
        state["top"] = s


class AdaBeliefForgetsTop(AdaBelief):
    def keep(self, s, state):
        state.setdefault("top", s)


class AdaBeliefJoins(AdaBelief):
    def joined(self, g, decay):
        return g.add_(decay)


class Adafactor(PerParameter, lr=1e-2, eps=1e-30, clip_threshold=1.0, decay_rate=-0.8, beta1=0.0):
    share = True

    def update(self, p, g, state, group):
        state["t"] = t = state.get("t", 0) + 1
        beta = 1 - t ** group["decay_rate"]
        square = g * g + group["eps"]

        def kept(name, x):
            state[name] = beta * state.get(name, 0 * x) + (1 - beta) * x
            return state[name]

        if p.ndim < 2:
            v = kept("v", square)
        else:
            rows = kept("rows", square.mean(-1, keepdim=True))
            columns = kept("columns", square.mean(-2, keepdim=True))
            v = rows / rows.mean(-2, keepdim=True) * columns
        u = g / v.sqrt()
        u = u / max(1.0, float(u.square().mean().sqrt()) / group["clip_threshold"])
        if group["beta1"]:
            new = (1 - group["beta1"] if self.share else 1.0) * u
            u = state["m"] = group["beta1"] * state.get("m", 0 * p) + new
        p.sub_(u, alpha=group["lr"])


class AdafactorSums(Adafactor):
    share = False


RIGHT = [
    (CautiousAdamW, "adamw", "conforms"),
    (CautiousByMean, "adamw", "conforms up to a convention"),
    (Lion, "lion", "conforms"),
    (Adan, "adan", "conforms"),
    (AdaBelief, "adabelief", "conforms"),
    (Adafactor, "adafactor", "documented variant"),
]
WRONG = [
    (CautiousInverted, "adamw", "cautious mask keeps: steps against the gradient"),
    (CautiousTwice, "adamw", "caution = True"),
    (LionUpdatedFirst, "lion", "momentum: updated, then used"),
    (AdanWithoutRate, "adan", "no_prox = True"),
    (AdaBeliefForgetsTop, "adabelief", "amsgrad = True"),
    (AdafactorSums, "adafactor", "momentum: a sum of updates before their rate"),
]


@pytest.mark.parametrize(("factory", "claim", "outcome"), RIGHT)
def test_right_switches_are_not_accused(factory, claim, outcome):
    assert judged(factory, claim)[0] == outcome


@pytest.mark.parametrize(("factory", "claim", "words"), WRONG)
def test_the_message_names_the_fault(factory, claim, words):
    outcome, said = judged(factory, claim)
    assert outcome == "deviates"
    assert words in said


def test_decay_that_is_joined_to_the_gradient_in_place_is_seen():
    assert judged(AdaBeliefJoins, "adabelief", "api.grads-kept")[0] == "limit"
    assert judged(AdaBelief, "adabelief", "api.grads-kept")[0] == "conforms"
