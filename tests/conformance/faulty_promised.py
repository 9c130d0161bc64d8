"""Options that do not do what their names or documentation promise.

Each stands after the optimizer without the fault.
"""

import torch

from tests.conformance import faulty_coarse
from tests.conformance.faulty_coarse import Decays
from tests.conformance.reported.per_parameter import PerParameter


class ClipsEntries(PerParameter):
    """Momentum; clip_value > 0 clips each entry of the gradient."""

    late = False

    def __init__(self, params, lr=0.01, momentum=0.9, clip_value=0.0):
        self.of_method = {"lr": lr, "momentum": momentum, "clip_value": clip_value}
        super().__init__(params)

    def update(self, p, g, state, group):
        most = group["clip_value"] or float("inf")
        m = state.setdefault("m", torch.zeros_like(p)).mul_(group["momentum"])
        m.add_(g if self.late else g.clamp(-most, most))
        if self.late:
            m.clamp_(-most, most)
        p.sub_(m, alpha=group["lr"])


class ClipsMemory(ClipsEntries):
    late = True


class ClipsSteps(PerParameter):
    """Momentum; clip_value > 0 bounds each entry of the update."""

    def __init__(self, params, lr=0.01, momentum=0.9, clip_value=0.0):
        self.of_method = {"lr": lr, "momentum": momentum, "clip_value": clip_value}
        super().__init__(params)

    update = ClipsMemory.update
    late = True


class ClipsCentred(ClipsEntries):
    """Momentum of gradients without their mean; clip_value > 0 clips each of their entries."""

    def update(self, p, g, state, group):
        rest = tuple(range(1, g.ndim))
        super().update(p, g - g.mean(dim=rest, keepdim=True) if rest else g, state, group)


class ClipsAll(PerParameter):
    """Gradient descent; max_grad_norm bounds the norm of all gradients together."""

    def __init__(self, params, lr=0.01, max_grad_norm=None):
        self.of_method = {"lr": lr, "max_grad_norm": max_grad_norm}
        super().__init__(params)

    def groups_beside(self, group):
        return self.param_groups

    def update(self, p, g, state, group):
        held = [q.grad for one in self.groups_beside(group) for q in one["params"]]
        size = sum(float(h.square().sum()) for h in held if h is not None) ** 0.5
        most = group["max_grad_norm"]
        p.sub_(g if most is None else g * min(1.0, most / size), alpha=group["lr"])


class ClipsEachGroup(ClipsAll):
    def groups_beside(self, group):
        return [group]


class ClipsUnits(PerParameter):
    """Gradient descent; agc > 0 clips the gradient of a unit to its share of the weights."""

    def __init__(self, params, lr=0.01, agc=0.0):
        self.of_method = {"lr": lr, "agc": agc}
        super().__init__(params)

    def of_units(self, x):
        return x.norm(dim=tuple(range(1, x.ndim)), keepdim=True) if x.ndim > 1 else x.norm()

    def update(self, p, g, state, group):
        if group["agc"]:
            most = group["agc"] * self.of_units(p).clamp(min=1e-3)
            g = g * (most / self.of_units(g).clamp(min=1e-6)).clamp(max=1.0)
        p.sub_(g, alpha=group["lr"])


class ClipsInputs(ClipsUnits):
    def of_units(self, x):
        return x.norm(dim=0, keepdim=True) if x.ndim > 1 else x.norm()


class LeavesOut(PerParameter):
    """Gradient descent; skip_nonfinite leaves weights as they are if any gradient is not finite."""

    times_zero = False

    def __init__(self, params, lr=0.1, skip_nonfinite=False):
        self.of_method = {"lr": lr, "skip_nonfinite": skip_nonfinite}
        super().__init__(params)

    def update(self, p, g, state, group):
        held = [q.grad for one in self.param_groups for q in one["params"]]
        lost = any(not h.isfinite().all() for h in held if h is not None)
        if not (lost and group["skip_nonfinite"]):
            p.sub_(g, alpha=group["lr"])
        elif self.times_zero:
            p.sub_(0.0 * g)


class TimesZero(LeavesOut):
    times_zero = True


class Averages(PerParameter):
    """Gradient descent; use_ema: an average of the weights replaces them at every third step."""

    from_zero = False

    def __init__(self, params, lr=0.1, use_ema=False):
        self.of_method = {"lr": lr, "use_ema": use_ema}
        super().__init__(params)

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        mean = state.setdefault("mean", torch.zeros_like(p) if self.from_zero else p.clone())
        p.sub_(g, alpha=group["lr"])
        mean.lerp_(p, 0.1)
        if group["use_ema"] and state["t"] % 3 == 0:
            p.copy_(mean)


class FromZero(Averages):
    from_zero = True


class ByLength(PerParameter):
    """Gradient descent; ema_of_norm: steps go with an average of the norm of the weights."""

    def __init__(self, params, lr=0.1, ema_of_norm=False):
        self.of_method = {"lr": lr, "ema_of_norm": ema_of_norm}
        super().__init__(params)

    def update(self, p, g, state, group):
        state["size"] = 0.9 * state.get("size", p.norm()) + 0.1 * p.norm()
        p.sub_(g * state["size"] if group["ema_of_norm"] else g, alpha=group["lr"])


class Corrects(Decays):
    """AdamW; without bias_correction the averages are used as they are."""

    def __init__(self, params, lr=1e-3, weight_decay=0.01, bias_correction=True, **options):
        super().__init__(params, lr=lr, weight_decay=weight_decay, **options)
        for group in self.param_groups:
            group["bias_correction"] = bias_correction

    def corrections(self, group, t):
        both = super().corrections(group, t)
        return both if group["bias_correction"] else self.raw(both)

    def raw(self, both):
        return 1.0, 1.0


class HalfCorrects(Corrects):
    def raw(self, both):
        return 1.0, both[1]


class AlwaysCorrects(Corrects):
    def raw(self, both):
        return both


class CorrectsOne(HalfCorrects):
    """Without bias_correction only the second average is corrected."""


class Apart(Decays):
    """AdamW; without adam_w_mode the decay is added to the gradient."""

    def __init__(self, params, lr=1e-3, weight_decay=0.01, adam_w_mode=True, **options):
        super().__init__(params, lr=lr, weight_decay=weight_decay, **options)
        self.adam_w_mode = adam_w_mode

    def decay(self, group):
        return group["weight_decay"] if self.adam_w_mode else 0.0

    def seen(self, p, g, group):
        whole = g if self.adam_w_mode else g + group["weight_decay"] * p
        return whole, self.squared(g, whole)

    def squared(self, g, whole):
        return whole


class FirstAlone(Apart):
    """The decay is in the first average alone."""

    def squared(self, g, whole):
        return g


FAULTS = [
    *faulty_coarse.FAULTS,
    ("api.clips", ClipsMemory, (), "deviates"),
    ("api.clips", ClipsEachGroup, (), "deviates"),
    ("api.clips", ClipsInputs, (), "deviates"),
    ("api.skipped-steps", TimesZero, (), "deviates"),
    ("api.translation", FromZero, (), "deviates"),
    ("def.switches", HalfCorrects, ("adamw",), "deviates"),
    ("def.switches", AlwaysCorrects, ("adamw",), "limit"),
    ("def.switches", FirstAlone, ("adamw",), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
