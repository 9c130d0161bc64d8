"""A truth whose batch has exactly the moments of the population, noise included."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.linalg.spectral import psd_power
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import repeated
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]


class Truth(NamedTuple):
    """A problem, a batch whose moments are exactly those of the population, and a basis.

    left (1, k, k), right (1, d-k, d-k): roots of H and Sigma_s. U (1, k, r), V (1, d-k, r): the
    singular vectors of the starts, r = min(k, d - k).
    """

    problem: model.LinearRepresentation
    batch: model.Batch
    left: Tensor
    right: Tensor
    U: Tensor
    V: Tensor

    def start(self, values: Array) -> model.Weights:
        """Return the weights whose singular values are the rows of ``values`` (R, r)."""
        z = torch.as_tensor(values, dtype=self.left.dtype, device=self.left.device)
        Z = self.U @ torch.diag_embed(z) @ self.V.mT
        T = torch.linalg.solve(self.left, Z) @ torch.linalg.inv(self.right)
        G = self.problem.representation_star + T @ self.problem.complement
        return model.Weights(self.problem.head_star.expand(len(G), -1, -1), G)

    def values(self, weights: model.Weights) -> Array:
        """Return the signed values in the basis of the start (R, r)."""
        T = linalg.tangent_matrix(
            weights.representation, self.problem.representation_star, self.problem.complement
        )
        inside = self.U.mT @ (self.left @ T @ self.right) @ self.V
        return as_numpy(torch.diagonal(inside, dim1=-2, dim2=-1))

    def after(self, values: Array, eta: float, steps: int = 1) -> Array:
        """Return the values after ``steps`` steps of size eta."""
        method = kfac.kfac(step_size=eta, output_factor="empirical")
        wide = repeated(self.batch, len(values))
        end, _ = simulate(method, self.start(values), lambda t: wide, num_steps=steps)
        return self.values(end)


def draw(trial: Trial, noise_std: float, *, rank: int | None = None) -> Truth:
    """Return the scenario's truth with rows X, E: X'X/n = Sigma, E'E/n = noise_std^2, E'X = 0.

    rank: keep so many rows of G*, and columns of F*.
    """
    d, m, k = trial.input_dim, trial.output_dim, rank or trial.rank
    problem = setup.draw_truth(trial, replicates=1, noise_std=noise_std)
    F, G = problem.head_star[..., :k], problem.representation_star[..., :k, :]
    problem = replace(problem, head_star=F, representation_star=G)
    rows = linalg.haar(1, d + m, trial.stream("rows"), trial.dtype) * (d + m) ** 0.5
    X = rows[..., :d] @ problem.root
    Y = X @ problem.product_star.mT + noise_std * rows[..., d:]
    B = problem.complement
    inverse = B @ linalg.right_solve(B, problem.cov_x).mT
    r = min(k, d - k)
    return Truth(
        problem,
        model.batch_of_rows(X, Y),
        psd_power(F.mT @ F, 0.5),
        psd_power((inverse + inverse.mT) / 2, -0.5),
        linalg.haar(1, k, trial.stream("left"), trial.dtype)[..., :r],
        linalg.haar(1, d - k, trial.stream("right"), trial.dtype)[..., :r],
    )
