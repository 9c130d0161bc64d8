"""Options that wrap a method in another and do not do what these are.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.reported.per_parameter import PerParameter


class Centres(PerParameter, lr=0.05, use_gc=False):
    """Gradient descent; use_gc: the mean of each output unit is taken off gradients."""

    def axes(self, g):
        return tuple(range(1, g.ndim))

    def update(self, p, g, state, group):
        axes = self.axes(g)
        p.sub_(g - g.mean(axes, True) if group["use_gc"] and axes else g, alpha=group["lr"])


class CentresVectors(Centres):
    def axes(self, g):
        return super().axes(g) or (0,)


class CentresInputs(Centres):
    def axes(self, g):
        return (0,) if g.ndim == 2 else super().axes(g)


class AlwaysCentres(Centres):
    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.use_gc = (self.defaults["use_gc"],)

    def update(self, p, g, state, group):
        super().update(p, g, state, {**group, "use_gc": self.use_gc})


class SaysVectors(CentresVectors):
    """Gradient descent; use_gc: the mean is taken off all gradients, biases too."""


class Amplifies(PerParameter, lr=0.01, grokfast_lamb=0.0, grokfast_alpha=0.98):
    """Gradient descent; grokfast_lamb: how much of the average of gradients is added."""

    fed_back = False

    def update(self, p, g, state, group):
        if lamb := group["grokfast_lamb"]:
            slow, share = state.setdefault("slow", g.clone()), 1 - group["grokfast_alpha"]
            slow.lerp_(g, 0.0 if self.fed_back else share)
            g = g + lamb * slow
            slow.lerp_(g, share if self.fed_back else 0.0)
        p.sub_(g, alpha=group["lr"])


class FedBack(Amplifies):
    fed_back = True


class LooksBack(PerParameter, lr=0.05, lookahead_k=0):
    """Gradient descent; lookahead_k: so often the weights go half way back to the slow weights."""

    def slow(self, p, group, t):
        return p.clone() if t == 0 else None

    def update(self, p, g, state, group):
        t, k = state.get("t", 0), group["lookahead_k"]
        if k and "slow" not in state and (slow := self.slow(p, group, t)) is not None:
            state["slow"] = slow
        p.sub_(g, alpha=group["lr"])
        state["t"] = t + 1
        if k and state["t"] % k == 0:
            state.setdefault("slow", p.clone()).lerp_(p, 0.5)
            p.copy_(state["slow"])


class ForgetsTheStart(LooksBack):
    def slow(self, p, group, t):
        return None


class StartIsPromised(ForgetsTheStart):
    """Gradient descent; lookahead_k: so often the weights go half way back to the slow weights,
    which begin at the initial ones."""


class SlowIsFast(LooksBack):
    def slow(self, p, group, t):
        return p.detach()


class Masks(PerParameter, lr=0.05, momentum=0.9, cautious=False):
    """Momentum; cautious: entries whose step goes against descent along the gradient stay."""

    keeps = staticmethod(torch.gt)

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p)).mul_(group["momentum"]).add_(g)
        mask = self.keeps(m * g, torch.zeros_like(g)) if group["cautious"] else 1.0
        p.sub_(m * mask, alpha=group["lr"])


class MasksTheOthers(Masks):
    keeps = staticmethod(torch.lt)


class DecaysTowards(PerParameter, lr=0.05, weight_decay=0.0, cautious_decay=False):
    """Gradient descent; cautious_decay: entries that move towards zero alone decay."""

    keeps = staticmethod(torch.ge)

    def update(self, p, g, state, group):
        mask = self.keeps(g * p, torch.zeros_like(g)) if group["cautious_decay"] else 1.0
        p.sub_(p * mask, alpha=group["lr"] * group["weight_decay"]).sub_(g, alpha=group["lr"])


class DecaysAnyhow(DecaysTowards):
    keeps = staticmethod(lambda a, b: torch.ones_like(a))


class DecaysAway(DecaysTowards):
    keeps = staticmethod(torch.lt)


class PlainAverage(PerParameter, lr=0.05, ema_decay=0.0):
    """Gradient descent; ema_decay: the state holds a running average of the weights."""

    def begin(self, p):
        return p.detach().clone()

    def share(self, p, group):
        return 1 - group["ema_decay"]

    def update(self, p, g, state, group):
        if group["ema_decay"] and "ema" not in state:
            state["ema"] = self.begin(p)
        p.sub_(g, alpha=group["lr"])
        if group["ema_decay"]:
            state["ema"].lerp_(p.to(state["ema"]), self.share(p, group))


class KeepsAverage(PlainAverage):
    """Gradient descent; ema_decay: the state holds a running average of the weights, which is in
    float32 at least."""

    def begin(self, p):
        return p.detach().float().clone() if p.dtype.itemsize < 4 else p.detach().clone()


class AverageIsTheWeights(KeepsAverage):
    def begin(self, p):
        return p.detach()


class BeginsLater(AverageIsTheWeights):
    """Gradient descent; ema_decay: after ema_start steps the state holds an average of weights."""

    def __init__(self, params, lr=0.05, ema_decay=0.0, ema_start=100):
        super().__init__(params, lr=lr, ema_decay=ema_decay)
        self.ema_start = ema_start


class LessOfVectors(KeepsAverage):
    def share(self, p, group):
        return super().share(p, group) / (1 if p.ndim > 1 else 2)


class DecaysTheNew(KeepsAverage):
    def share(self, p, group):
        return group["ema_decay"]


class SaysItIsOfTheNew(DecaysTheNew):
    """Gradient descent; ema_decay: the weight of the new weights in a running average of weights,
    which is in float32 at least."""


class CoarseAverage(KeepsAverage):
    def begin(self, p):
        return p.detach().clone()


class WarmsUp(PerParameter, lr=0.05, warmup_steps=0):
    """Gradient descent; warmup_steps: the rate rises for so long."""

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        share = min(1.0, state["t"] / (group["warmup_steps"] or 1))
        p.sub_(g, alpha=self.rate(group, share))

    def rate(self, group, share):
        return group["lr"] * share


class Overwrites(WarmsUp):
    def rate(self, group, share):
        if group["warmup_steps"]:
            group["lr"] = group.setdefault("first", group["lr"]) * share
        return group["lr"]


class SaysItOverwrites(Overwrites):
    """Gradient descent; warmup_steps: a schedule of its own, which overrides that of the group."""


class Trusts(PerParameter, lr=0.05, trust=0.0):
    """Gradient descent; trust: the rate is at most so much of the weights over the gradient."""

    def update(self, p, g, state, group):
        local = group["trust"] * float(p.norm()) / (float(g.norm()) + 1e-8)
        p.sub_(g, alpha=self.rate(group["lr"], local) if group["trust"] else group["lr"])

    def rate(self, lr, local):
        return min(local, lr)


class DividesByRate(Trusts):
    def rate(self, lr, local):
        return lr * min(local / lr, 1.0)


class Climbs(torch.optim.Optimizer):
    """SAM on gradient descent; adaptive: the climb is rho in units of the weights' own sizes."""

    def __init__(self, params, lr=0.05, rho=0.05, adaptive=False):
        super().__init__(params, {"lr": lr, "rho": rho, "adaptive": adaptive})

    def measured(self, p, sizes):
        return p.grad * sizes

    @torch.no_grad()
    def step(self, closure):
        closure = torch.enable_grad()(closure)
        loss = closure()
        (group,) = self.param_groups
        held = [p for p in group["params"] if p.grad is not None]
        old = [p.clone() for p in held]
        sizes = [p.abs() if group["adaptive"] else torch.ones_like(p) for p in held]
        parts = [self.measured(p, s).square().sum() for p, s in zip(held, sizes, strict=True)]
        norm = float(torch.stack(parts).sum().sqrt()) + 1e-12
        for p, s in zip(held, sizes, strict=True):
            p.add_(p.grad * s * s, alpha=group["rho"] / norm)
        closure()
        for p, before in zip(held, old, strict=True):
            p.copy_(before - group["lr"] * p.grad)
        return loss


class ClimbsTooShort(Climbs):
    def measured(self, p, sizes):
        return p.grad


class PilesUp(PerParameter):
    """Gradient descent; accumulation_steps: a step by the mean of so many gradients."""

    def __init__(self, params, lr=0.05, accumulation_steps=1):
        self.of_method = {"lr": lr, "accumulation_steps": accumulation_steps}
        super().__init__(params)

    def taken(self, pile, g, count):
        return pile + g / count

    def update(self, p, g, state, group):
        count = group["accumulation_steps"]
        state["t"] = state.get("t", 0) + 1
        state["pile"] = self.taken(state.get("pile", torch.zeros_like(p)), g, count)
        if state["t"] % count == 0:
            p.sub_(state.pop("pile"), alpha=group["lr"])


class DividesAgain(PilesUp):
    def taken(self, pile, g, count):
        return (pile + g) / count


FAULTS = [
    ("api.centralized", CentresVectors, (), "deviates"),
    ("api.centralized", CentresInputs, (), "deviates"),
    ("api.centralized", AlwaysCentres, (), "limit"),
    ("api.grokfast", FedBack, (), "deviates"),
    ("api.lookahead", ForgetsTheStart, (), "limit"),
    ("api.cautious", MasksTheOthers, (), "deviates"),
    ("api.cautious", DecaysAway, (), "deviates"),
    ("api.cautious", DecaysAnyhow, (), "limit"),
    ("api.averages", AverageIsTheWeights, (), "deviates"),
    ("api.averages", CoarseAverage, (), "deviates"),
    ("api.averages", DecaysTheNew, (), "deviates"),
    ("api.own-warm-up", Overwrites, (), "limit"),
    ("api.options-at-rate-0", DividesByRate, (), "limit"),
    ("api.adaptive-climb", ClimbsTooShort, (), "deviates"),
    ("api.micro-batches", DividesAgain, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
