"""A deep linear chain y = W_L ... W_2 W_1 x on the data of a linear representation.

Layers are a tuple, the first one nearest to the inputs: W_1 (R, k_1, d), ..., W_L (R, m, k_{L-1}).
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor

from lpfl.linalg import haar
from lpfl.problems.linear_representation.model import Batch, LinearRepresentation

Layers = tuple[Tensor, ...]


def above(layers: Sequence[Tensor], index: int) -> Tensor | None:
    """Return the product of all layers above layer ``index``; None stands for I."""
    return product(layers[index + 1 :]) if index + 1 < len(layers) else None


def below(layers: Sequence[Tensor], index: int) -> Tensor | None:
    """Return the product of all layers below layer ``index``; None stands for I."""
    return product(layers[:index]) if index > 0 else None


def product(layers: Sequence[Tensor]) -> Tensor:
    """Return W_L ... W_1. Raises ValueError for no layers or widths that do not meet."""
    if not layers:
        raise ValueError("layers=(), needs at least one layer")
    result = layers[0]
    for number, W in enumerate(layers[1:], start=2):
        if W.shape[-1] != result.shape[-2]:
            raise ValueError(f"layer {number} has {W.shape[-1]} inputs, needs {result.shape[-2]}")
        result = W @ result
    return result


def chain_gradients(layers: Sequence[Tensor], batch: Batch) -> Layers:
    """Return the gradients of 1/(2n) sum |y - W_L ... W_1 x|^2 in every layer."""
    residual = product(layers) @ batch.cov_x - batch.cross
    found = []
    for index in range(len(layers)):
        over, under = above(layers, index), below(layers, index)
        grad = residual if over is None else over.mT @ residual
        found.append(grad if under is None else grad @ under.mT)
    return tuple(found)


def draw_chain(
    problem: LinearRepresentation, widths: Sequence[int], generator: torch.Generator
) -> Layers:
    """Draw layers whose product is F* G*, with hidden widths k = rank <= k_2 <= ... <= m.

    The first layer is R_1 G*; every later one maps the k used directions of its inputs to those
    of its outputs, and is random of full rank on the others. Singular values are in [1/2, 2].
    Raises: ValueError unless the first width is the rank and the widths do not fall, up to m.
    """
    replicates, m, k = problem.head_star.shape
    outer = [*widths, m]
    if not widths or widths[0] != k or any(a > b for a, b in itertools.pairwise(outer)):
        raise ValueError(f"widths={list(widths)}, needs {k} <= ... <= {m}, none falling")
    dtype = problem.head_star.dtype
    layers = [_well_conditioned(replicates, k, k, generator, dtype)]
    for a, b in itertools.pairwise(widths):
        layers.append(_well_conditioned(replicates, b, a, generator, dtype))
    used = product(layers)  # (R, k_{L-1}, k), of rank k
    wide = widths[-1]
    left = torch.linalg.pinv(used)
    last = problem.head_star @ left
    if wide > k:
        # Outside the used directions the last layer is random, outside the range of F* as well.
        off_in = torch.eye(wide, dtype=dtype, device=used.device) - used @ left
        off_out = torch.eye(
            m, dtype=dtype, device=used.device
        ) - problem.head_star @ torch.linalg.pinv(problem.head_star)
        last = last + off_out @ _well_conditioned(replicates, m, wide, generator, dtype) @ off_in
    layers[0] = layers[0] @ problem.representation_star
    return (*layers, last)


def _well_conditioned(
    replicates: int, rows: int, columns: int, generator: torch.Generator, dtype: torch.dtype
) -> Tensor:
    """Draw (R, rows, columns), rows >= columns, with singular values in [1/2, 2]."""
    uniform = torch.rand(
        (replicates, columns), generator=generator, device=generator.device, dtype=dtype
    )
    left = haar(replicates, rows, generator, dtype)[..., :columns]
    return (left * torch.pow(2.0, 2 * uniform - 1).unsqueeze(-2)) @ haar(
        replicates, columns, generator, dtype
    )
