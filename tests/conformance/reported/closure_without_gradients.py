"""SOAP that runs its closure with gradients switched off."""

import torch

from tests.conformance.reported.per_parameter import PerParameter

CLAIMS = {"soap"}
CAUGHT_BY = {"api.closure": "limit"}


class Soap(PerParameter, lr=0.003, betas=(0.95, 0.95), shampoo_beta=0.95, eps=1e-08):
    """The first gradient only fills the statistics, as its authors do."""

    def update(self, p, g, state, group):
        if not state:
            state["t"], state["m"], state["v"] = 0, torch.zeros_like(p), torch.zeros_like(p)
            state["left"], state["right"] = (p.new_zeros(n, n) for n in p.shape)
        else:
            p -= group["lr"] * self.direction(g, state, group)
        mix = 1 - group["shampoo_beta"]
        for side, square in (("left", g @ g.T), ("right", g.T @ g)):
            state[side].lerp_(square, mix)
            wide = state[side].to(torch.promote_types(p.dtype, torch.float32))
            state[f"{side}_basis"] = torch.linalg.eigh(wide)[1].to(p.dtype)

    def direction(self, g, state, group):
        (b1, b2), left, right = group["betas"], state["left_basis"], state["right_basis"]
        state["t"] += 1
        state["m"].lerp_(g, 1 - b1)
        state["v"].lerp_((left.T @ g @ right) ** 2, 1 - b2)
        mean = left.T @ state["m"] @ right / (1 - b1 ** state["t"])
        root = (state["v"] / (1 - b2 ** state["t"])).sqrt() + group["eps"]
        return left @ (mean / root) @ right.T


class GradOff(Soap):
    grad_in_closure = False


def wrong(params):
    return GradOff([p for p in params if p.ndim == 2])


def right(params):
    return Soap([p for p in params if p.ndim == 2])
