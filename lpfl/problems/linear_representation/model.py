"""Linear representation learning: y = F* G* x + eps, model y = F G x.

Shapes carry a leading replicate axis: F (R, m, k), G (R, k, d), batches (R, n, .).
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from lpfl import guards
from lpfl.linalg import (
    complement_rows,
    gram,
    haar,
    once,
    require_finite,
    require_positive_definite,
    right_solve,
    standard_normal,
    vec,
)

INPUT_LAWS = ("gaussian", "rademacher")


class Weights(NamedTuple):
    """What is learned: head F (R, m, k) and representation G (R, k, d)."""

    head: Tensor
    representation: Tensor


class Batch(NamedTuple):
    """What a step may see of the data.

    cov_x: X'X/n (R, d, d), in [x]^2. cross: Y'X/n (R, m, d), in [x][y]. inputs, targets: the
    rows (R, n, d), (R, n, m), absent for a population batch or sufficient statistics.
    """

    cov_x: Tensor
    cross: Tensor
    inputs: Tensor | None = None
    targets: Tensor | None = None


@dataclass(frozen=True)
class LinearRepresentation:
    """The truth behind the data.

    head_star (R, m, k) full column rank; representation_star (R, k, d) orthonormal rows;
    cov_x (d, d) or (R, d, d) positive definite, root its symmetric root; noise_std >= 0;
    input_law: "gaussian" (x ~ N(0, Sigma)) or "rademacher" (x = Sigma^{1/2} Unif{-1,+1}^d).
    """

    head_star: Tensor
    representation_star: Tensor
    cov_x: Tensor
    root: Tensor
    noise_std: float
    input_law: str = "gaussian"

    def __post_init__(self) -> None:
        if self.input_law not in INPUT_LAWS:
            raise ValueError(f"input_law={self.input_law!r}, needs one of {INPUT_LAWS}")
        guards.number("noise_std", self.noise_std, least=0.0)
        require_positive_definite("cov_x", self.cov_x)
        for name in ("head_star", "representation_star"):
            require_finite(name, getattr(self, name))
        d = self.cov_x.shape[-1]
        k = self.representation_star.shape[-2]
        if self.representation_star.shape[-1] != d:
            raise ValueError(
                f"representation_star has {self.representation_star.shape[-1]} columns, needs {d}"
            )
        if self.head_star.shape[-1] != k or self.head_star.shape[-2] < k:
            raise ValueError(
                f"head_star has shape {tuple(self.head_star.shape)}, needs (.., m >= {k}, {k})"
            )

    @property
    def product_star(self) -> Tensor:
        """F* G* (R, m, d)."""
        F, G = once(self.head_star), once(self.representation_star)
        replicates = max(len(self.head_star), len(self.representation_star))
        return (F @ G).expand(replicates, -1, -1)

    @property
    def complement(self) -> Tensor:
        """Orthonormal rows (R, d-k, d) spanning the complement of the rows of G*."""
        return complement_rows(self.representation_star)


@guards.on_tensors
def draw_head(
    replicates: int, eigenvalues: Tensor, output_dim: int, generator: torch.Generator
) -> Tensor:
    """Draw heads (R, m, k) with F'F of the given eigenvalues (k,), bases Haar."""
    guards.tensor("eigenvalues", eigenvalues, 1)
    k = eigenvalues.shape[-1]
    if guards.count("output_dim", output_dim) < k:
        raise ValueError(f"output_dim={output_dim}, needs >= rank={k}")
    left = haar(replicates, output_dim, generator, eigenvalues.dtype)[..., :k]
    return (left * eigenvalues.sqrt()) @ haar(replicates, k, generator, eigenvalues.dtype)


@guards.on_tensors
def draw_representation(
    replicates: int,
    rank: int,
    input_dim: int,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Draw representations (R, k, d) with orthonormal Haar rows."""
    guards.count("rank", rank)
    if rank >= guards.count("input_dim", input_dim):
        raise ValueError(f"rank={rank}, needs 1 <= . < input_dim={input_dim}")
    return haar(replicates, input_dim, generator, dtype)[:, :rank]


@guards.on_tensors
def tilt(
    representation_star: Tensor,
    tan_angle: float,
    generator: torch.Generator,
    *,
    gauge: bool = True,
) -> Tensor:
    """Return G = R (G* + T B) whose largest principal angle has tangent ``tan_angle``.

    T (k, d-k) is Gaussian, scaled; R a random invertible gauge (singular values in [1/2, 2]),
    the identity if ``gauge`` is false.
    """
    guards.truth("gauge", gauge)
    tan_angle = guards.number("tan_angle", tan_angle, least=0.0)
    guards.tensor("representation_star", representation_star, 3)
    replicates, k, d = representation_star.shape
    dtype = representation_star.dtype
    T = standard_normal(replicates, k, d - k, generator=generator, dtype=dtype)
    T = T * (tan_angle / torch.linalg.matrix_norm(T, ord=2))[:, None, None]
    G = representation_star + T @ complement_rows(representation_star)
    if not gauge:
        return G
    uniform = torch.rand((replicates, k), generator=generator, device=generator.device, dtype=dtype)
    left, right = (haar(replicates, k, generator, G.dtype) for _ in range(2))
    return (left * torch.pow(2.0, 2 * uniform - 1).unsqueeze(-2)) @ right @ G


def population_batch(problem: LinearRepresentation) -> Batch:
    """Return the moments at infinite batch size: Sigma and F* G* Sigma."""
    replicates = problem.head_star.shape[0]
    cov_x = problem.cov_x.expand(replicates, *problem.cov_x.shape[-2:])
    return Batch(cov_x, problem.product_star @ cov_x)


@guards.on_tensors
def batch_of_rows(inputs: Tensor, targets: Tensor) -> Batch:
    """Return the moments of rows X (R, n, d), Y (R, n, m), which are kept."""
    n = inputs.shape[-2]
    return Batch(gram(inputs) / n, targets.mT @ inputs / n, inputs, targets)


@guards.on_tensors
def sample(problem: LinearRepresentation, batch_size: int, generator: torch.Generator) -> Batch:
    """Draw one batch of ``batch_size`` rows for every replicate."""
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size}, needs >= 1")
    replicates, m, _ = problem.head_star.shape
    d = problem.cov_x.shape[-1]
    dtype = problem.head_star.dtype
    shape = (replicates, batch_size, d)
    if problem.input_law == "gaussian":
        white = standard_normal(*shape, generator=generator, dtype=dtype)
    else:
        bits = torch.randint(0, 2, shape, generator=generator, device=generator.device, dtype=dtype)
        white = 2 * bits - 1
    inputs = white @ problem.root
    targets = inputs @ problem.product_star.mT
    if problem.noise_std > 0:
        noise = standard_normal(replicates, batch_size, m, generator=generator, dtype=dtype)
        targets = targets + problem.noise_std * noise
    return batch_of_rows(inputs, targets)


@guards.on_tensors
def gradients(weights: Weights, batch: Batch) -> Weights:
    """Return the gradients of the loss: grad_F = R G', grad_G = F' R, R = F G Sh - Y'X/n.

    Source: LR-01.
    """
    F, G = weights
    residual = F @ G @ batch.cov_x - batch.cross
    return Weights(residual @ G.mT, F.mT @ residual)


@guards.on_tensors
def loss(weights: Weights, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return 1/(2n) sum |y - F G x|^2 per replicate, in [y]^2."""
    F, G = weights
    residual = targets - inputs @ (F @ G).mT
    return 0.5 * residual.square().sum((-2, -1)) / inputs.shape[-2]


@guards.on_tensors
def population_loss(weights: Weights, problem: LinearRepresentation) -> Tensor:
    """Return the excess loss 1/2 tr (FG - F*G*) Sigma (FG - F*G*)' per replicate."""
    gap = weights.head @ weights.representation - problem.product_star
    return 0.5 * ((gap @ problem.cov_x) * gap).sum((-2, -1))


@guards.on_tensors
def least_squares_head(representation: Tensor, batch: Batch) -> Tensor:
    """Return the head (R, m, k) that minimises the batch loss for a frozen representation."""
    G = representation
    return right_solve(batch.cross @ G.mT, G @ batch.cov_x @ G.mT)


@guards.on_tensors
def gauss_newton(weights: Weights, cov_x: Tensor) -> Tensor:
    """Return the Gauss-Newton matrix over (vec G, vec F), (R, k(d+m), k(d+m)).

    It is the Fisher matrix of N(F G x, I): the mean of J'J with J = [x' (x) F, (Gx)' (x) I].
    """
    F, G = weights
    m, k = F.shape[-2:]
    d = G.shape[-1]
    eye_m = torch.eye(m, dtype=F.dtype, device=F.device)
    eye_d = torch.eye(d, dtype=F.dtype, device=F.device)
    # vec(F dG + dF G) = [I_d (x) F, G' (x) I_m] (vec dG, vec dF)
    replicates = F.shape[0]
    left = torch.einsum("ij,rkl->rikjl", eye_d, F).reshape(replicates, d * m, d * k)
    right = torch.einsum("rij,kl->rjkil", G, eye_m).reshape(replicates, d * m, k * m)
    jacobian = torch.cat([left, right], dim=-1)
    weight = torch.einsum("rij,kl->rikjl", cov_x.expand(replicates, d, d), eye_m)
    return jacobian.mT @ weight.reshape(replicates, d * m, d * m) @ jacobian


@guards.on_tensors
def flatten(weights: Weights) -> Tensor:
    """Return (vec G, vec F) as one vector per replicate."""
    return torch.cat([vec(weights.representation), vec(weights.head)], dim=-1)


class TwoLayerLinear(torch.nn.Module):
    """The same model as a torch module: ``forward(x) = F G x`` for x (n, d)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        if weights.head.dim() != 2:
            raise ValueError(f"weights have {weights.head.dim()} axes, needs 2 (one replicate)")
        self.head = torch.nn.Parameter(weights.head.clone())
        self.representation = torch.nn.Parameter(weights.representation.clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the outputs (n, m)."""
        return inputs @ self.representation.mT @ self.head.mT
