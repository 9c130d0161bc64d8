"""Shampoo that keeps its statistics in an object, which no checkpoint file may hold."""

import torch

from tests.conformance.reported.per_parameter import PerParameter

CLAIMS = {"shampoo"}
CAUGHT_BY = {"api.resume": "limit"}


def inverse_fourth_root(S, epsilon):
    wide = S.to(torch.promote_types(S.dtype, torch.float32))
    values, Q = torch.linalg.eigh(wide)
    return ((Q * (values.clamp(min=0) + epsilon) ** -0.25) @ Q.T).to(S.dtype)


class Statistics:
    def __init__(self, p):
        self.left, self.right = (p.new_zeros(n, n) for n in p.shape)


class Shampoo(PerParameter, lr=0.1, epsilon=1e-12):
    def statistics(self, p, state):
        if not state:
            state["left"], state["right"] = (p.new_zeros(n, n) for n in p.shape)
        return state["left"], state["right"]

    def update(self, p, g, state, group):
        left, right = self.statistics(p, state)
        left += g @ g.T
        right += g.T @ g
        left, right = (inverse_fourth_root(S, group["epsilon"]) for S in (left, right))
        p -= group["lr"] * left @ g @ right


class InObject(Shampoo):
    def statistics(self, p, state):
        held = state.setdefault("statistics", Statistics(p))
        return held.left, held.right


def wrong(params):
    return InObject([p for p in params if p.ndim == 2])


def right(params):
    return Shampoo([p for p in params if p.ndim == 2])
