"""Small optimizers with one fault each, and the check that must find it."""

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class Sgd(PerParameter, lr=0.1):
    def update(self, p, g, state, group):
        p -= group["lr"] * g


class Adam(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-8):
    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p -= group["lr"] * m / (v.sqrt() + group["eps"])


class SingleOnly(Adam):
    """Its state is float32 whatever the weights are."""

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(p, dtype=torch.float32))
        p -= group["lr"] * m.lerp_(g, 0.1)


class NotAgain(Sgd):
    """Each object steps a little further than the one before."""

    made = 0

    def __init__(self, params, **options):
        super().__init__(params, **options)
        NotAgain.made += 1
        self.number = NotAgain.made

    def update(self, p, g, state, group):
        p -= group["lr"] * (1 + 0.01 * self.number) * g


class ScalesGradient(Sgd):
    def update(self, p, g, state, group):
        p -= group["lr"] * g.mul_(2.0)


class ClearsGradient(Sgd):
    def step(self, closure=None):
        loss = super().step(closure)
        self.zero_grad()
        return loss


class NewMemory(Sgd):
    def update(self, p, g, state, group):
        p.data = p.data - group["lr"] * g


class SlowIsFast(Sgd):
    """Slow weights that are the weights themselves."""

    def update(self, p, g, state, group):
        slow = state.setdefault("slow", p.detach())
        p -= group["lr"] * g
        slow.lerp_(p, 0.5)


class KeepsGraph(Sgd):
    """Its average hangs on the graph of every step before."""

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    old = self.state[p].get("average", 0.0)
                    self.state[p]["average"] = 0.9 * old + p.grad + 0.0 * p
                    p.data -= group["lr"] * self.state[p]["average"].detach()


class CountsFirst(Sgd):
    """Looks through the parameters before it keeps them: a generator is empty then."""

    def __init__(self, params, **options):
        self.size = sum(p.numel() for p in params)
        super().__init__(params, **options)


class CopyAtStart(Sgd):
    """Steps on a copy of the weights made in the constructor."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.copies = {p: p.detach().clone() for p in self.param_groups[0]["params"]}

    def update(self, p, g, state, group):
        p.copy_(self.copies[p].sub_(group["lr"] * g))


class SeesValidation(torch.optim.Optimizer):
    """Averages the inputs of every forward pass, training or not."""

    def __init__(self, model, lr=0.05):
        layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        super().__init__([{"params": [m.weight]} for m in layers], {"lr": lr})
        for m in layers:
            m.register_forward_hook(self.see)

    def see(self, layer, inputs, output):
        size = inputs[0].detach().square().mean()
        state = self.state[layer.weight]
        state["size"] = 0.5 * state.get("size", 0.0) + 0.5 * size

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p -= group["lr"] / (1 + self.state[p]["size"]) * p.grad


class StateOutside(Sgd):
    """Momentum in an attribute, which no checkpoint holds."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.speed = {}

    def update(self, p, g, state, group):
        self.speed[p] = 0.9 * self.speed.get(p, 0.0) + g
        p -= group["lr"] * self.speed[p]


class LeastRate(Sgd):
    def update(self, p, g, state, group):
        p -= max(group["lr"], 1e-3) * g


class DividesByRate(Sgd):
    def update(self, p, g, state, group):
        p -= group["lr"] ** 2 / float(group["lr"]) * g / 1.0


class RateAtStart(Sgd):
    """The rate is read once, in the constructor."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
        self.rate = lr

    def update(self, p, g, state, group):
        p -= self.rate * g


class StateAtStart(Sgd):
    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.speeds = {p: torch.zeros_like(p) for p in self.param_groups[0]["params"]}

    def update(self, p, g, state, group):
        p -= group["lr"] * self.speeds[p].lerp_(g, 0.1)


class NeedsAll(Sgd):
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.data -= group["lr"] * p.grad


class StopsAtMissing(Sgd):
    """Returns where it should go on to the next parameter."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    return
                p -= group["lr"] * p.grad


class FillsWithZeros(Sgd):
    """A missing gradient counts as zero, and the momentum goes on."""

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                g = torch.zeros_like(p) if p.grad is None else p.grad
                speed = self.state[p].setdefault("speed", torch.zeros_like(p))
                p -= group["lr"] * speed.mul_(0.9).add_(g)


class UnitLength(Sgd):
    """g / |g| without care for zero."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g / g.norm()


class MatricesByName(Sgd):
    """Raises for kernels."""

    def update(self, p, g, state, group):
        p -= group["lr"] * (g.t() if g.ndim > 1 else g).contiguous().t()


class Centred(Sgd):
    """Centred over rows: a single column cannot move."""

    def update(self, p, g, state, group):
        p -= group["lr"] * (g - g.mean(-1, keepdim=True) if g.ndim > 1 else g)


class DifferenceBeforeSign(PerParameter, lr=0.1, maximize=False):
    """The previous gradient is stored before the sign is turned."""

    def update(self, p, g, state, group):
        before = state.get("before", g)
        state["before"] = g.clone()
        if group["maximize"]:
            g = -g
        p -= group["lr"] * (g + 0.5 * (g - before))


class TurnsGradient(PerParameter, lr=0.1, maximize=False):
    def update(self, p, g, state, group):
        p -= group["lr"] * (g.neg_() if group["maximize"] else g)


class ForgetsClosure(Sgd):
    def step(self, closure=None):
        return super().step(None)


class KeepsLoss(Sgd):
    def step(self, closure=None):
        super().step(closure)


class EvalTooEarly(Sgd):
    def eval(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["seen"].add_(0.0)

    def train(self):
        pass

    def update(self, p, g, state, group):
        state.setdefault("seen", torch.zeros_like(p))
        super().update(p, g, state, group)


class SharedByClass(Sgd):
    """Its sum belongs to the class; each new object sets it back."""

    total = torch.zeros((), dtype=torch.float64)

    def __init__(self, params, **options):
        super().__init__(params, **options)
        SharedByClass.total = torch.zeros((), dtype=torch.float64)

    def update(self, p, g, state, group):
        SharedByClass.total += float(g.square().sum())
        p -= group["lr"] * g / (1 + SharedByClass.total.sqrt())


class ClipsTogether(Sgd):
    @torch.no_grad()
    def step(self, closure=None):
        held = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        self.norm = sum(float(p.grad.square().sum()) for p in held) ** 0.5
        return super().step(closure)

    def update(self, p, g, state, group):
        p -= group["lr"] * g / max(1.0, self.norm)


class FirstIsSpecial(Sgd):
    def update(self, p, g, state, group):
        first = p is self.param_groups[0]["params"][0]
        p -= group["lr"] * (1.0 if first else 0.5) * g


class ConstantDecay(PerParameter, lr=0.1, weight_decay=0.0):
    def update(self, p, g, state, group):
        p -= group["lr"] * (g + group["weight_decay"])


class DtypeOfTheFirst(Sgd):
    """The momentum of every parameter has the dtype of the first one."""

    def update(self, p, g, state, group):
        first = self.param_groups[0]["params"][0]
        speed = state.setdefault("speed", torch.zeros(p.shape, dtype=first.dtype))
        p -= group["lr"] * speed.lerp_(g, 0.1)


class Uphill(Sgd):
    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        p -= group["lr"] * g * (-1.0 if state["t"] <= 3 else 1.0)


class SqrtOfSquare(Adam):
    """Adam without the root: the step falls as the gradient grows."""

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        p -= group["lr"] * m / (v + group["eps"])


FAULTS = [
    ("api.dtypes", SingleOnly, (), "limit"),
    ("api.determinism", NotAgain, (), "deviates"),
    ("api.grads-kept", ScalesGradient, (), "limit"),
    ("api.grads-kept", ClearsGradient, (), "limit"),
    ("api.in-place", NewMemory, (), "limit"),
    ("api.alias", SlowIsFast, (), "limit"),
    ("api.resume", StateOutside, (), "deviates"),
    ("api.lr-zero", LeastRate, ("sgd",), "deviates"),
    ("api.warm-up", DividesByRate, (), "limit"),
    ("api.lr-read", RateAtStart, (), "deviates"),
    ("api.groups", RateAtStart, (), "deviates"),
    ("api.add-group", StateAtStart, (), "limit"),
    ("api.missing", NeedsAll, (), "limit"),
    ("api.missing", FillsWithZeros, (), "limit"),
    ("api.missing", StopsAtMissing, (), "deviates"),
    ("api.alias", KeepsGraph, (), "limit"),
    ("api.generator", CountsFirst, (), "limit"),
    ("api.loaded-weights", CopyAtStart, (), "limit"),
    ("api.validation", SeesValidation, (), "deviates"),
    ("api.zero", UnitLength, (), "deviates"),
    ("api.shapes", MatricesByName, (), "limit"),
    ("api.shapes", Centred, (), "limit"),
    ("api.maximize", DifferenceBeforeSign, (), "deviates"),
    ("api.maximize", TurnsGradient, (), "limit"),
    ("api.closure", ForgetsClosure, (), "limit"),
    ("api.closure", KeepsLoss, (), "limit"),
    ("api.mode", EvalTooEarly, (), "limit"),
    ("api.instances", SharedByClass, (), "deviates"),
    ("api.coupling", ClipsTogether, ("sgd",), "deviates"),
    ("api.order", FirstIsSpecial, (), "deviates"),
    ("api.decay", ConstantDecay, (), "deviates"),
    ("api.mixed", DtypeOfTheFirst, (), "limit"),
    ("api.copy", StateOutside, (), "documented variant"),
    ("def.descent", Uphill, (), "deviates"),
    ("def.scale", SqrtOfSquare, ("adam",), "deviates"),
    ("def.degenerates", Sgd, ("lion",), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
