"""Faults of memory that grows or is kept, and of what changes in the middle of a run."""

import torch

from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class KeepsMoves(Adam):
    """Its state holds every move so far."""

    def update(self, p, g, state, group):
        before = p.clone()
        super().update(p, g, state, group)
        state.setdefault("moves", []).append(p - before)


class OneMove(KeepsMoves):
    """The state holds the last three moves."""

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        state["moves"] = state["moves"][-3:]


class KeepsGradients(Adam):
    """What it has seen is kept on the class, in one tensor that gets longer."""

    seen = torch.zeros(0)

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        KeepsGradients.seen = torch.cat([self.seen, g.flatten().float()])


class SumsLosses(Adam):
    """The sum of the losses of closures holds the graphs of all of them."""

    total = 0.0

    def step(self, closure=None):
        loss = super().step(closure)
        if loss is not None:
            self.total = self.total + self.taken(loss)
        return loss

    def taken(self, loss):
        return loss


class SumsNumbers(SumsLosses):
    def taken(self, loss):
        return loss.detach()


class Window(PerParameter, lr=0.1, window=1000):
    """Heavy-ball over a window of the last gradients."""

    def __init__(self, params, lr=0.1, window=1000):
        super().__init__(params, lr=lr, window=window)

    def update(self, p, g, state, group):
        last = [*state.get("last", []), g.clone()][-group["window"] :]
        state["last"] = last
        p -= group["lr"] * sum(last) / len(last)


class Waits(PerParameter, lr=0.1, every=300):
    """Steps by the mean of as many gradients as it has; it begins anew from time to time."""

    def update(self, p, g, state, group):
        last = state.setdefault("last", [])
        if len(last) == group["every"]:
            last.clear()
        last.append(g.clone())
        p -= group["lr"] * sum(last) / len(last)


class LowRank(PerParameter, lr=0.1, rank=0):
    """SGD. rank: of the projection that matrices are stepped in; 0 for none."""

    copied = True

    def __init__(self, params, lr=0.1, rank=0):
        super().__init__(params, lr=lr, rank=rank)

    def update(self, p, g, state, group):
        if group["rank"] and p.ndim == 2:
            if "basis" not in state:
                part = torch.linalg.qr(g).Q[:, : group["rank"]]
                state["basis"] = part.clone() if self.copied else part
            g = state["basis"] @ (state["basis"].T @ g)
        p -= group["lr"] * g


class LowRankView(LowRank):
    """The whole basis stays in memory behind the part that it uses."""

    copied = False


class FromAPool(Sgd):
    """Its averages are cut from a row of a million numbers."""

    def update(self, p, g, state, group):
        if "m" not in state:
            state["m"] = g.new_zeros(1 << 20)[: p.numel()].view_as(p)
        p -= group["lr"] * state["m"].lerp_(g, 0.1)


class InDouble(Adam):
    """Its averages take eight bytes whatever the weights are."""

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group, dtype=torch.float64)
        m, v = corrected(m, v, t, group)
        p -= (group["lr"] * m / (v.sqrt() + group["eps"])).to(p)


class InDoubleAsTold(InDouble):
    """Adam with averages in float64."""


class KnowsAll(Adam):
    """The class knows all that were made."""

    made = ()

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.register()

    def register(self):
        KnowsAll.made += (self,)


class KnowsTheLast(KnowsAll):
    def register(self):
        KnowsTheLast.made = (self,)


class InMemoryOrder(PerParameter, lr=0.1):
    """Momentum on numbers in the order in which they lie in memory."""

    looks = True

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p))
        if self.looks and m.stride() != p.stride():
            m = state["m"] = torch.empty_like(p).copy_(m)
        g = torch.empty_like(p).copy_(g)
        p, g, m = (torch.as_strided(x, (x.numel(),), (1,), x.storage_offset()) for x in (p, g, m))
        p -= group["lr"] * m.mul_(0.9).add_(g)


class InOldOrder(InMemoryOrder):
    """It does not look whether the order is the one it began with."""

    looks = False


class CountsOnPaths(PerParameter, lr=0.1, foreach=False):
    """SGD with a rate that falls; its count is a tensor on one path and a number on the other."""

    def update(self, p, g, state, group):
        t = self.as_path(state.get("t", 0), group["foreach"])
        state["t"] = torch._foreach_add([t], 1)[0] if group["foreach"] else t + 1
        p -= group["lr"] / float(state["t"]) * g

    def as_path(self, count, foreach):
        return torch.as_tensor(float(count)) if foreach else float(count)


class CountsAsBegun(CountsOnPaths):
    def as_path(self, count, foreach):
        return torch.tensor(0.0) if foreach and count == 0 else count


class CountsFromZero(CountsOnPaths):
    """A count of the other path is not read."""

    def as_path(self, count, foreach):
        mine = isinstance(count, torch.Tensor) == foreach
        return count if mine else super().as_path(0, foreach)


class Detaches(Sgd):
    """Clears gradients in place, as torch does."""

    def zero_grad(self, set_to_none=True):
        for p in (p for group in self.param_groups for p in group["params"]):
            if set_to_none or p.grad is None:
                p.grad = None
                continue
            self.let_go(p)
            p.grad.zero_()

    def let_go(self, p):
        p.grad.detach_()


class KeepsGraphs(Detaches):
    def let_go(self, p):
        pass


class AddsUp(Detaches):
    """Gradients of several steps add up: zero_grad() keeps them."""

    def zero_grad(self, set_to_none=True):
        pass


class OneVector(Sgd):
    """SGD; the last weights of all parameters are kept in eight bytes, as one vector."""

    def run(self, group):
        whole = torch.cat([p.flatten().double() for p in group["params"]])
        self.state[group["params"][0]]["last"] = whole
        super().run(group)


FAULTS = [
    ("api.memory", KeepsMoves, (), "limit"),
    ("api.storage", FromAPool, (), "limit"),
    ("api.let-go", KnowsAll, (), "limit"),
    ("api.turned-layout", InOldOrder, (), "deviates"),
    ("api.switched-path", CountsAsBegun, (), "limit"),
    ("api.cleared-graphs", KeepsGraphs, (), "limit"),
]
"""(check, optimizer, claims, outcome)."""
