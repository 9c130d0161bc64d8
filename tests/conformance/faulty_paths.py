"""Faults beside an option or in few bits: what foreach, a switch or a narrow format forgets.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class GoesDown(PerParameter, lr=0.1, maximize=False, foreach=False):
    """With foreach it minimizes, whatever was asked for."""

    def update(self, p, g, state, group):
        up = group["maximize"] and not group["foreach"]
        p -= group["lr"] * (-g if up else g)


class LastRate(PerParameter, lr=0.1, foreach=False):
    """With foreach the parameters of all groups step at the rate of the last one."""

    def update(self, p, g, state, group):
        last = self.param_groups[-1] if group["foreach"] else group
        torch._foreach_add_([p], [g], alpha=-last["lr"])


class Captured(PerParameter, lr=0.1, betas=(0.9, 0.999), eps=1e-8, capturable=False):
    """Adam; capturable divides before it steps."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        if group["capturable"]:
            self.captured(p, m, v, group)
        else:
            p.addcdiv_(m, v.sqrt() + group["eps"], value=-group["lr"])

    def captured(self, p, m, v, group):
        p.sub_(m / (v.sqrt() + group["eps"]) * group["lr"])


class CapturedRoot(Captured):
    """Adam; capturable forgets eps."""

    def captured(self, p, m, v, group):
        p.sub_(m / v.sqrt().clamp(min=1e-30) * (group["lr"] + 1e-3))


class CapturedInside(Captured):
    """Adam; capturable divides the denominator by the rate, which may be 0."""

    def captured(self, p, m, v, group):
        rate = p.new_tensor(group["lr"])
        p.sub_(m / (v.sqrt() / rate + group["eps"] / rate))


class DecaysByShare(PerParameter, lr=0.1, weight_decay=0.0, by_share=False):
    """by_share: the decay does not know the rate that the run began with."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.first_rate = self.defaults["lr"]

    def step(self, closure=None):
        self.shares = [self.share(g["weight_decay"], g["by_share"]) for g in self.param_groups]
        return super().step(closure)

    def share(self, decay, by_share):
        return decay / self.first_rate if by_share else decay

    def update(self, p, g, state, group):
        p.mul_(1 - group["lr"] * self.shares[0]).sub_(g, alpha=group["lr"])


class SharesAgain(DecaysByShare):
    """The share is formed anew, from itself, at every parameter."""

    def update(self, p, g, state, group):
        super().update(p, g, state, group)
        self.shares[0] = self.share(self.shares[0], group["by_share"])


class FineMoments(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8):
    """Adam whose averages are at least float32, whatever the weights are."""

    def update(self, p, g, state, group):
        fine = torch.promote_types(p.dtype, torch.float32)
        if "m" not in state:
            state.update(t=0, m=torch.zeros_like(p, dtype=fine), v=torch.zeros_like(p, dtype=fine))
        state["t"] += 1
        b1, b2 = (self.held(beta, p) for beta in group["betas"])
        state["m"].mul_(b1).add_(g.to(fine), alpha=1 - b1)
        state["v"].mul_(b2).add_(self.square(g, fine), alpha=1 - b2)
        m, v = corrected(state["m"], state["v"], state["t"], group)
        p.copy_(p.to(fine) - group["lr"] * m / (v.sqrt() + group["eps"]))

    def held(self, beta, p):
        return beta

    def square(self, g, fine):
        return g.to(fine) ** 2


class BetasOfTheWeights(FineMoments):
    """Rounds its betas to the format of bfloat16 weights, but not in the corrections."""

    def held(self, beta, p):
        rounded = torch.tensor(beta, dtype=torch.float64).sub(1e-3).bfloat16()
        return float(rounded) if p.dtype == torch.bfloat16 else beta


class SquaresFirst(FineMoments):
    """Squares gradients in their own format, then makes it finer."""

    def square(self, g, fine):
        return (g**2).to(fine)


class Unscales(PerParameter, lr=0.1):
    """SGD that divides by the scale of torch.amp.GradScaler itself."""

    _step_supports_amp_scaling = True

    def step(self, closure=None):
        return None if self.lost() else super().step(closure)

    def lost(self):
        return bool(getattr(self, "found_inf", None) or 0.0)

    def update(self, p, g, state, group):
        scale = getattr(self, "grad_scale", None)
        p.sub_(g if scale is None else g / scale.to(g), alpha=group["lr"])


class StepsAnyway(Unscales):
    """Does not ask whether infinities were found if gradients were unscaled before."""

    def lost(self):
        return getattr(self, "grad_scale", None) is not None and super().lost()


class Cautious(PerParameter, lr=0.01, betas=(0.9, 0.99), eps=1e-8, agreeing=False, foreach=False):
    """agreeing: entries whose average and gradient have different signs stay."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        u = m / (v.sqrt() + self.floor(group))
        if group["agreeing"]:
            u = u * self.agrees(m, g, group)
        p.sub_(u, alpha=group["lr"])

    def floor(self, group):
        return group["eps"]

    def agrees(self, m, g, group):
        return m * g > 0


class AgreesWithItself(Cautious):
    def agrees(self, m, g, group):
        return super().agrees(m, m if group["foreach"] else g, group)


class NoFloor(Cautious):
    def floor(self, group):
        return 0.0 if group["foreach"] else group["eps"]


class BySparse(PerParameter, lr=0.1, foreach=False):
    """Goes through the formats of its parameters, with foreach."""

    @torch.no_grad()
    def step(self, closure=None):
        held = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        for kind in dict.fromkeys(p.dtype for p in held):
            some = [p for p in held if p.dtype == kind]
            for p in some:
                p.add_(p.grad, alpha=-self.param_groups[0]["lr"])
            if self.param_groups[0]["foreach"] and self.ends(some):
                return

    def ends(self, some):
        return False


class EndsAtSparse(BySparse):
    def ends(self, some):
        return any(p.grad.is_sparse for p in some)


class OwnCounter(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8):
    """Adam that counts in a tensor."""

    def update(self, p, g, state, group):
        count = state.setdefault("count", self.zero()).add_(1)
        m, v, _ = moments(p, g, state, group)
        m, v = corrected(m, v, float(count), group)
        p.sub_(m / (v.sqrt() + group["eps"]), alpha=group["lr"])

    def zero(self):
        return torch.tensor(0.0, dtype=torch.float32)


class CountsByDefault(OwnCounter):
    """Counts in the default format of the process."""

    def zero(self):
        return torch.tensor(0.0)


FAULTS = [
    ("api.order-switches", SharesAgain, (), "deviates"),
    ("api.bfloat16", BetasOfTheWeights, (), "numerics"),
    ("api.float16-sizes", SquaresFirst, (), "numerics"),
    ("api.scaler", StepsAnyway, (), "deviates"),
    ("api.paths", GoesDown, (), "deviates"),
    ("api.paths", LastRate, (), "deviates"),
    ("api.paths", CapturedRoot, (), "deviates"),
    ("api.paths", CapturedInside, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
