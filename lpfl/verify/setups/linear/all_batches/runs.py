"""Steps of an optimizer on weighted batches: exact mean squares and floors of small tangents.

The truth is F* = I, G* = [I 0] and Sigma = I; the statements have no covariance in whitened
coordinates. A batch is a second moment and, for the noise, one of its directions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.tolerance import Tolerance, finite_size, rounding
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]
Step = tuple[Tensor, Tensor | None]  # second moments (R, d, d): of the batch, of the factor's own


@dataclass(frozen=True)
class Bench:
    """Sizes of a run: rank, inputs, rows of a batch."""

    trial: Trial
    rank: int
    input_dim: int
    rows: int

    @property
    def small(self) -> float:
        """How large tangents and noise are."""
        return factors.smallness(self.trial.dtype)

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes under the names of the public functions."""
        return {"n": self.rows, "d": self.input_dim, "k": self.rank}

    @property
    def tolerance(self) -> Tolerance:
        """What is quadratic in the tangents, and rounding over their size."""
        order = finite_size(2.0 * self.small, "what is quadratic in the tangents")
        return order + rounding(self.trial.dtype, dim=10, condition=10.0).times(
            1.0 / self.small, "over the size of the tangents"
        )

    def moment(self, matrices: Array, rows: int) -> Tensor:
        """Return second moments of batches; a smaller matrix is the block of the complement."""
        found = np.broadcast_to(np.eye(self.input_dim), (len(matrices),) + (self.input_dim,) * 2)
        found = found.copy()
        own = matrices.shape[-1]
        found[:, self.input_dim - own :, self.input_dim - own :] = matrices / rows
        return self.trial.tensor(found)

    def truth(self, count: int) -> model.LinearRepresentation:
        """Return the truth, repeated."""
        eye = torch.eye(self.input_dim, dtype=self.trial.dtype, device=self.trial.device)
        rows = eye[: self.rank].expand(count, -1, -1)
        return model.LinearRepresentation(rows[:, :, : self.rank], rows, eye, eye, 0.0)

    def batch(
        self, problem: model.LinearRepresentation, cov: Tensor, towards: int | None, small: float
    ) -> model.Batch:
        """Return a batch, with noise of size ``small`` in one direction and in the first output."""
        cross = problem.product_star @ cov
        if towards is not None:
            cross[:, 0] += small / math.sqrt(self.rows) * torch.linalg.cholesky(cov)[:, :, towards]
        return model.Batch(cov, cross)

    def run(
        self,
        method: Method,
        steps: Sequence[Step],
        *,
        tangent: float = 0.0,
        head: float = 0.0,
        noise: tuple[int, int] | None = None,
        sign: float = 1.0,
    ) -> Array:
        """Return F*^+ (F G - F* G*) (R, k, d) at the end: errors of the head, then the tangents.

        tangent, head: the start, in the first entry of T and of u, with F = F* (I + u).
        noise: at which step, and in which direction of the batch, with variance 1/rows. sign: -1
        for all of these turned round.
        """
        small = sign * self.small
        count = len(steps[0][0])
        problem = self.truth(count)
        k, p = self.rank, self.input_dim - self.rank
        T, u = (self.trial.tensor(torch.zeros(count, k, q, device="cpu")) for q in (p, k))
        T[:, 0, 0], u[:, 0, 0] = tangent, head
        weights = factors.at_truth(problem, T, u, small=small)
        memory = method.init(weights)
        for t, (cov, other) in enumerate(steps):
            towards = noise[1] if noise is not None and noise[0] == t else None
            batch = self.batch(problem, cov, towards, small)
            second = None if other is None else model.Batch(other, problem.product_star @ other)
            weights, memory = method.step(
                weights, memory, batch if second is None else (batch, second)
            )
        gap = weights.head @ weights.representation - problem.product_star
        return as_numpy(gap / small)

    def linear(self, method: Method, steps: Sequence[Step], **start: Any) -> Array:
        """Return what ``run`` gives without the terms quadratic in the start."""
        there, back = (self.run(method, steps, sign=sign, **start) for sign in (1.0, -1.0))
        return (there + back) / 2.0

    def mean(self, method: Method, steps: Sequence[Step], weights: Array) -> float:
        """Return the mean of T at the end over the start."""
        return float(weights @ self.run(method, steps, tangent=1.0)[:, 0, self.rank])

    def kept(self, method: Method, steps: Sequence[Step], weights: Array) -> float:
        """Return the mean square of T at the end over that of the start."""
        return self.squares(self.run(method, steps, tangent=1.0), weights)[1]

    def noise(self, method: Method, steps: Sequence[Step], weights: Array) -> float:
        """Return the mean square of T at the end, from the truth, that label noise brings.

        In units of sigma^2 tr(H^-1) tr(Sigma_s^-1), as the noise is in one of k rows. Noise along
        G* is left out: a refitted head absorbs it.
        """
        total = 0.0
        for step in range(len(steps)):
            for direction in range(self.rank, self.input_dim):
                gap = self.run(method, steps, noise=(step, direction))
                total += self.squares(gap, weights)[1]
        return total / (self.input_dim - self.rank)

    def squares(self, gap: Array, weights: Array) -> Array:
        """Return the mean squares (2,) in the rows of G* and in the complement."""
        squares = np.square(gap).sum(1)
        parts = (squares[:, : self.rank], squares[:, self.rank :])
        return np.array([weights @ part.sum(1) for part in parts])


def stated(trial: Trial, part: str, **values: float) -> float:
    """Return the right side of a part; ``values`` may hold more than it has letters for."""
    names = trial.claim[part].formula.code_names
    return float(trial.number(part, **{n: v for n, v in values.items() if n in names}))
