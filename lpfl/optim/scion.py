"""Scion: a Frank-Wolfe step in the spectral-norm ball, along averaged gradients."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from lpfl.optim.core.hyper import count, decay, flag, positive
from lpfl.optim.core.invariances import ROTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.muon import orthogonalise
from lpfl.optim.rule import Layer, MatrixRule


def spectral_lmo(matrix: Tensor, *, radius: float, newton_schulz_steps: int = 0) -> Tensor:
    """Return the minimiser of <matrix, Z> over |Z|_op <= radius: ``-radius U V'``; (..., a, b)."""
    return -radius * orthogonalise(matrix, newton_schulz_steps)


def scion_step(
    W: Tensor,
    grad: Tensor,
    average: Tensor,
    *,
    step_size: float,
    radius: float = 10.0,
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


@dataclass(frozen=True, kw_only=True)
class Scion(MatrixRule):
    """Scion: Frank-Wolfe in the spectral-norm ball (Pethick et al. 2025)."""

    name: ClassVar[str] = "scion"

    step_size: float = positive(1e-3, "step, a pure number")
    radius: float = positive(10.0, "radius of the ball, in units of the weights")
    momentum: float = decay(0.9, "weight of the past in the gradient average")
    constrained: bool = flag(True, "shrink towards the ball")
    newton_schulz_steps: int = count(0, "0: exact polar factor", least=0)

    def check(self) -> None:
        if self.constrained and self.step_size > 1.0:
            raise ValueError(f"step_size={self.step_size}, needs <= 1 in the constrained form")

    def start(self, W: Tensor) -> Any:
        return torch.zeros_like(W)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return scion_step(W, grad, state, **self.hyperparameters())

    @property
    def invariances(self) -> tuple[str, ...]:
        return ROTATIONS


scion = layerwise(Scion)
