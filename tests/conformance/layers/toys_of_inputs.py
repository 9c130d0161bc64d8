"""The KFAC of ``toys`` with biases joined to weights, and ones that mistake what layers see."""

import torch
from torch import nn
from torch.nn import functional

from tests.conformance.layers.toys import Uses


class Joined(Uses):
    """A bias is one more column of its weight, and sees an input of 1."""

    def rows(self, layer, x):
        rows = super().rows(layer, x)
        if layer.bias is None or not layer.bias.requires_grad:
            return rows
        return torch.cat([rows, self.ones(layer, x, rows)], 2)

    def ones(self, layer, x, rows):
        return torch.ones_like(rows[..., :1])

    def bias(self, W):
        return next(m.bias for m in self.layers if m.weight is W)

    def gradient(self, W, groups):
        grad, bias = super().gradient(W, groups), self.bias(W)
        if bias is None or bias.grad is None:
            return grad
        return torch.cat([grad, bias.grad.reshape(groups, -1, 1)], 2)

    def split(self, W, step):
        bias = self.bias(W)
        if bias is None or bias.grad is None:
            return super().split(W, step)
        return {W: step[..., :-1].reshape(W.shape), bias: step[..., -1].reshape(bias.shape)}


class BiasPerPlace(Joined):
    """The bias of a convolution sees the number of places, not 1."""

    def ones(self, layer, x, rows):
        return super().ones(layer, x, rows) * (rows.shape[1] / len(x))


class FirstMember(Uses):
    """Of a sequence the first member alone counts."""

    def rows(self, layer, x):
        if isinstance(layer, nn.Linear) and x.ndim == 3:
            x = x[:, :1].expand_as(x)
        return super().rows(layer, x)


class InOrder(Uses):
    """The inputs of the k-th layer that is called are taken for those of the k-th registered."""

    def watch(self, layer, inputs, output):
        self.called = [*getattr(self, "called", ()), self.rows(layer, inputs[0].detach())]
        super().watch(layer, inputs, output)

    def factors(self, weight):
        A, G = super().factors(weight)
        k = [m.weight is weight for m in self.layers].index(True)
        if len(self.called) == len(self.layers) and self.called[k].shape[2] == A.shape[1]:
            A = self.called[k].mT @ self.called[k] / self.called[k].shape[1]
        return [A, G]

    def step(self, closure=None):
        loss = super().step(closure)
        self.called = []
        return loss


class NoDilation(Uses):
    """The input factor is that of as many patches without dilation."""

    def rows(self, layer, x):
        right = super().rows(layer, x)
        if max(getattr(layer, "dilation", (1,))) == 1:
            return right
        dense = functional.unfold(x, layer.kernel_size, padding=layer.padding)
        return dense[..., : right.shape[1] // len(x)].mT.reshape(right.shape)
