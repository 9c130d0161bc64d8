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


class DecayAtStart(PerParameter, lr=0.1, weight_decay=0.0):
    """The decay is read once, in the constructor."""

    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.decay = self.defaults["weight_decay"]

    def update(self, p, g, state, group):
        p -= group["lr"] * (g + self.decay * p)


class StacksAll(Sgd):
    """Looks at the norm of all gradients before each step."""

    def step(self, closure=None):
        grads = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
        self.norm = torch.stack([g.norm() for g in grads]).norm()
        return super().step(closure)


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
