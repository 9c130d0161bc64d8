"""Shampoo whose inverse root is found by squarings, which is right for powers of two only."""

import math

import torch

from tests.conformance.reported.per_parameter import PerParameter

CLAIMS = {"shampoo"}
CAUGHT_BY = {"def.trajectory": "deviates"}


def squared(T, order):
    for _ in range(round(math.log2(order))):
        T = T @ T
    return T


def inverse_root(S, order, power):
    """Return S^(-1/order) by the coupled Newton iteration."""
    eye = torch.eye(len(S), dtype=S.dtype)
    start = (1 + order) / 2 / torch.linalg.matrix_norm(S, 2)
    M, root = start * S, start ** (1 / order) * eye
    for _ in range(100):
        if (M - eye).abs().max() < 1e-13:
            break
        T = ((order + 1) * eye - M) / order
        M, root = power(T, order) @ M, root @ T
    return root


class Shampoo(PerParameter, lr=0.1, epsilon=1e-06):
    power = staticmethod(torch.linalg.matrix_power)

    def update(self, p, g, state, group):
        if p.numel() == 0:
            return
        step = g
        for axis, side in enumerate(p.shape):
            rows = g.movedim(axis, 0).reshape(side, -1)
            eye = torch.eye(side, dtype=p.dtype)
            statistic = state.setdefault(f"S{axis}", group["epsilon"] * eye)
            statistic += rows @ rows.T
            wide = statistic.double()
            wide = wide + 4 * torch.finfo(p.dtype).eps * wide.norm() * eye.double()
            root = inverse_root(wide, 2 * p.ndim, self.power).to(p.dtype)
            step = torch.tensordot(root, step, dims=([1], [axis])).movedim(0, axis)
        p -= group["lr"] * step


class BySquaring(Shampoo):
    power = staticmethod(squared)


def wrong(params):
    return BySquaring(params)


def right(params):
    return Shampoo(params)
