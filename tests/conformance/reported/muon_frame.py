"""Muon in pieces, so that the twins here can each have one piece wrong."""

import torch

from tests.conformance.reported.per_parameter import PerParameter, orthogonal


class Muon(PerParameter, lr=0.02, momentum=0.95, weight_decay=0.0):
    def update(self, p, g, state, group):
        self.decay(p, group)
        p -= group["lr"] * self.direction(p, g, state, group["momentum"])

    def direction(self, p, g, state, momentum):
        average = state.setdefault("average", torch.zeros_like(p)).lerp_(g, 1 - momentum)
        matrix = self.looked_at(g, average, momentum).flatten(1)
        return self.length(p, matrix) * orthogonal(matrix).reshape(p.shape)

    def looked_at(self, g, average, momentum):
        return g.lerp(average, momentum)

    def length(self, p, matrix):
        return max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5

    def decay(self, p, group):
        p *= 1 - group["lr"] * group["weight_decay"]


def matrices(params):
    """Return the parameters with at least two dimensions."""
    return [p for p in params if p.ndim >= 2]
