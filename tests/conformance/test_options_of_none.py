"""Options that are off as None, and an epsilon of the vectors alone: right ones and faults."""

import math

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class Adafactor(PerParameter, lr=0.01, decay_rate=0.8, eps=1e-30, clipping_threshold=None):
    """Without a scale by the weights; nothing is clipped unless a threshold is given."""

    def update(self, p, g, state, group):
        t = state["t"] = state.get("t", 0) + 1
        weight, square = t ** -group["decay_rate"], g * g + group["eps"]
        if g.ndim < 2:
            v = state["v"] = torch.lerp(state.get("v", 0 * square), square, weight)
        else:
            rows, columns = square.mean(-1, keepdim=True), square.mean(-2, keepdim=True)
            rows = state["r"] = torch.lerp(state.get("r", 0 * rows), rows, weight)
            columns = state["c"] = torch.lerp(state.get("c", 0 * columns), columns, weight)
            v = rows / rows.mean(-2, keepdim=True) * columns
        u = g / v.sqrt()
        if group["clipping_threshold"] is not None:
            u = u / self.excess(u.square().mean().sqrt() if u.numel() else 0.0, group)
        p.sub_(u, alpha=group["lr"])

    def excess(self, rms, group):
        return max(1.0, float(rms) / group["clipping_threshold"])


class ClipsUpsideDown(Adafactor):
    def excess(self, rms, group):
        return min(1.0, float(rms) * group["clipping_threshold"])


class AdamW(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=None):
    """No decay is None; the reference's default is 0.01."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p.mul_(1 - group["lr"] * self.decay(group))
        p.addcdiv_(m, v.sqrt() + group["eps"], value=-group["lr"])

    def decay(self, group):
        return group["weight_decay"] or 0.0


class DecaysAsNone(AdamW):
    def decay(self, group):
        return 0.01 if group["weight_decay"] is None else group["weight_decay"]


class Muon(PerParameter, lr=0.02, momentum=0.95, betas=(0.9, 0.95), eps=1e-8):
    """Vectors by AdamW, whose eps is the option; that of the matrices is a constant."""

    def update(self, p, g, state, group):
        if p.ndim < 2:
            m, v = corrected(*moments(p, g, state, group), group)
            p.addcdiv_(m, v.sqrt() + self.eps(group), value=-group["lr"])
            return
        m = state.setdefault("b", torch.zeros_like(p)).lerp_(g, 1 - group["momentum"])
        seen = torch.lerp(g, m, group["momentum"]).flatten(1)
        seen = seen / (seen.norm() + 1e-7)
        factor = math.sqrt(max(1.0, seen.shape[0] / seen.shape[1]))
        p.sub_(quintic(seen).reshape(p.shape), alpha=group["lr"] * factor)

    def eps(self, group):
        return group["eps"]


class MuonWithAnEpsOfItsOwn(Muon):
    """The option does nothing: vectors have another constant."""

    def eps(self, group):
        return 1e-2


def quintic(x):
    """Return five steps of the iteration, from a matrix that is divided by its norm already."""
    if x.shape[0] > x.shape[1]:
        return quintic(x.T).T
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x - 4.775 * square @ x + 2.0315 * square @ square @ x
    return x


def judged(kind, *claims):
    spec = OptimizerSpec(kind.__name__, kind, claims=set(claims))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
    return str(report.outcome("def.trajectory")), report.results


def test_a_clip_of_none_does_not_clip():
    outcome, answers = judged(Adafactor, "adafactor")
    assert outcome == "documented variant"
    assert answers[0].convention == {"scale": "none"}


def test_a_decay_of_none_does_not_decay():
    assert judged(AdamW, "adamw")[0] == "conforms"


def test_the_eps_of_vectors_is_not_that_of_matrices():
    outcome, answers = judged(Muon, "muon", "adamw")
    assert outcome == "conforms up to a convention"
    assert len(answers) == 2


@pytest.mark.parametrize(
    ("kind", "claims", "words"),
    [
        (ClipsUpsideDown, ("adafactor",), "right up to a factor by step"),
        (DecaysAsNone, ("adamw",), "not for default options"),
        (MuonWithAnEpsOfItsOwn, ("muon", "adamw"), "Vectors and numbers alone: "),
    ],
)
def test_a_wrong_one_is_still_accused(kind, claims, words):
    outcome, answers = judged(kind, *claims)
    assert outcome == "deviates"
    assert any(words in a.message for a in answers if str(a.outcome) == "deviates")
