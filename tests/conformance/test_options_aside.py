"""Options that show nothing where readings are fitted: each is compared in a setting of its own."""

import math

import pytest
import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments
from tests.conformance.twin_answers import judged

CHECK = "def.trajectory"


class Lamb(PerParameter):
    """LAMB. trust_clip: trust ratios are at most 1."""

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, trust_clip=False
    ):
        more = {"betas": betas, "eps": eps, "weight_decay": weight_decay, "trust_clip": trust_clip}
        super().__init__(params, lr=lr, **more)

    def update(self, p, g, s, o):
        m, v = corrected(*moments(p, g, s, o), o)
        u = m / (v.sqrt() + o["eps"]) + o["weight_decay"] * p
        trust = p.norm() / u.norm() if p.norm() > 0 and u.norm() > 0 else 1.0
        p -= o["lr"] * (self.clipped(trust) if o["trust_clip"] else trust) * u

    def clipped(self, trust):
        return min(trust, 1.0)


class LambAtLeast(Lamb):
    def clipped(self, trust):
        return max(trust, 1.0)


class LambIgnores(Lamb):
    def clipped(self, trust):
        return trust


class Lars(
    PerParameter, lr=0.1, momentum=0.9, weight_decay=0.01, trust_coefficient=1e-3, trust_clip=False
):
    """LARS. trust_clip: the rate of a layer is at most lr."""

    def update(self, p, g, s, o):
        size = g.norm() + o["weight_decay"] * p.norm()
        trust = o["trust_coefficient"] * p.norm() / size if p.norm() > 0 and g.norm() > 0 else 1.0
        if o["trust_clip"] and p.norm() > 0 and g.norm() > 0:
            trust = self.clipped(trust, o["lr"])
        s["v"] = o["momentum"] * s.get("v", 0.0) + trust * (g + o["weight_decay"] * p)
        p -= o["lr"] * s["v"]

    def clipped(self, trust, lr):
        return min(trust, lr) / lr


class LarsWithoutRate(Lars):
    def clipped(self, trust, lr):
        return min(trust, 1.0) / lr


class Adafactor(PerParameter):
    """Adafactor. min_dim_size_to_factor: least side of the matrices that are factored."""

    def __init__(
        self, params, lr=0.01, decay_rate=0.8, clip_threshold=1.0, min_dim_size_to_factor=128
    ):
        more = {"clip_threshold": clip_threshold, "min_dim_size_to_factor": min_dim_size_to_factor}
        super().__init__(params, lr=lr, decay_rate=decay_rate, **more)

    def update(self, p, g, s, o):
        s["t"] = s.get("t", 0) + 1
        new, square = s["t"] ** -o["decay_rate"], g * g + 1e-30
        if p.ndim > 1 and self.large(min(p.shape[-2:]), o["min_dim_size_to_factor"]):
            rows, columns = square.mean(-1, keepdim=True), square.mean(-2, keepdim=True)
            rows = s.setdefault("rows", rows.clone()).lerp_(rows, new)
            columns = s.setdefault("columns", columns.clone()).lerp_(columns, new)
            v = rows * columns / self.mean_of(rows)
        else:
            v = s.setdefault("v", square.clone()).lerp_(square, new)
        u = g / v.sqrt()
        u /= (u.pow(2).mean().sqrt() / o["clip_threshold"]).clamp(min=1.0)
        p -= o["lr"] * max(1e-3, float(p.square().mean().sqrt())) * u

    def large(self, side, least):
        return side >= least

    def mean_of(self, rows):
        return rows.mean(-2, keepdim=True)


class AboveAlone(Adafactor):
    """Adafactor. min_dim_size_to_factor: matrices of larger sides are factored."""

    def large(self, side, least):
        return side > least


class FactoredWithoutMean(Adafactor):
    def mean_of(self, rows):
        return 1.0


class NeverFactored(Adafactor):
    def large(self, side, least):
        return False


class Soap(PerParameter):
    """SOAP with eigenvectors; the first gradient only fills the statistics."""

    def __init__(self, params, lr=3e-3, betas=(0.95, 0.95), eps=1e-8, precondition_1d=False):
        super().__init__(params, lr=lr, betas=betas, eps=eps, precondition_1d=precondition_1d)

    def update(self, p, g, s, o):
        b1, b2 = o["betas"]
        turned = range(p.ndim if p.ndim > 1 or o["precondition_1d"] else 0)
        if "t" in s:
            t = s["t"] = s["t"] + 1
            G = self.turn(g, s, turned)
            s["m"].lerp_(g, 1 - b1)
            s["v"].lerp_(G * G, 1 - b2)
            u = self.turn(s["m"], s, turned) / (s["v"].sqrt() + o["eps"])
            u = self.turn(u, s, turned, back=True)
            p -= o["lr"] * (1 - b2**t) ** 0.5 / (1 - b1**t) * u
        else:
            s.update(t=0, m=torch.zeros_like(g), v=torch.zeros_like(g))
        for axis in turned:
            flat = g.movedim(axis, 0).reshape(g.shape[axis], -1)
            old = s.get(axis, 0.0)
            s[axis] = b2 * old + (1 - b2) * flat @ flat.T
            s["Q", axis] = torch.linalg.eigh(s[axis]).eigenvectors

    def turn(self, x, s, axes, back=False):
        for axis in axes:
            Q = s["Q", axis] if back else s["Q", axis].T
            x = torch.tensordot(Q, x, dims=([1], [axis])).movedim(0, axis)
        return x


class VectorsNotTurnedBack(Soap):
    def turn(self, x, s, axes, back=False):
        return x if back and x.ndim < 2 else super().turn(x, s, axes, back)


class Prodigy(torch.optim.Optimizer):
    """Prodigy. growth_rate: what the estimate grows by at most in a step."""

    def __init__(self, params, lr=1.0, betas=(0.9, 0.999), eps=1e-8, d0=1e-6, growth_rate=math.inf):
        options = {"lr": lr, "betas": betas, "eps": eps, "d0": d0, "growth_rate": growth_rate}
        super().__init__(params, {**options, "d": d0, "d_max": d0, "top": 0.0})

    @torch.no_grad()
    def step(self, closure=None):
        (o,) = self.param_groups
        (b1, b2), d, lr, bottom = o["betas"], o["d"], o["lr"], 0.0
        o["top"] *= b2**0.5
        seen = [p for p in o["params"] if p.grad is not None]
        for p in seen:
            s, g = self.state[p], p.grad
            if not s:
                s.update(start=p.clone(), **{n: torch.zeros_like(p) for n in "smv"})
            o["top"] += d / o["d0"] * d * lr * float((g * (s["start"] - p)).sum())
            s["m"].mul_(b1).add_(g, alpha=d * (1 - b1))
            s["v"].mul_(b2).add_(g * g, alpha=d * d * (1 - b2))
            s["s"].mul_(b2**0.5).add_(g, alpha=d / o["d0"] * d * lr)
            bottom += float(s["s"].abs().sum())
        if not bottom:
            return
        estimate = o["top"] / bottom
        first = max(d, estimate) if d == o["d0"] else d
        o["d_max"] = max(o["d_max"], estimate)
        o["d"] = min(o["d_max"], self.most(first, o))
        for p in seen:
            s = self.state[p]
            p -= d * lr * s["m"] / (s["v"].sqrt() + d * o["eps"])

    def most(self, first, o):
        return first * o["growth_rate"]


class GrowsFromFirst(Prodigy):
    def most(self, first, o):
        return o["d0"] * o["growth_rate"]


@pytest.mark.parametrize(
    ("right", "wrong", "claim", "outcome", "words"),
    [
        (Lamb, LambAtLeast, "lamb", "deviates", "not for trust_clip = True"),
        (Lamb, LambIgnores, "lamb", "limit", "the option trust_clip is taken and changes nothing"),
        (Lars, LarsWithoutRate, "lars", "deviates", "not for trust_clip = True"),
        (
            Adafactor,
            FactoredWithoutMean,
            "adafactor",
            "deviates",
            "not for min_dim_size_to_factor = 2",
        ),
        (AboveAlone, NeverFactored, "adafactor", "limit", "is taken and changes nothing"),
        (Soap, VectorsNotTurnedBack, "soap", "deviates", "not for precondition_1d = True"),
        (Prodigy, GrowsFromFirst, "prodigy", "deviates", "not for growth_rate = 1.05"),
    ],
)
def test_an_option_off_by_default_is_compared(right, wrong, claim, outcome, words):
    assert judged(right, CHECK, {claim})[0].startswith("conforms")
    answer, said, results = judged(wrong, CHECK, {claim})
    assert (answer, words in said) == (outcome, True), said
    assert all(r.snippet for r in results if str(r.outcome) == outcome)


class Threshold(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, min_dim_size=128):
    """Adam that takes another way for weights of large sides."""

    def update(self, p, g, s, o):
        m, v = corrected(*moments(p, g, s, o), o)
        large = p.ndim > 1 and min(p.shape) >= o["min_dim_size"]
        p -= o["lr"] * self.of_large(m / (v.sqrt() + o["eps"]), large)

    def of_large(self, step, large):
        return step.sign() if large else step


class SameThere(Threshold):
    def of_large(self, step, large):
        return step


@pytest.mark.parametrize(("kind", "told"), [(Threshold, True), (SameThere, False)])
def test_what_is_beyond_a_threshold_that_is_not_known_is_said_not_to_be_judged(kind, told):
    answer, said, _ = judged(kind, CHECK, {"adam"})
    assert answer == "conforms"
    assert ("weights beyond min_dim_size=128 are not judged here" in said) is told
