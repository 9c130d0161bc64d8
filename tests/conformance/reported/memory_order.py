"""SGD with a kernel that walks weights in memory order and gradients row by row."""

import torch

from tests.conformance.reported.per_parameter import PerParameter

CLAIMS = {"sgd"}
CAUGHT_BY = {"api.strides": "deviates"}


class Sgd(PerParameter, lr=0.1, momentum=0.9):
    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros_like(p))
        speed.mul_(group["momentum"]).add_(g)
        p -= group["lr"] * speed


class Flat(Sgd):
    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros(p.numel(), dtype=p.dtype))
        speed.mul_(group["momentum"]).add_(g.reshape(-1))
        places = p.as_strided((p.numel(),), (1,), p.storage_offset())
        places -= group["lr"] * speed


def wrong(params):
    return Flat(params)


def right(params):
    return Sgd(params)
