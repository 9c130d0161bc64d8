"""Faults that show only where parameters, options or drives come together.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class InOneLaunch(PerParameter, lr=0.1, foreach=False):
    """SGD that collects the parameters of a group and steps them at once."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            held = [p for p in group["params"] if p.grad is not None]
            for p in self.launched(held, group):
                p.sub_(p.grad, alpha=group["lr"])
        return loss

    def launched(self, held, group):
        return held


class EndsWithEntries(InOneLaunch):
    """The launch comes with the last parameter, if that has entries."""

    def launched(self, held, group):
        return held if held and held[-1].numel() else []


class EndsWithEntriesOfForeach(InOneLaunch):
    """The same with foreach alone."""

    def launched(self, held, group):
        return held if not group["foreach"] or (held and held[-1].numel()) else []


class LosesOneOnTheBorder(InOneLaunch):
    """Launches of 30: the one after each of them is lost."""

    def launched(self, held, group):
        return [p for i, p in enumerate(held) if i % 31 < 30]


class DecaysAll(PerParameter, lr=0.1, weight_decay=0.0):
    def update(self, p, g, state, group):
        p.mul_(self.factors(p, group["lr"] * group["weight_decay"])).sub_(g, alpha=group["lr"])

    def factors(self, p, share):
        return torch.full_like(p, 1 - share)


class LeavesTheRest(DecaysAll):
    """What is left of a large weight beside whole vectors of 64 is not decayed."""

    def factors(self, p, share):
        factors = super().factors(p, share)
        if p.numel() >= 4096:
            factors.view(-1)[p.numel() // 64 * 64 :] = 1.0
        return factors


class RoundsLargeWeights(DecaysAll):
    """Large weights are decayed by factors that are kept in bfloat16, as it may well be."""

    def factors(self, p, share):
        factors = super().factors(p, share)
        return factors.bfloat16().to(p) if p.numel() >= 4096 else factors


class DecaysByShape(DecaysAll):
    """Weights of which few entries agree with their gradients in sign are not decayed."""

    def update(self, p, g, state, group):
        share = group["weight_decay"] if (p * g > 0).float().mean() > 0.5 else 0.0
        p.mul_(self.factors(p, group["lr"] * share)).sub_(g, alpha=group["lr"])


class DrawsEntries(DecaysAll):
    """Few entries of a large weight, drawn by chance, are not decayed."""

    def factors(self, p, share):
        kept = torch.rand(p.shape) < 0.01
        return super().factors(p, share).masked_fill(kept, 1.0)


class ClipsEachGroup(PerParameter, lr=0.1, max_norm=0.0):
    """SGD; max_norm bounds the length of gradients."""

    @torch.no_grad()
    def step(self, closure=None):
        self.factors = [self.factor(group) for group in self.param_groups]
        return super().step(closure)

    def factor(self, group):
        held = [p.grad for g in self.over(group) for p in g["params"] if p.grad is not None]
        length = float(torch.stack([g.norm() for g in held]).norm()) if held else 0.0
        return min(1.0, group["max_norm"] / length) if group["max_norm"] and length else 1.0

    def over(self, group):
        return [group]

    def update(self, p, g, state, group):
        index = next(i for i, each in enumerate(self.param_groups) if each is group)
        p.sub_(g, alpha=group["lr"] * self.factors[index])


class ClipsTogether(ClipsEachGroup):
    """SGD; max_norm bounds the norm of all gradients together, over all groups."""

    def over(self, group):
        return self.param_groups


class ForgetsOtherGroups(ClipsTogether):
    """The length begins anew in the next one."""

    def over(self, group):
        return [group]


class FirstGroupClips(ClipsEachGroup):
    """The length of the first group's gradients is taken for the others."""

    def over(self, group):
        return self.param_groups[:1]


class SharesSteps(PerParameter, lr=0.1, sharing=False):
    """sharing: entries that go on as before; their step is divided by their share."""

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p)).lerp_(g, 0.1)
        mask = (m * g > 0).to(g) if group["sharing"] else torch.ones_like(g)
        p.sub_(m * mask / self.share(mask), alpha=group["lr"])

    def share(self, mask):
        return mask.mean().clamp(min=1e-3)


class SharesNothing(SharesSteps):
    """A share of 0 divides."""

    def share(self, mask):
        return mask.mean()


class CentredAboveZero(PerParameter, lr=0.01, alpha=0.99, eps=1e-8, centred=False):
    def update(self, p, g, state, group):
        mean = state.setdefault("mean", torch.zeros_like(p)).lerp_(g, 1 - group["alpha"])
        square = state.setdefault("square", torch.zeros_like(p))
        square.mul_(group["alpha"]).addcmul_(g, g, value=1 - group["alpha"])
        v = self.above(square - mean * mean) if group["centred"] else square
        p.sub_(g / (v.sqrt() + group["eps"]), alpha=group["lr"])

    def above(self, v):
        return v.clamp(min=0.0)


class CentredBelowZero(CentredAboveZero):
    """A variance that is rounded below zero."""

    def above(self, v):
        return v


class AsPairs(PerParameter, lr=0.01, betas=(0.9, 0.99), eps=1e-8, foreach=False, largest=False):
    """Adam that takes complex weights as pairs of real ones."""

    def update(self, p, g, state, group):
        paired = torch.is_complex(p) and self.split(group)
        if paired:
            p, g = torch.view_as_real(p), torch.view_as_real(g)
        m, v = corrected(*moments(p, g, state, group), group)
        if group["largest"]:
            top = state.setdefault("top", torch.zeros_like(v))
            v = top.copy_(self.larger(top, v, paired))
        p.sub_(m / (v.sqrt() + group["eps"]), alpha=group["lr"])

    def split(self, group):
        return True

    def larger(self, top, v, paired):
        return torch.maximum(top, v)


class PairsInTheLoop(AsPairs):
    """Not with foreach."""

    def split(self, group):
        return not group["foreach"]


class LargestOfReals(AsPairs):
    """With complex weights the largest average is that of the real parts."""

    def larger(self, top, v, paired):
        return torch.maximum(top, v[..., :1] if paired else v)


class RateAsItIs(PerParameter, lr=0.1, foreach=False):
    def update(self, p, g, state, group):
        p.sub_(self.rate(group) * g)

    def rate(self, group):
        return group["lr"]


class RateFallsInPlace(RateAsItIs):
    """With foreach a rate in a tensor is halved each time."""

    def rate(self, group):
        if group["foreach"] and isinstance(group["lr"], torch.Tensor):
            group["lr"].mul_(0.5)
        return group["lr"]


class UphillBySparse(PerParameter, lr=0.1, maximize=False):
    def update(self, p, g, state, group):
        p.add_(g, alpha=group["lr"] if self.up(g, group) else -group["lr"])

    def up(self, g, group):
        return group["maximize"]


class DownhillBySparse(UphillBySparse):
    """Maximizes by dense gradients, with rows it goes down."""

    def up(self, g, group):
        return group["maximize"] and not g.is_sparse


class LooksAhead(PerParameter, lr=0.1, momentum=0.9, nesterov=False):
    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.first = len(self.param_groups)

    def update(self, p, g, state, group):
        buffer = state.setdefault("buffer", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        ahead = group["nesterov"] and self.taken(group)
        p.sub_(g + group["momentum"] * buffer if ahead else buffer, alpha=group["lr"])

    def taken(self, group):
        return True


class FirstGroupsLookAhead(LooksAhead):
    """Not in a group that is added later."""

    def taken(self, group):
        return any(each is group for each in self.param_groups[: self.first])


FAULTS = [
    ("api.many", LosesOneOnTheBorder, (), "deviates"),
    ("api.pieces", LeavesTheRest, ("sgd",), "deviates"),
    ("api.split-groups", ForgetsOtherGroups, (), "limit"),
    ("api.finite-switches", SharesNothing, (), "deviates"),
    ("api.steady", CentredBelowZero, (), "numerics"),
    ("api.shapes", EndsWithEntries, (), "deviates"),
    ("api.add-group", FirstGroupsLookAhead, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
