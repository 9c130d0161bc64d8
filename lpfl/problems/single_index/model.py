"""Single-index regression: Gaussian inputs, one hidden direction, a scalar link.

``x ~ N(0, Sigma)`` in R^d and ``y = g(beta* . x) + noise_std * xi``. Every tensor carries a
leading replicate axis R; the covariance is shared by the replicates, the teacher is not.
A covariance is a dense matrix (d, d) or, for the cheap diagonal case, its diagonal (d,).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg import require_finite, require_symmetric
from lpfl.problems.links import Scalar, link_function

INPUT_LAW = "gaussian"  # of the rows that `sample` and `sample_moments` draw


@guards.on_tensors
def covariance_root(covariance: Tensor) -> Tensor:
    """Return L with ``L L^T = Sigma``: entrywise root of a diagonal (d,), Cholesky of (d, d).

    Raises: ValueError if the covariance is not finite, symmetric and positive definite.
    """
    guards.tensor("covariance", covariance, 1)
    if covariance.ndim not in (1, 2) or covariance.shape[0] != covariance.shape[-1]:
        raise ValueError(f"covariance has shape {tuple(covariance.shape)}, needs (d,) or (d, d)")
    require_finite("covariance", covariance)
    if covariance.ndim == 1:
        smallest = float(covariance.min())
        if smallest <= 0:
            raise ValueError(f"covariance has eigenvalue {smallest}, needs > 0")
        return covariance.sqrt()
    require_symmetric("covariance", covariance)
    root, info = torch.linalg.cholesky_ex(covariance)
    if int(info):
        smallest = float(torch.linalg.eigvalsh(covariance)[0])
        raise ValueError(f"covariance has eigenvalue {smallest}, needs > 0")
    return root


@guards.on_tensors
def times_covariance(vectors: Tensor, covariance: Tensor) -> Tensor:
    """Return ``v Sigma`` for rows v of (..., d), with a dense or a diagonal covariance."""
    return vectors * covariance if covariance.ndim == 1 else vectors @ covariance


@guards.on_tensors
def times_root(rows: Tensor, root: Tensor) -> Tensor:
    """Return ``u L^T`` for rows u of (..., d): standard normal rows become N(0, Sigma)."""
    return rows * root if root.ndim == 1 else rows @ root.mT


@guards.on_tensors
def normalised_teacher(teacher: Tensor, covariance: Tensor) -> Tensor:
    """Rescale each teacher of (R, d) so that ``beta*^T Sigma beta* = 1``.

    Raises: ValueError for a zero teacher.
    """
    power = (teacher * times_covariance(teacher, covariance)).sum(-1, keepdim=True)
    if not bool((power > 0).all()):
        raise ValueError(f"teacher has power {float(power.min())}, needs > 0")
    return teacher / power.sqrt()


@dataclass(frozen=True)
class SingleIndexProblem:
    """A single-index regression problem with R replicates of the teacher.

    Shapes: covariance (d,) or (d, d); teacher (R, d), used as given. teacher_law says how it was
    drawn: "isotropic", or "given" for any other way.
    Units:  inputs in [x], teacher in 1/[x], targets and noise_std in [y].
    Raises: ValueError on a covariance that is not positive definite, a teacher of another
            size or dtype, a negative or infinite noise_std, an unknown link name.
    """

    covariance: Tensor
    teacher: Tensor
    link: str | Scalar = "tanh"
    noise_std: float = 0.0
    teacher_law: str = "given"

    def __post_init__(self) -> None:
        covariance_root(self.covariance)
        link_function(self.link)
        guards.tensor("teacher", self.teacher, 1)
        dim = self.covariance.shape[0]
        if self.teacher.ndim != 2 or self.teacher.shape[1] != dim:
            raise ValueError(f"teacher has shape {tuple(self.teacher.shape)}, needs (R, {dim})")
        if self.teacher.dtype != self.covariance.dtype:
            raise ValueError(
                f"teacher has dtype {self.teacher.dtype}, needs {self.covariance.dtype}"
            )
        require_finite("teacher", self.teacher)
        guards.number("noise_std", self.noise_std, least=0.0)

    @property
    def replicates(self) -> int:
        return self.teacher.shape[0]

    @property
    def dim(self) -> int:
        return self.teacher.shape[1]


@dataclass(frozen=True)
class Sample:
    """Rows of a problem: inputs (R, n, d) and targets (R, n)."""

    inputs: Tensor
    targets: Tensor


@guards.on_tensors
def draw_problem(
    covariance: Tensor,
    *,
    replicates: int,
    generator: torch.Generator,
    link: str | Scalar = "tanh",
    noise_std: float = 0.0,
) -> SingleIndexProblem:
    """Draw isotropic teachers N(0, I/d), rescaled so that ``beta*^T Sigma beta* = 1``.

    Raises: ValueError if replicates < 1, and as ``SingleIndexProblem``.
    """
    guards.count("replicates", replicates)
    covariance_root(covariance)
    size = (replicates, covariance.shape[0])
    teacher = torch.randn(
        size, generator=generator, dtype=covariance.dtype, device=generator.device
    )
    teacher = normalised_teacher(teacher, covariance)
    return SingleIndexProblem(covariance, teacher, link, noise_std, "isotropic")


@guards.on_tensors
def draw_targets(
    problem: SingleIndexProblem, index: Tensor, *, generator: torch.Generator
) -> Tensor:
    """Return targets ``g(index) + noise`` for index values ``beta* . x`` of any shape."""
    clean = link_function(problem.link)(index)
    if problem.noise_std == 0:
        return clean
    noise = torch.randn(index.shape, generator=generator, dtype=index.dtype, device=index.device)
    return clean + problem.noise_std * noise


@guards.on_tensors
def sample(problem: SingleIndexProblem, n: int, *, generator: torch.Generator) -> Sample:
    """Draw n independent rows for each replicate: inputs (R, n, d), targets (R, n).

    Raises: ValueError if n < 1.
    """
    guards.count("n", n)
    size = (problem.replicates, n, problem.dim)
    white = torch.randn(
        size, generator=generator, dtype=problem.teacher.dtype, device=generator.device
    )
    inputs = times_root(white, covariance_root(problem.covariance))
    index = torch.einsum("rnd,rd->rn", inputs, problem.teacher)
    return Sample(inputs, draw_targets(problem, index, generator=generator))
