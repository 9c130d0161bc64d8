"""The frame of the small optimizers here: one update per parameter, closures done right."""

import torch


class PerParameter(torch.optim.Optimizer):
    """``update(p, g, state, group)`` changes one parameter in place.

    Default options are given with the class: ``class Sgd(PerParameter, lr=0.1)``.
    """

    def __init_subclass__(cls, **defaults):
        cls.of_method = {**getattr(cls, "of_method", {}), **defaults}

    def __init__(self, params, **options):
        super().__init__(params, {**self.of_method, **options})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.set_grad_enabled(self.grad_in_closure):
                loss = closure()
        for group in self.param_groups:
            self.run(group)
        return loss

    grad_in_closure = True

    def run(self, group):
        for p in group["params"]:
            if p.grad is not None:
                self.update(p, p.grad, self.state[p], group)

    def update(self, p, g, state, group):
        raise NotImplementedError


def moments(p, g, state, group, *, dtype=None):
    """Advance and return the two moving averages and the step count."""
    if "m" not in state:
        state["t"] = 0
        state["m"] = torch.zeros_like(p, dtype=dtype)
        state["v"] = torch.zeros_like(p, dtype=dtype)
    state["t"] += 1
    b1, b2 = group["betas"]
    g = g.to(state["m"].dtype)
    return state["m"].lerp_(g, 1 - b1), state["v"].lerp_(g * g, 1 - b2), state["t"]


def corrected(m, v, t, group):
    """Return both averages without their start-up bias."""
    b1, b2 = group["betas"]
    return m / (1 - b1**t), v / (1 - b2**t)


def orthogonal(matrix, rounds=5):
    """Return roughly the nearest matrix with orthonormal rows or columns (quintic iteration)."""
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T, rounds).T
    x = matrix / matrix.norm().clamp(min=1e-30)
    for _ in range(rounds):
        square = x @ x.T
        x = 3.4445 * x - 4.775 * square @ x + 2.0315 * square @ square @ x
    return x
