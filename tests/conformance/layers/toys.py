"""A KFAC with the empirical Fisher for every use of linear layers and kernels, and broken ones."""

import torch
from torch import nn
from torch.nn import functional


class Uses(torch.optim.Optimizer):
    """One weight has one input and one output factor: the means over all uses and places."""

    known = (nn.Linear, nn.Conv1d, nn.Conv2d)

    def __init__(self, model, lr=0.1, damping=1e-2, weight_decay=0.0):
        self.layers = self.hooked(model)
        self.found = {}
        super().__init__(
            self.held(model), {"lr": lr, "damping": damping, "weight_decay": weight_decay}
        )
        for layer in self.layers:
            layer.register_forward_hook(self.hear, with_kwargs=True)
        model.register_forward_pre_hook(self.begin)

    def begin(self, *_):
        """Forget what earlier passes saw where their gradients were cleared."""
        if hasattr(self, "found") and all(p.grad is None for p in self.param_groups[0]["params"]):
            self.found.clear()

    def hooked(self, model):
        return [m for m in model.modules() if isinstance(m, self.known)]

    def held(self, model):
        return list(dict.fromkeys(p for m in self.layers for p in m.parameters()))

    def hear(self, layer, inputs, named, output):
        if hasattr(self, "found") and any(layer is m for m in self.layers):  # no copy's
            self.watch(layer, inputs or tuple(named.values()), output)

    def watch(self, layer, inputs, output):
        if not output.requires_grad:
            return
        x = self.rows(layer, inputs[0].detach())
        output.register_hook(lambda g, x=x: self.keep(layer, x, g))

    def rows(self, layer, x):
        """Return patches: (groups, all places, fan in)."""
        if isinstance(layer, nn.Linear):
            return x.reshape(1, -1, layer.in_features)
        if isinstance(layer, nn.Conv1d):
            x, pad = x[:, :, None], (0, layer.padding[0])
            kernel, stride, gap = ((1, v[0]) for v in self.sizes(layer))
        else:
            (kernel, stride, gap), pad = self.sizes(layer), self.padding(layer)
        columns = functional.unfold(x, kernel, padding=pad, stride=stride, dilation=gap)
        groups = layer.groups
        split = columns.unflatten(1, (groups, -1))
        return split.permute(1, 0, 3, 2).flatten(1, 2)

    def sizes(self, layer):
        return layer.kernel_size, layer.stride, layer.dilation

    def padding(self, layer):
        if layer.padding == "same":
            sizes = zip(layer.kernel_size, layer.dilation, strict=True)
            return [gap * (side - 1) // 2 for side, gap in sizes]
        return layer.padding

    def empty(self, g):
        return not len(g)

    def keep(self, layer, x, g):
        if self.empty(g):
            return
        groups = getattr(layer, "groups", 1)
        g = g.detach() * len(g)
        if isinstance(layer, nn.Linear):
            g = g.reshape(1, -1, layer.out_features)
        else:
            g = g.flatten(2).unflatten(1, (groups, -1)).permute(1, 0, 3, 2).flatten(1, 2)
        self.store(layer.weight, x, g)

    def store(self, weight, x, g):
        self.found.setdefault(weight, []).append((x, g))

    def factors(self, weight):
        uses = self.found.pop(weight)
        x = torch.cat([x for x, _ in uses], 1)
        g = torch.cat([g for _, g in uses], 1)
        return [rows.mT @ rows / rows.shape[1] for rows in (x, g)]

    def weights(self):
        return list(dict.fromkeys(m.weight for m in self.layers))

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        group = self.param_groups[0]
        moves = {}
        for W in self.weights():
            if W.grad is None or W not in self.found:
                continue
            A, G = (self.wide(S, W) for S in self.factors(W))
            grad = self.gradient(W, len(A))
            damping = self.damping(W, group["damping"])
            eye_a, eye_g = (torch.eye(S.shape[-1], dtype=S.dtype) for S in (A, G))
            left = torch.linalg.solve(G + damping * eye_g, grad)
            both = torch.linalg.solve(A + damping * eye_a, left.mT).mT
            moves |= self.split(W, both)
        for p in group["params"]:
            if p.grad is not None:
                p.sub_(moves.get(p, p.grad) + group["weight_decay"] * p, alpha=group["lr"])
        self.found.clear()
        return loss

    def damping(self, W, damping):
        return damping

    def wide(self, factor, W):
        return factor.to(W.dtype)

    def gradient(self, W, groups):
        return W.grad.reshape(groups, len(W) // groups, -1)

    def split(self, W, step):
        return {W: step.reshape(W.shape)}


class LastUse(Uses):
    """Only what the last use saw counts."""

    def store(self, weight, x, g):
        self.found[weight] = [(x, g)]


class MovedPerLayer(Uses):
    """Every layer moves its weight, a shared one once for each."""

    @torch.no_grad()
    def step(self, closure=None):
        group = self.param_groups[0]
        kept = dict(self.found)
        for layer in self.layers:
            W = layer.weight
            if W.grad is not None:
                self.found[W] = kept[W]
                A, G = self.factors(W)
                both = torch.linalg.solve(
                    G[0] + group["damping"] * torch.eye(len(G[0]), dtype=G.dtype),
                    W.grad.reshape(len(W), -1),
                )
                damped = A[0] + group["damping"] * torch.eye(len(A[0]), dtype=A.dtype)
                W.sub_(torch.linalg.solve(damped, both.mT).mT.reshape(W.shape), alpha=group["lr"])
        self.found.clear()


class SlopeOfTheLastUse(Uses):
    """The gradient is that of the last use alone."""

    def store(self, weight, x, g):
        self.found.setdefault(weight, []).append((x, g))
        W = self.found[weight][0]  # the use whose backward pass came first was called last
        weight.last = (W[1][0].mT @ W[0][0] / W[0].shape[1]).reshape(weight.shape)

    @torch.no_grad()
    def step(self, closure=None):
        for W in self.weights():
            if W.grad is not None and isinstance(W, nn.Parameter) and W.ndim == 2:
                W.grad = W.last.clone()
        super().step()


class WatchesFrozen(Uses):
    """The gradients at the outputs are asked of every layer, a frozen one too."""

    def watch(self, layer, inputs, output):
        output.register_hook(lambda g: None)
        super().watch(layer, inputs, output)


class DecaysFrozen(Uses):
    """Weight decay acts without a gradient."""

    @torch.no_grad()
    def step(self, closure=None):
        super().step(closure)
        group = self.param_groups[0]
        for p in group["params"]:
            if p.grad is None:
                p.mul_(1 - group["lr"] * group["weight_decay"])


class MovesFrozenBias(Uses):
    """A bias is moved by the mean of its layer's slopes, whether or not it is frozen."""

    @torch.no_grad()
    def step(self, closure=None):
        slopes = {m: self.found.get(m.weight) for m in self.layers if m.bias is not None}
        super().step(closure)
        for layer, uses in slopes.items():
            if uses and not layer.bias.requires_grad:
                layer.bias.sub_(uses[0][1].mean((0, 1)), alpha=self.param_groups[0]["lr"])


class OldSlopes(Uses):
    """The last gradient of a layer goes on moving it when there is none."""

    @torch.no_grad()
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            if p.grad is None and "slope" in self.state[p]:
                p.sub_(self.state[p]["slope"], alpha=self.param_groups[0]["lr"])
            elif p.grad is not None:
                self.state[p]["slope"] = p.grad.clone()
        super().step(closure)


class RatesByCount(Uses):
    """The rate is shared among all layers, frozen ones too."""

    @torch.no_grad()
    def step(self, closure=None):
        group = self.param_groups[0]
        lr, group["lr"] = group["lr"], group["lr"] / len(self.layers)
        super().step(closure)
        group["lr"] = lr


class NoPadding(Uses):
    """Patches are taken from the image without its padding, and repeated to the right number."""

    def padding(self, layer):
        return (0, 0)


class NoStride(Uses):
    """The input factor is that of the patches of stride 1."""

    def sizes(self, layer):
        return layer.kernel_size, (1, 1), layer.dilation


class OneGroup(Uses):
    """Every group of channels is preconditioned by what the first one saw."""

    def factors(self, weight):
        A, G = super().factors(weight)
        return [A[:1].expand_as(A), G]


class HoldsAll(Uses):
    """All parameters are held, and only those of known layers are moved."""

    known = (nn.Linear,)

    def held(self, model):
        return list(model.parameters())

    @torch.no_grad()
    def step(self, closure=None):
        known = set(self.weights())
        for p in self.param_groups[0]["params"]:
            if p not in known and p.ndim != 1:
                p.grad = None
        super().step(closure)


class Refuses(Uses):
    """Other layers than linear ones are refused."""

    known = (nn.Linear,)

    def hooked(self, model):
        for m in model.modules():
            if not list(m.children()) and not isinstance(m, nn.Linear) and list(m.parameters()):
                raise ValueError(f"{type(m).__name__} is not supported, only nn.Linear")
        return super().hooked(model)


class Stumbles(Uses):
    """Every layer with a weight is taken for a linear one."""

    def hooked(self, model):
        return [m for m in model.modules() if hasattr(m, "weight")]

    def rows(self, layer, x):
        return x.reshape(1, -1, layer.weight.shape[1])
