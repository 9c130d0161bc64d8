"""A gradient whitened by its own summed second moments, right and broken."""

import torch


class Whitened(torch.optim.Optimizer):
    """G (sum of G'G + damping)^{-1}: no invertible map of the inputs is felt, damping aside."""

    def __init__(self, params, lr=0.1, damping=1e-12):
        super().__init__(params, {"lr": lr, "damping": damping})

    def inverse(self, R, damping):
        return torch.linalg.inv(R + damping * torch.eye(len(R), dtype=R.dtype))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state["R"] = state.get("R", 0) + p.grad.T @ p.grad
                p.sub_(p.grad @ self.inverse(state["R"], group["damping"]), alpha=group["lr"])


class Damped(Whitened):
    """The same, with a damping that is felt."""

    def __init__(self, params, lr=0.1, damping=0.1):
        super().__init__(params, lr, damping)


class Fixed(torch.optim.Optimizer):
    """A damping of 0.1 that is no option."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state["R"] = state.get("R", 0) + p.grad.T @ p.grad
                eye = torch.eye(p.shape[1], dtype=p.dtype)
                p.sub_(p.grad @ torch.linalg.inv(state["R"] + 0.1 * eye), alpha=group["lr"])


class Diagonal(Whitened):
    """The diagonal in place of the matrix."""

    def inverse(self, R, damping):
        return torch.diag(1 / (R.diagonal() + damping))


class Root(Whitened):
    """The inverse square root in place of the inverse."""

    def inverse(self, R, damping):
        values, basis = torch.linalg.eigh(R)
        return (basis * (values.clamp(min=0) + damping) ** -0.5) @ basis.T


class DampedLate(Whitened):
    """Damping added after the inversion."""

    def __init__(self, params, lr=0.1, damping=1e-2):
        super().__init__(params, lr, damping)

    def inverse(self, R, damping):
        return super().inverse(R, 1e-12) + damping * torch.eye(len(R), dtype=R.dtype)
