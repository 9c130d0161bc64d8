"""diffGrad that keeps the gradient's own tensor as the previous gradient."""

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

CLAIMS = {"diffgrad"}
CAUGHT_BY = {"api.grad-buffer": "deviates", "api.alias": "limit"}


class DiffGrad(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-08):
    def kept(self, g):
        return g.clone()

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        change = (g - state.get("before", torch.zeros_like(g))).abs()
        state["before"] = self.kept(g)
        p -= group["lr"] * torch.sigmoid(change) * m / (v.sqrt() + group["eps"])


class ByReference(DiffGrad):
    def kept(self, g):
        return g


def wrong(params):
    return ByReference(params)


def right(params):
    return DiffGrad(params)
