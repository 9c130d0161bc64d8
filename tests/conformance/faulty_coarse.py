"""AdamW whose small steps in few bits are lost, or lead to one side.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.reported.per_parameter import PerParameter

FEW = (torch.bfloat16, torch.float16)


class Decays(PerParameter):
    """AdamW."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.of_method = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params)

    def seen(self, p, g, group):
        """Return what goes into the two moments."""
        return g, g

    def decay(self, group):
        return group["weight_decay"]

    def corrections(self, group, t):
        return tuple(1 - beta**t for beta in group["betas"])

    def move(self, p, g, state, group):
        """Return the step of weights and gradients in the format of the moments."""
        first, second = self.seen(p, g, group)
        if "m" not in state:
            state.update(t=0, m=torch.zeros_like(g), v=torch.zeros_like(g))
        state["t"] += 1
        b1, b2 = group["betas"]
        m = state["m"].mul_(b1).add_(first, alpha=1 - b1)
        v = state["v"].mul_(b2).add_(second * second, alpha=1 - b2)
        one, two = self.corrections(group, state["t"])
        u = m / one / ((v / two).sqrt() + group["eps"])
        return -group["lr"] * (u + self.decay(group) * p)

    def update(self, p, g, state, group):
        if p.dtype in FEW:
            self.update_few(p, g, state, group)
        else:
            p.add_(self.move(p, g, state, group))

    def update_few(self, p, g, state, group):
        p.add_(self.move(p.float(), g.float(), state, group).to(p.dtype))


class ByChance(Decays):
    """AdamW with stochastic rounding of bfloat16 weights."""

    bits = 16

    def update_few(self, p, g, state, group):
        new = p.float() + self.move(p.float(), g.float(), state, group)
        noise = torch.randint(0, 1 << self.bits, p.shape, dtype=torch.int32)
        p.copy_(((new.view(torch.int32) + noise) & -65536).view(torch.float32))


class FewRandomBits(ByChance):
    bits = 8


class SumsUp(Decays):
    """AdamW with Kahan summation: what bfloat16 loses in a step is kept for the next one."""

    def update_few(self, p, g, state, group):
        lost = state.setdefault("lost", torch.zeros_like(p))
        self.add(lost, self.move(p.float(), g.float(), state, group))
        old = p.clone()
        p.add_(lost)
        lost.add_(old - p)

    def add(self, lost, move):
        lost.add_(move)


class Overwrites(SumsUp):
    """What was kept is overwritten before it is used."""

    def add(self, lost, move):
        lost.copy_(move)


class Copies(Decays):
    """AdamW; master weights in float32 are kept for weights of few bits."""

    for_all = True

    def update(self, p, g, state, group):
        self.on = self.for_all or (getattr(self, "on", True) and p.dtype in FEW)
        super().update(p, g, state, group)

    def update_few(self, p, g, state, group):
        if not self.on:
            super().update_few(p, g, state, group)
            return
        w = state.setdefault("master", p.detach().float().clone())
        w.add_(self.move(w, g.float(), state, group))
        p.copy_(w)


class CopiesUntilFine(Copies):
    """The first weights in float32 end it for all."""

    for_all = False


FAULTS = [
    ("api.small-steps", FewRandomBits, (), "numerics"),
    ("api.small-steps", Overwrites, (), "numerics"),
    ("api.small-steps", CopiesUntilFine, (), "numerics"),
]
"""(check, optimizer, claims, outcome)."""
