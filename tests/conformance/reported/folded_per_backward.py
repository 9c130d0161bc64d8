"""Muon hung on the backward pass: each micro-batch advances the momentum by itself."""

import torch

from tests.conformance.reported.muon_frame import Muon, matrices

CLAIMS = {"muon"}
CAUGHT_BY = {"api.micro-batches": "deviates"}


class OnBackward(Muon):
    def __init__(self, params, **options):
        super().__init__(params, **options)
        self.directions = {}
        for group in self.param_groups:
            for p in group["params"]:
                p.register_post_accumulate_grad_hook(self.fold)

    @torch.no_grad()
    def fold(self, p):
        parts, seen = self.directions.get(p, ([], torch.zeros_like(p)))
        (group,) = (g for g in self.param_groups if any(q is p for q in g["params"]))
        new = self.direction(p, p.grad - seen, self.state[p], group["momentum"])
        self.directions[p] = ([*parts, new], p.grad.clone())

    def update(self, p, g, state, group):
        if p not in self.directions:
            self.fold(p)
        parts, _ = self.directions.pop(p)
        p -= group["lr"] * sum(parts) / len(parts)


def wrong(params):
    return OnBackward(matrices(params))


def right(params):
    return Muon(matrices(params))
