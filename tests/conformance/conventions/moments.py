"""Adam's direction, for methods that step by it in part."""

import torch


def adam_step(g, s, betas, eps):
    """Return Adam's direction and keep its moments."""
    if not s:
        s.update(t=0, m=torch.zeros_like(g), v=torch.zeros_like(g))
    s["t"] += 1
    s["m"].lerp_(g, 1 - betas[0])
    s["v"].lerp_(g * g, 1 - betas[1])
    m, v = (s[key] / (1 - b ** s["t"]) for key, b in zip("mv", betas, strict=True))
    return m / (v.sqrt() + eps)
