"""Faults of options that are off by default, each in a drive where the default is right."""

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class Adam(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8):
    """Adam; ``rate`` and ``clipped`` may be changed."""

    def update(self, p, g, state, group):
        m, v, t = moments(p, self.clipped(g, group), state, group)
        m, v = corrected(m, self.second(v, state, group), t, group)
        p.sub_(m / (v.sqrt() + group["eps"]) * self.rate(t, group))

    def rate(self, t, group):
        return group["lr"]

    def clipped(self, g, group):
        return g

    def second(self, v, state, group):
        return v


class Largest(Adam, amsgrad=False):
    def run(self, group):
        held = [self.state[p] for p in group["params"] if p.grad is not None]
        if self.each or not any("m" in state for state in held):
            for p in group["params"] if group["amsgrad"] else ():
                if p.grad is not None:
                    self.state[p].setdefault("largest", torch.zeros_like(p))
        super().run(group)

    each = True

    def second(self, v, state, group):
        if not group["amsgrad"]:
            return v
        return torch.maximum(state["largest"], v, out=state["largest"])


class LargestOfTheFirst(Largest):
    each = False


class LooksAhead(Adam, lookahead_k=0):
    """Slow weights; ``at_once``: they are made for the parameters of the constructor."""

    at_once = False

    def __init__(self, params, **options):
        super().__init__(params, **options)
        held = [p for group in self.param_groups for p in group["params"]]
        self.slow = {p: p.detach().clone() for p in held} if self.at_once else {}

    def update(self, p, g, state, group):
        k = group["lookahead_k"]
        if k and not self.at_once and "slow" not in state:
            state["slow"] = p.clone()
        super().update(p, g, state, group)
        if k and state["t"] % k == 0:
            slow = self.slow[p] if self.at_once else state["slow"]
            p.copy_(slow.lerp_(p, 0.5))


class LooksAheadAtOnce(LooksAhead):
    at_once = True

    def state_dict(self):
        return {**super().state_dict(), "slow": list(self.slow.values())}

    def load_state_dict(self, state_dict):
        held = dict(state_dict)
        for own, slow in zip(self.slow.values(), held.pop("slow"), strict=False):
            own.copy_(slow)
        super().load_state_dict(held)


class ByLargest(Adam, clip_max=0.0):
    """Gradients whose largest entry is above clip_max are scaled down to it."""

    def clipped(self, g, group):
        if not group["clip_max"] or not self.any(g):
            return g
        return g * (group["clip_max"] / g.abs().max()).clamp(max=1.0)

    def any(self, g):
        return g.numel()


class ByLargestOfNone(ByLargest):
    def any(self, g):
        return True


class ByUnit(Adam, unit_clip=0.0):
    """The gradient of each unit is clipped to this norm."""

    def clipped(self, g, group):
        if not group["unit_clip"] or g.ndim < 2 or not g.numel():
            return g
        norms = self.flat(g).norm(dim=1).reshape(-1, *[1] * (g.ndim - 1))
        return g * (group["unit_clip"] / norms).clamp(max=1.0)

    def flat(self, g):
        return g.reshape(len(g), -1)


class ByUnitViewed(ByUnit):
    def flat(self, g):
        return g.view(len(g), -1)


class Warms(Adam, warmup_steps=0):
    def rate(self, t, group):
        k, rate = group["warmup_steps"], group["lr"]
        return self.times(rate, min(1.0, t / k)) if k else rate

    def times(self, rate, share):
        return rate * share


class WarmsInPlace(Warms):
    def times(self, rate, share):
        rate *= share
        return rate


class ByNorm(Adam, max_grad_norm=0.0):
    """All gradients together are clipped to this norm."""

    kept = False

    def run(self, group):
        held = {p: float(p.grad.norm()) for p in group["params"] if p.grad is not None}
        norms = {**self.__dict__.setdefault("norms", {}), **held} if self.kept else held
        self.norms = norms
        norm = sum(n * n for n in norms.values()) ** 0.5
        bound = group["max_grad_norm"]
        self.share = min(1.0, bound / norm) if bound and norm else 1.0
        super().run(group)

    def clipped(self, g, group):
        return g * self.share


class ByNormsOnceSeen(ByNorm):
    kept = True


class Averages(Adam, ema_decay=0.0):
    """An average of the weights in the state, without its start-up bias."""

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        share = group["ema_decay"]
        if share:
            group["count"] = max(group.get("count", 0), state["t"])
            raw = state.setdefault("raw", torch.zeros_like(p)).lerp_(p, 1 - share)
            state["ema"] = raw / (1 - share ** self.count(state, group))

    def count(self, state, group):
        return state["t"]


class AveragesByGroup(Averages):
    def count(self, state, group):
        return group["count"]


class ByValue(Adam, clip_value=0.0, maximize=False):
    """Entries of the gradient are clipped to -clip_value .. clip_value."""

    least = -1.0

    def clipped(self, g, group):
        bound, up = group["clip_value"], group["maximize"]
        g = -g if up else g
        if not bound:
            return g
        return g.clamp(self.least * bound if up else -bound, bound)


class ByValueOnOneSide(ByValue):
    least = -torch.inf


class Roots(Adam, root_every=0):
    """In every k-th step the root of the gradient is used."""

    def update(self, p, g, state, group):
        k = group["root_every"]
        if k and (state.get("t", 0) + 1) % k == 0:
            g = self.copied(g).copy_(g.sign() * g.abs().sqrt())
        super().update(p, g, state, group)

    def copied(self, g):
        return g.clone()


class RootsInPlace(Roots):
    def copied(self, g):
        return g


ELSEWHERE = "api.options-elsewhere"
PAIRS = [
    (ELSEWHERE, Largest, LargestOfTheFirst, "limit", "3 steps late raises KeyError"),
    (ELSEWHERE, LooksAhead, LooksAheadAtOnce, "limit", "group is added after 3 steps raises"),
    (ELSEWHERE, ByLargest, ByLargestOfNone, "limit", "without entries, with clip_max=0.5, raises"),
    (ELSEWHERE, ByUnit, ByUnitViewed, "limit", "channels_last, with unit_clip=0.5, raises"),
    (ELSEWHERE, Warms, WarmsInPlace, "limit", "lr in a tensor, with warmup_steps=5, ends"),
    (ELSEWHERE, ByNorm, ByNormsOnceSeen, "deviates", "has no gradient any more"),
    (ELSEWHERE, Averages, AveragesByGroup, "limit", "an average of the weights"),
    (ELSEWHERE, ByValue, ByValueOnOneSide, "deviates", "negated gradients with maximize=True"),
    (ELSEWHERE, Roots, RootsInPlace, "limit", "change of p.grad"),
]
"""(check, right, wrong, outcome, words)."""
FAULTS = [(check, wrong, (), outcome) for check, _, wrong, outcome, _ in PAIRS]
"""(check, optimizer, claims, outcome)."""
