"""A KFAC as a user writes it, with forward and backward hooks, and ways to get it wrong."""

import torch

from lpfl import OptimizerSpec


class HookedKfac(torch.optim.Optimizer):
    """Averaged factors, the empirical Fisher, the root of the damping on each, decay of weights."""

    def __init__(
        self, model, lr=0.1, damping=1e-3, stat_decay=0.95, momentum=0.0, weight_decay=0.0
    ):
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        defaults = {"lr": lr, "damping": damping, "stat_decay": stat_decay}
        defaults |= {"momentum": momentum, "weight_decay": weight_decay}
        super().__init__(list(model.parameters()), defaults)
        self.batch = {layer: {} for layer in self.layers}
        for layer in self.layers:
            layer.register_forward_pre_hook(self.keep_input)
            layer.register_full_backward_hook(self.keep_output)

    def keep_input(self, layer, inputs):
        x = inputs[0].detach()
        if layer.bias is not None:
            x = torch.cat([x, x.new_ones(len(x), 1)], 1)
        self.batch[layer]["A"] = x.T @ x / len(x)

    def keep_output(self, layer, grad_input, grad_output):
        g = grad_output[0].detach()
        self.batch[layer]["B"] = g.T @ g * len(g)

    def memory(self, layer):
        return self.state[layer.weight]

    def first(self, new, decay):
        return new.clone()

    def averaged(self, old, new, decay):
        return old.mul_(decay).add_(new, alpha=1 - decay)

    def damped(self, factor, damping):
        return factor + damping**0.5 * torch.eye(len(factor), dtype=factor.dtype)

    def inverses(self, B, A, damping):
        return torch.linalg.inv(self.damped(B, damping)), torch.linalg.inv(self.damped(A, damping))

    def carried(self, buffer, update, momentum):
        return buffer.mul_(momentum).add_(update)

    def used(self, layer, grad, update):
        return update

    def rate(self, group, step):
        return group["lr"]

    def decay(self, group):
        return group["weight_decay"]

    @torch.no_grad()
    def step(self, closure=None):
        group = self.param_groups[0]
        for layer in self.layers:
            memory = self.memory(layer)
            memory["step"] = memory.get("step", 0) + 1
            for name, new in self.batch[layer].items():
                decay = group["stat_decay"]
                old = memory.get(name)
                fresh = self.first(new, decay) if old is None else None
                memory[name] = self.averaged(old, new, decay) if fresh is None else fresh
            W, bias = layer.weight, layer.bias
            grad = W.grad if bias is None else torch.cat([W.grad, bias.grad[:, None]], 1)
            left, right = self.inverses(memory["B"], memory["A"], group["damping"])
            update = left @ grad @ right
            if group["momentum"]:
                buffer = memory.setdefault("buffer", torch.zeros_like(update))
                update = self.carried(buffer, update, group["momentum"])
            update = self.used(layer, grad, update)
            rate = self.rate(group, memory["step"])
            W.mul_(1 - group["lr"] * self.decay(group))
            W.sub_(update[:, : W.shape[1]], alpha=rate)
            if bias is not None:
                bias.sub_(update[:, -1], alpha=rate)


class Ascends(HookedKfac):
    def rate(self, group, step):
        return -group["lr"]


class RateSquared(HookedKfac):
    def rate(self, group, step):
        return group["lr"] ** 2


class SecondStepHalved(HookedKfac):
    def rate(self, group, step):
        return group["lr"] * (0.5 if step == 2 else 1.0)


class DampedOutside(HookedKfac):
    def inverses(self, B, A, damping):
        return tuple(
            self.damped(torch.linalg.inv(self.damped(S, 1e-16)), damping**2) for S in (B, A)
        )


class DampingSquared(HookedKfac):
    def damped(self, factor, damping):
        return super().damped(factor, damping**4)


class SplitTurned(HookedKfac):
    def inverses(self, B, A, damping):
        ratio = (A.trace() / len(A)) / (B.trace() / len(B))
        return (
            torch.linalg.inv(self.damped(B, damping * ratio)),
            torch.linalg.inv(self.damped(A, damping / ratio)),
        )


class OutputsDampedMore(HookedKfac):
    def inverses(self, B, A, damping):
        return super().inverses(B, A, 4 * damping)[0], super().inverses(B, A, damping)[1]


class InputsOverWidth(HookedKfac):
    def inverses(self, B, A, damping):
        return super().inverses(B, A / len(A), damping)


class DampedLessLater(HookedKfac):
    calls = 0

    def inverses(self, B, A, damping):
        self.calls += 1
        return super().inverses(B, A, damping / 4 if self.calls > len(self.layers) else damping)


class LeftFactorOnly(HookedKfac):
    def inverses(self, B, A, damping):
        return super().inverses(B, A, damping)[0], torch.eye(len(A), dtype=A.dtype)


class NeverCorrected(HookedKfac):
    def first(self, new, decay):
        return (1 - decay) * new


class AverageSwapped(HookedKfac):
    def averaged(self, old, new, decay):
        return super().averaged(old, new, 1 - decay)


class MomentumIdle(HookedKfac):
    def carried(self, buffer, update, momentum):
        return update


class DecayIdle(HookedKfac):
    def decay(self, group):
        return 0.0


class OtherSide(HookedKfac):
    def inverses(self, B, A, damping):
        return super().inverses(A, B, damping)


class NeverRenewed(HookedKfac):
    def averaged(self, old, new, decay):
        return old


class LongPeriod(NeverRenewed):
    """As good as never, and an option says so."""

    def __init__(self, model, lr=0.1, damping=1e-3, stat_decay=0.95, curvature_steps=500):
        super().__init__(model, lr, damping, stat_decay)
        self.param_groups[0]["curvature_steps"] = curvature_steps


class SeldomRenewed(HookedKfac):
    count = 0

    def averaged(self, old, new, decay):
        self.count += 1
        due = (self.count - 1) // (2 * len(self.layers)) % 25 == 24
        return super().averaged(old, new, decay) if due else old


class PlainBias(HookedKfac):
    def used(self, layer, grad, update):
        return torch.cat([update[:, :-1], grad[:, -1:]], 1) if layer.bias is not None else update


class WeightsTwice(HookedKfac):
    def used(self, layer, grad, update):
        return (
            torch.cat([2 * update[:, :-1], update[:, -1:]], 1) if layer.bias is not None else update
        )


class LastLayerPlain(HookedKfac):
    def used(self, layer, grad, update):
        return grad if layer is self.layers[-1] else update


class InputsCentred(HookedKfac):
    def keep_input(self, layer, inputs):
        super().keep_input(layer, (inputs[0] - inputs[0].mean(0),))


class Summed(HookedKfac):
    """Sums over the rows in place of their means."""

    def keep_input(self, layer, inputs):
        super().keep_input(layer, inputs)
        self.batch[layer]["A"] *= len(inputs[0])

    def keep_output(self, layer, grad_input, grad_output):
        super().keep_output(layer, grad_input, grad_output)
        self.batch[layer]["B"] *= len(grad_output[0])


class StateOutside(HookedKfac):
    def memory(self, layer):
        return self.__dict__.setdefault("outside", {}).setdefault(layer, {})


SPEC = OptimizerSpec("broken KFAC", MomentumIdle, claims={"kfac"}, needs={"model"})
