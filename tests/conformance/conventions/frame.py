"""The outer loop of an optimizer that treats each parameter by itself."""

import torch


class PerParameter(torch.optim.Optimizer):
    """Calls ``change(p, g, state, group)`` for every parameter that has a gradient."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.change(p, p.grad, self.state[p], group)
        return loss


def adam_step(g, s, betas, eps):
    """Return Adam's direction and keep its moments."""
    if not s:
        s.update(t=0, m=torch.zeros_like(g), v=torch.zeros_like(g))
    s["t"] += 1
    s["m"].lerp_(g, 1 - betas[0])
    s["v"].lerp_(g * g, 1 - betas[1])
    m, v = (s[key] / (1 - b ** s["t"]) for key, b in zip("mv", betas, strict=True))
    return m / (v.sqrt() + eps)
