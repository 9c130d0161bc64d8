"""Scion: a Frank-Wolfe step in the spectral-norm ball, along averaged gradients."""

import torch
from torch import Tensor

from lpfl.optim.invariances import ROTATIONS
from lpfl.optim.layerwise import layerwise
from lpfl.optim.method import Method, require_count, require_decay, require_step_size
from lpfl.optim.muon import orthogonalise


def spectral_lmo(matrix: Tensor, *, radius: float, newton_schulz_steps: int = 0) -> Tensor:
    """Return the minimiser of <matrix, Z> over |Z|_op <= radius: ``-radius U V'``; (..., a, b)."""
    return -radius * orthogonalise(matrix, newton_schulz_steps)


def scion_step(
    W: Tensor,
    grad: Tensor,
    average: Tensor,
    *,
    step_size: float,
    radius: float = 1.0,
    momentum: float = 0.9,
    constrained: bool = True,
    newton_schulz_steps: int = 0,
) -> tuple[Tensor, Tensor]:
    """Return weights and gradient average after one step on W (..., a, b).

    a+ = momentum a + (1 - momentum) grad, starting at zero; Z = lmo(a+);
    W+ = (1 - step_size) W + step_size Z, or W + step_size Z if not constrained. The constrained
    form keeps |W|_op <= radius (exact lmo, step_size <= 1). ``momentum`` is the weight of the past.
    Units: step_size a pure number, radius in those of W.
    Source: Pethick et al. 2025 (arXiv 2502.07529), spectral norm on both layers, no factor of
    the layer's aspect.
    """
    average = momentum * average + (1.0 - momentum) * grad
    Z = spectral_lmo(average, radius=radius, newton_schulz_steps=newton_schulz_steps)
    kept = 1.0 - step_size if constrained else 1.0
    return kept * W + step_size * Z, average


def scion(
    *,
    step_size: float = 1e-3,
    radius: float = 10.0,
    momentum: float = 0.9,
    constrained: bool = True,
    newton_schulz_steps: int = 0,
    head: str = "joint",
) -> Method:
    """Scion on head and representation.

    Raises: ValueError unless step_size > 0 (<= 1 if constrained), radius > 0, 0 <= momentum < 1.
    """
    require_step_size(step_size)
    require_step_size(radius, "radius")
    require_decay("momentum", momentum)
    require_count("newton_schulz_steps", newton_schulz_steps, least=0)
    if constrained and step_size > 1.0:
        raise ValueError(f"step_size={step_size}, needs <= 1 in the constrained form")

    def rule(W: Tensor, grad: Tensor, average: Tensor) -> tuple[Tensor, Tensor]:
        return scion_step(
            W,
            grad,
            average,
            step_size=step_size,
            radius=radius,
            momentum=momentum,
            constrained=constrained,
            newton_schulz_steps=newton_schulz_steps,
        )

    hyperparameters = {
        "step_size": step_size,
        "radius": radius,
        "momentum": momentum,
        "constrained": constrained,
        "newton_schulz_steps": newton_schulz_steps,
    }
    return layerwise(
        "scion",
        start=torch.zeros_like,
        rule=rule,
        head=head,
        hyperparameters=hyperparameters,
        invariances=ROTATIONS,
    )
