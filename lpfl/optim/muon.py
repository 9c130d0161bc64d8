"""Muon: the momentum of each matrix replaced by its polar factor."""

import math

import torch
from torch import Tensor

from lpfl.linalg.spectral import newton_schulz, polar_factor
from lpfl.optim.invariances import ROTATIONS
from lpfl.optim.layerwise import layerwise
from lpfl.optim.method import (
    Hyperparameters,
    Method,
    require_choice,
    require_count,
    require_decay,
    require_non_negative,
    require_step_size,
)

SCALES = ("none", "aspect", "match_rms")


def orthogonalise(matrix: Tensor, steps: int) -> Tensor:
    """Return the exact polar factor (steps = 0) or ``steps`` Newton-Schulz steps towards it."""
    return newton_schulz(matrix, steps=steps) if steps else polar_factor(matrix)


def muon_scale(scale: str, rows: int, columns: int) -> float:
    """Return the factor on the step: 1, sqrt(max(1, rows/columns)) or 0.2 sqrt(max(rows, columns)).

    Source: "aspect" Jordan et al. 2024; "match_rms" Liu et al. 2025 (arXiv 2502.16982).
    """
    require_choice("scale", scale, SCALES)
    if scale == "aspect":
        return math.sqrt(max(1.0, rows / columns))
    return 0.2 * math.sqrt(max(rows, columns)) if scale == "match_rms" else 1.0


def muon_step(
    W: Tensor,
    grad: Tensor,
    average: Tensor,
    *,
    step_size: float,
    momentum: float = 0.95,
    nesterov: bool = True,
    weight_decay: float = 0.0,
    newton_schulz_steps: int = 0,
    scale: str = "none",
) -> tuple[Tensor, Tensor]:
    """Return weights and gradient average after one step on W (..., a, b).

    a+ = momentum a + (1 - momentum) grad, starting at zero; M = a+, or with Nesterov
    momentum a+ + (1 - momentum) grad; W+ = (1 - step_size weight_decay) W - step_size scale O(M),
    O the polar factor (newton_schulz_steps = 0: exact).
    Units: step_size in those of W, weight_decay in their inverse.
    Source: Jordan et al. 2024; weight decay as in Liu et al. 2025.
    """
    average = momentum * average + (1.0 - momentum) * grad
    seen = momentum * average + (1.0 - momentum) * grad if nesterov else average
    step = step_size * muon_scale(scale, *W.shape[-2:])
    shrunk = (1.0 - step_size * weight_decay) * W
    return shrunk - step * orthogonalise(seen, newton_schulz_steps), average


def muon(
    *,
    step_size: float = 1e-3,
    momentum: float = 0.95,
    nesterov: bool = True,
    weight_decay: float = 0.0,
    newton_schulz_steps: int = 0,
    scale: str = "none",
    head: str = "joint",
) -> Method:
    """Muon on head and representation; momentum 0 without Nesterov is the plain polar step."""
    require_step_size(step_size)
    require_decay("momentum", momentum)
    require_non_negative("weight_decay", weight_decay)
    require_count("newton_schulz_steps", newton_schulz_steps, least=0)
    require_choice("scale", scale, SCALES)

    def rule(W: Tensor, grad: Tensor, average: Tensor) -> tuple[Tensor, Tensor]:
        return muon_step(
            W,
            grad,
            average,
            step_size=step_size,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
            newton_schulz_steps=newton_schulz_steps,
            scale=scale,
        )

    hyperparameters: Hyperparameters = {
        "step_size": step_size,
        "momentum": momentum,
        "nesterov": nesterov,
        "weight_decay": weight_decay,
        "newton_schulz_steps": newton_schulz_steps,
        "scale": scale,
    }
    return layerwise(
        "muon",
        start=torch.zeros_like,
        rule=rule,
        head=head,
        hyperparameters=hyperparameters,
        invariances=ROTATIONS,
    )
