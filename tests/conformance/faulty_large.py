"""Faults of large weights, and of many of them."""

import torch

from tests.conformance.faulty_small import Adam
from tests.conformance.reported.per_parameter import PerParameter, orthogonal


class SmallBlocks(Adam):
    """Second moments above 4096 entries are rounded to 255 parts of the largest."""

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        v = state["v"]
        if v.numel() > 4096:
            state["v"] = self.rounded(v, v.max().clamp(min=1e-30))

    def rounded(self, v, top):
        return (v / top * 255).round() / 255 * top


class RoundsRoots(SmallBlocks):
    """Each to three digits."""

    def rounded(self, v, top):
        return (v.log2() * 64).round().div(64).exp2()


class EightBits(SmallBlocks):
    """Adam, large states of which are quantized to 8 bits."""


class Cautious(PerParameter, lr=0.1, cautious=False):
    """SGD with momentum. cautious: entries that go against the gradient are left out."""

    wide = True

    def __init__(self, params, lr=0.1, cautious=False):
        super().__init__(params, lr=lr, cautious=cautious)

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p)).mul_(0.9).add_(g)
        if group["cautious"]:
            agree = (m * g > 0).to(torch.float32 if self.wide else p.dtype)
            m = m * (agree * (agree.numel() / (agree.sum() + 1))).to(p.dtype)
        p.add_(m, alpha=-group["lr"])


class CountsInHalf(Cautious):
    wide = False


class NormInFloat(PerParameter, lr=0.1):
    """The gradient, divided by its norm."""

    kind = torch.float32

    def update(self, p, g, state, group):
        wide = g.float() if g.dtype == torch.float16 else g
        if self.kind == torch.float16 and p.dtype == torch.float32 and p.numel() > 16384:
            wide = wide.half()
        size = wide.square().sum().sqrt()
        p.sub_((wide / size).to(p.dtype), alpha=group["lr"])


class NormInHalf(NormInFloat):
    """In float16 where that is faster."""

    kind = torch.float16


class MuonAhead(PerParameter, lr=0.02, momentum=0.95):
    """Muon with Nesterov's mix."""

    longest = 10**9

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - group["momentum"])
        mixed = g.lerp(m, group["momentum"]) if max(p.shape) <= self.longest else m
        p.add_(orthogonal(mixed), alpha=-group["lr"])


class MuonOfLongSides(MuonAhead):
    """Without it where a side is above 512."""

    longest = 512


class StacksMany(Adam):
    """More than 64 parameters are stepped as one, with a gradient of zero where there is none."""

    def run(self, group):
        many = len(group["params"]) > 64
        for p in group["params"]:
            if p.grad is not None:
                self.update(p, p.grad, self.state[p], group)
            elif many and self.state[p]:
                self.update(p, torch.zeros_like(p), self.state[p], group)


class ChunksOfLarge(Adam):
    """Chunks of 65536 entries; the rest of a weight of more than one is left where it is."""

    def update(self, p, g, state, group):
        whole = p.numel() // 65536 * 65536
        rest = p.flatten()[whole:].clone()
        super().update(p, g, state, group)
        if whole:
            p.view(-1)[whole:] = rest


class LaunchesOf320(Adam):
    """320 parameters at once; the rest of more is left where it is."""

    def run(self, group):
        params = group["params"]
        count = len(params) if len(params) <= 320 else len(params) // 320 * 320
        super().run({**group, "params": params[:count]})


FAULTS = [
    ("api.outlier", SmallBlocks, ("adam",), "numerics"),
    ("api.frozen-of-many", StacksMany, (), "deviates"),
    ("api.pieces", ChunksOfLarge, ("adam",), "deviates"),
    ("api.many", LaunchesOf320, (), "deviates"),
    ("api.float16-norms", NormInHalf, (), "numerics"),
    ("def.long-sides", MuonOfLongSides, ("muon",), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
