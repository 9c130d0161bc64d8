"""A reading that differs from the paper's on many axes, and fits exactly."""

import pytest
import torch
from torch import nn

from lpfl import OptimizerSpec, check_optimizer


class BiasApart(torch.optim.Optimizer):
    """KFAC of the empirical Fisher for linear layers (nn.Linear); biases get plain steps."""

    def __init__(self, model, lr=0.01, damping=1e-3, factor_decay=0.95, weight_decay=0.0):
        options = {"lr": lr, "damping": damping, "weight_decay": weight_decay}
        options["factor_decay"] = factor_decay
        super().__init__(model.parameters(), options)
        self.layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
        self.seen, self.means = {}, {}
        for layer in self.layers:
            layer.register_forward_hook(self.keep)

    def keep(self, layer, inputs, output):
        if torch.is_grad_enabled() and output.requires_grad:
            rows = inputs[0].detach()
            output.register_hook(lambda g: self.seen.update({layer.weight: (rows, g * len(g))}))

    def split(self, A, G):
        return ((A.trace() / len(A)) / (G.trace() / len(G))) ** 0.5

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    way = self.way(p, **group) if p in self.seen else p.grad
                    p.sub_(group["lr"] * (way + group["weight_decay"] * p))
        self.seen.clear()

    def way(self, p, damping, factor_decay, **_):
        new = [rows.T @ rows / len(rows) for rows in self.seen[p]]
        past = self.means.get(p, new)
        pairs = zip(past, new, strict=True)
        A, G = self.means[p] = [factor_decay * S + (1 - factor_decay) * T for S, T in pairs]
        pi, root = self.split(A, G), damping**0.5
        left = G + root / pi * torch.eye(len(G)).to(G)
        right = A + root * pi * torch.eye(len(A)).to(A)
        return torch.linalg.inv(left) @ p.grad @ torch.linalg.inv(right)


class Squared(BiasApart):
    def split(self, A, G):
        return super().split(A, G) ** 2


@pytest.mark.parametrize(
    ("kind", "outcome"), [(BiasApart, "documented variant"), (Squared, "deviates")]
)
def test_an_exact_reading_far_from_the_paper_is_taken(kind, outcome):
    spec = OptimizerSpec("s", kind, claims={"kfac"}, needs={"model"})
    report = check_optimizer(spec, on_fail=None, checks=["def.trajectory"])
    (found,) = report.results
    assert str(found.outcome) == outcome, found.message
