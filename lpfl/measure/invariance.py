"""How far training moves when inputs or gauge are transformed: a fingerprint of an optimizer.

Two runs see the same rows, one of them through x -> A x with the matched start G -> G A^{-1}, or
in another gauge, G -> R G and F -> F R^{-1}. Both start from the same network function; an
optimizer is invariant if they stay equal.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from lpfl.linalg import haar, orthonormal_rows
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.invariances import GAUGES
from lpfl.optim.core.method import Method
from lpfl.problems.linear_representation import (
    Batch,
    LinearRepresentation,
    Weights,
    batch_of_rows,
    draw_head,
    draw_representation,
    sample,
)
from lpfl.seeding import generator
from lpfl.simulate import simulate

TRANSFORMS = (
    "rotation",
    "permutation",
    "signed_permutation",
    "scale",
    "diagonal",
    "general",
    "gauge_rotation",
    "gauge",
)
NEAR_IDENTITY = "near_identity"


def draw_transform(
    transform: str, dim: int, replicates: int, stream: torch.Generator, *, dtype: torch.dtype
) -> Tensor:
    """Draw invertible matrices (replicates, dim, dim) of the kind ``transform``.

    "scale" is 2 I; "diagonal" has entries 2^u, u uniform in [-1, 1]; "general" and "gauge" have
    such singular values between Haar bases; "rotation" and "gauge_rotation" are Haar;
    "near_identity" is I + nudge(dtype) times a general one.
    Raises: ValueError for an unknown kind.
    """
    device = stream.device
    eye = torch.eye(dim, dtype=dtype, device=device).expand(replicates, dim, dim)
    if transform in ("rotation", "gauge_rotation"):
        return haar(replicates, dim, stream, dtype)
    if transform in ("permutation", "signed_permutation"):
        order = torch.rand(replicates, dim, generator=stream, device=device).argsort(-1)
        permuted = eye.gather(-2, order.unsqueeze(-1).expand(replicates, dim, dim))
        if transform == "permutation":
            return permuted
        signs = torch.randint(0, 2, (replicates, dim), generator=stream, device=device) * 2 - 1
        return permuted * signs.unsqueeze(-1)
    if transform == "scale":
        return 2.0 * eye
    uniform = torch.rand(replicates, dim, generator=stream, device=device, dtype=dtype)
    singular = torch.pow(2.0, 2.0 * uniform - 1.0)
    if transform == "diagonal":
        return torch.diag_embed(singular)
    if transform in ("general", "gauge"):
        left, right = (haar(replicates, dim, stream, dtype) for _ in range(2))
        return (left * singular.unsqueeze(-2)) @ right
    if transform == NEAR_IDENTITY:
        return eye + nudge(dtype) * draw_transform("general", dim, replicates, stream, dtype=dtype)
    raise ValueError(f"transform={transform!r}, needs one of {TRANSFORMS}")


def nudge(dtype: torch.dtype) -> float:
    """Return the root of epsilon: far above rounding, and the square of it drops out."""
    return float(torch.finfo(dtype).eps ** 0.5)


def magnification(
    method_factory: Callable[[], Method], *, dtype: torch.dtype = torch.float64, **run: Any
) -> float:
    """Return the deviation per size of a map of the inputs close to the identity.

    It says how much a run magnifies a small change of what it reads, rounding included. run: as
    for :func:`input_transform_deviation`.
    """
    moved = input_transform_deviation(method_factory, transform=NEAR_IDENTITY, dtype=dtype, **run)
    return moved / nudge(dtype)


def input_transform_deviation(
    method_factory: Callable[[], Method],
    *,
    transform: str,
    input_dim: int = 6,
    output_dim: int = 4,
    rank: int = 2,
    batch_size: int = 60,
    noise_std: float = 0.5,
    steps: int = 20,
    seed: int = 0,
    replicates: int = 4,
    dtype: torch.dtype = torch.float64,
    device: str = "cpu",
) -> float:
    """Return the largest relative deviation over replicates after ``steps`` fresh batches.

    The deviation is |M' A - M|_F / |M - M_0|_F, with M = F G the map of the plain run, M_0 its
    start, M' A the map of the transformed run read in the plain coordinates: predictions of the
    two networks on white inputs, per unit of what training changed. Inputs are white Gaussian in
    the plain run. Starts of methods that keep orthonormal rows are orthonormalised in both runs.
    Raises: ValueError for an unknown transform, bad sizes, or a method whose weights overflow.
    """
    if transform not in (*TRANSFORMS, NEAR_IDENTITY):
        raise ValueError(f"transform={transform!r}, needs one of {TRANSFORMS}")
    if steps < 1:
        raise ValueError(f"steps={steps}, needs >= 1")

    def stream(name: str) -> torch.Generator:
        return generator(seed, "invariance", name, device=device)

    problem, start = draw_run(
        replicates, input_dim, output_dim, rank, noise_std, stream("problem"), dtype
    )
    in_gauge = transform in GAUGES
    dim = rank if in_gauge else input_dim
    A = draw_transform(transform, dim, replicates, stream(transform), dtype=dtype)
    maps = []
    for moved in (False, True):
        method = method_factory()
        rows = stream("rows")
        twin = start
        if moved:
            twin = change_gauge(start, A) if in_gauge else change_inputs(start, A)
        if method.orthonormal:
            twin = Weights(twin.head, orthonormal_rows(twin.representation))
        through = A if moved and not in_gauge else None
        end, _ = simulate(
            method, twin, data(problem, rows, method.batches, batch_size, through), num_steps=steps
        )
        product = end.head @ end.representation
        maps.append(product if through is None else product @ through)
    gap = torch.linalg.matrix_norm(maps[1] - maps[0])
    path = torch.linalg.matrix_norm(maps[0] - start.head @ start.representation)
    return float((gap / path).max())


def draw_run(
    replicates: int,
    input_dim: int,
    output_dim: int,
    rank: int,
    noise_std: float,
    stream: torch.Generator,
    dtype: torch.dtype,
) -> tuple[LinearRepresentation, Weights]:
    """Draw a problem with white inputs and a generic start of the same sizes."""
    eigenvalues = torch.ones(rank, dtype=dtype, device=stream.device)
    eye = torch.eye(input_dim, dtype=dtype, device=stream.device)
    problem = LinearRepresentation(
        draw_head(replicates, eigenvalues, output_dim, stream),
        draw_representation(replicates, rank, input_dim, stream, dtype),
        eye,
        eye,
        noise_std,
    )
    head = draw_head(replicates, eigenvalues, output_dim, stream)
    return problem, Weights(head, draw_representation(replicates, rank, input_dim, stream, dtype))


def change_inputs(weights: Weights, A: Tensor) -> Weights:
    """Return the weights of the same function of A x: G A^{-1}."""
    return Weights(weights.head, torch.linalg.solve(A, weights.representation, left=False))


def change_gauge(weights: Weights, R: Tensor) -> Weights:
    """Return the weights R G and F R^{-1} of the same function."""
    head = torch.linalg.solve(R, weights.head, left=False)
    return Weights(head, R @ weights.representation)


def data(
    problem: LinearRepresentation,
    rows: torch.Generator,
    batches: int,
    batch_size: int,
    A: Tensor | None,
) -> Callable[[int], Batch | tuple[Batch, ...]]:
    """Return the source of batches of a run, its inputs seen through x -> A x."""

    def draw() -> Batch:
        batch = sample(problem, batch_size, rows)
        if A is None:
            return batch
        assert batch.inputs is not None
        assert batch.targets is not None
        return batch_of_rows(batch.inputs @ A.mT, batch.targets)

    def next_batch(t: int) -> Batch | tuple[Batch, ...]:
        return draw() if batches == 1 else tuple(draw() for _ in range(batches))

    return next_batch


def invariance_table(
    factories: Mapping[str, Callable[[], Method]] = OPTIMIZERS,
    *,
    transforms: Iterable[str] = TRANSFORMS,
    steps: int = 20,
    seed: int = 0,
) -> dict[str, dict[str, float]]:
    """Return name -> transform -> deviation, for factories called without arguments."""
    return {
        name: {
            transform: input_transform_deviation(
                factory, transform=transform, steps=steps, seed=seed
            )
            for transform in transforms
        }
        for name, factory in factories.items()
    }
