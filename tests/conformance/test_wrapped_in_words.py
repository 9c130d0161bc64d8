"""Wrapping options that do otherwise, and say so: none of them is accused."""

import pytest
import torch

from tests.conformance import faulty_wrapped as faulty
from tests.conformance.faulty_scheduled import Scaled
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.twin_answers import judged


class SetsInLate(faulty.AverageIsTheWeights):
    """Gradient descent; ema_decay: an average of the weights sets in at step 100."""

    def begin(self, p):
        return p.detach().clone()

    def share(self, p, group):
        return 1.0


class LessOfVectorsTold(faulty.LessOfVectors):
    """Gradient descent; ema_decay: the state holds an average of the weights, at another pace for
    vectors."""


class InTheirFormat(faulty.CoarseAverage):
    """Gradient descent; ema_decay: an average of the weights in their format, not in float32."""


class ByFormula(faulty.DecaysTheNew):
    """Gradient descent; ema_decay: ema <- (1 - ema_decay) ema + ema_decay * p, of the weights."""


class Centred(PerParameter):
    """Gradient descent; use_gc: the mean over all axes but the last, for (in, out) weights."""

    def __init__(self, params, lr=0.05, use_gc=False):
        super().__init__(params, lr=lr, use_gc=use_gc)

    def update(self, p, g, state, group):
        axes = tuple(range(g.ndim - 1))
        p -= group["lr"] * (g - g.mean(axes, keepdim=True) if group["use_gc"] and axes else g)


class Halves(Scaled):
    """Gradient descent; lr_scale: after every step the rate is multiplied by it."""

    def run(self, group):
        super().run({**group, "lr_scale": 1.0})
        group["lr"] *= group["lr_scale"]


class FoldsOnce(Scaled):
    """Gradient descent; lr_scale: folded into the rate when it is first needed."""

    def run(self, group):
        if not group.get("folded"):
            group["lr"], group["folded"] = group["lr"] * group["lr_scale"], True
        super().run({**group, "lr_scale": 1.0})


class GathersFirst(PerParameter):
    """Gradient descent; warmup_steps: so long the moments alone are gathered."""

    def __init__(self, params, lr=0.05, warmup_steps=0):
        super().__init__(params, lr=lr, warmup_steps=warmup_steps)

    def update(self, p, g, state, group):
        t = state["t"] = state.get("t", 0) + 1
        state.setdefault("m", torch.zeros_like(p)).lerp_(g, 0.1)
        if t > group["warmup_steps"]:
            p -= group["lr"] * state["m"]


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (SetsInLate, "api.averages"),
        (LessOfVectorsTold, "api.averages"),
        (InTheirFormat, "api.averages"),
        (ByFormula, "api.averages"),
        (Centred, "api.centralized"),
        (Halves, "api.lr-read"),
        (FoldsOnce, "api.lr-read"),
        (GathersFirst, "api.own-warm-up"),
    ],
)
def test_what_is_told_otherwise_is_not_accused(kind, check):
    outcome, said, _ = judged(kind, check)
    assert outcome not in ("deviates", "limit", "numerics"), said
