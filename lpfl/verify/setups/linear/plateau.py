"""Runs of joint KFAC until an angle is reached, in the inner product of the input covariance."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lpfl import linalg
from lpfl.linalg import standard_normal
from lpfl.optim.kfac.joint import kfac_joint
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.trial import Trial


def largest_tangents(problem: model.LinearRepresentation, representation: Tensor) -> Tensor:
    """Return the tangent (R,) of the largest principal angle in the inner product of Sigma."""
    rows = linalg.orthonormal_rows(problem.representation_star @ problem.root)
    return linalg.principal_tangents(representation @ problem.root, rows)[..., 0]


def steps_until(
    problem: model.LinearRepresentation,
    start: model.Weights,
    *,
    step_size: float,
    tan_angle: float,
    horizon: int,
) -> Tensor:
    """Return when each replicate first reaches ``tan_angle``, in steps (R,).

    Between two steps the logarithm of the tangent is taken as linear. A replicate that does not
    reach it within ``horizon`` steps counts with them.
    """
    batch = model.population_batch(problem)
    method = kfac_joint(step_size=step_size, head_step_size=step_size)
    _, seen = simulate(
        method,
        start,
        lambda t: batch,
        num_steps=horizon,
        observe={"tangents": lambda w: largest_tangents(problem, w.representation)},
    )
    logs = (
        seen["tangents"].log()
        - torch.as_tensor(tan_angle, dtype=batch.cov_x.dtype, device=batch.cov_x.device).log()
    )
    reached = logs <= 0.0
    first = torch.where(reached.any(0), reached.to(torch.int8).argmax(0), horizon).clamp(min=1)
    before, after = (logs.gather(0, index[None])[0] for index in (first - 1, first))
    return first - 1 + (before / (before - after)).clamp(0.0, 1.0)


@dataclass(frozen=True)
class ManifoldStart:
    """A start of rank 1 on the unstable manifold of the plateau, with its sizes (R,)."""

    problem: model.LinearRepresentation
    weights: model.Weights
    complement_size: Tensor
    head_off_size: Tensor
    start_overlap: Tensor
    head_eigenvalue: Tensor


def manifold_start(trial: Trial, problem: model.LinearRepresentation) -> ManifoldStart:
    """Return starts for the first direction of a truth: sizes in [1/2, 2], overlap 2 to 20 %."""
    one = replace(
        problem,
        head_star=problem.head_star[..., :1],
        representation_star=problem.representation_star[..., :1, :],
    )
    replicates = one.head_star.shape[0]
    stream, dtype = trial.stream("manifold"), problem.head_star.dtype
    uniform = torch.rand((3, replicates), generator=stream, dtype=dtype, device=stream.device)
    s, f = torch.pow(2.0, 2.0 * uniform[0] - 1.0), torch.pow(2.0, 2.0 * uniform[1] - 1.0)
    y = s * 0.02 * torch.pow(10.0, uniform[2])
    whitened = one.representation_star @ problem.root
    length = whitened.norm(dim=-1, keepdim=True)
    inside, head = whitened / length, one.head_star * length
    size = head.norm(dim=-2, keepdim=True)

    def across(direction: Tensor) -> Tensor:
        """Return random unit rows orthogonal to unit rows (R, 1, .)."""
        basis = linalg.complement_rows(direction)
        drawn = standard_normal(replicates, 1, basis.shape[-2], generator=stream, dtype=dtype)
        return drawn / drawn.norm(dim=-1, keepdim=True) @ basis

    column = [value.reshape(-1, 1, 1) for value in (s, f, y)]
    along = (head / size).mT
    G = (column[2] * inside + column[0] * across(inside)) @ torch.linalg.inv(problem.root)
    growing = column[1] / column[0] * column[2]
    F = (growing * along + column[1] * across(along)).mT
    return ManifoldStart(one, model.Weights(F, G), s, f, y, size.reshape(-1).square())


def random_start(
    trial: Trial, problem: model.LinearRepresentation, name: str = "random start"
) -> model.Weights:
    """Return Gaussian layers whose rows have mean squared norm 1."""
    replicates, m, k = problem.head_star.shape
    d, dtype, stream = problem.cov_x.shape[-1], problem.head_star.dtype, trial.stream(name)
    F = standard_normal(replicates, m, k, generator=stream, dtype=dtype) / k**0.5
    return model.Weights(
        F, standard_normal(replicates, k, d, generator=stream, dtype=dtype) / d**0.5
    )
