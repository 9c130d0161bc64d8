"""Muon: the momentum of each matrix replaced by its polar factor."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from lpfl.guards import require_choice
from lpfl.linalg.spectral import newton_schulz, polar_factor
from lpfl.optim.core.average import blended
from lpfl.optim.core.hyper import choice, count, decay, flag, non_negative, positive
from lpfl.optim.core.invariances import ROTATIONS
from lpfl.optim.drive import layerwise
from lpfl.optim.rule import Layer, MatrixRule

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
    average = blended(average, grad, momentum)
    seen = blended(average, grad, momentum) if nesterov else average
    step = step_size * muon_scale(scale, *W.shape[-2:])
    shrunk = (1.0 - step_size * weight_decay) * W if weight_decay else W
    return shrunk.sub(orthogonalise(seen, newton_schulz_steps), alpha=step), average


@dataclass(frozen=True, kw_only=True)
class Muon(MatrixRule):
    """Muon: the polar factor of the momentum (Jordan et al. 2024)."""

    name: ClassVar[str] = "muon"

    step_size: float = positive(1e-3, "step size, in units of the weights")
    momentum: float = decay(0.95, "weight of the past in the gradient average")
    nesterov: bool = flag(True, "look ahead by one average")
    weight_decay: float = non_negative(0.0, "decay, in inverse units of the step size")
    newton_schulz_steps: int = count(0, "0: exact polar factor", least=0)
    scale: str = choice("none", "factor of the step by shape", among=SCALES)

    def start(self, W: Tensor) -> Any:
        return torch.zeros_like(W)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        return muon_step(W, grad, state, **self.hyperparameters())

    @property
    def invariances(self) -> tuple[str, ...]:
        return ROTATIONS


muon = layerwise(Muon)
