"""The mean step of DFW over noise whose variance differs by row, without sampling.

To second order in the noise a step is linear plus quadratic in the noise of single entries. The
mean over independent noise is the sum over entries of variance times the even part of the step
with this entry alone: one run per entry and sign, all in one batch of replicates. The next orders,
one in the step size and two in the amplitude, are extrapolated away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.linalg import complement_rows, orthonormal_rows, standard_normal, tangent_matrix
from lpfl.optim.core.method import Method
from lpfl.problems.linear_representation import Batch, Weights, batch_of_rows
from lpfl.verify.expect import Same
from lpfl.verify.tolerance import Tolerance, rounding, truncation
from lpfl.verify.trial import Trial, condition_of

Make = Callable[..., Method]
Pair = Callable[[Tensor], tuple[Batch, Batch]]

STEP_SIZE = 2e-4
AMPLITUDE = 3e-2  # of the noise entry


@dataclass(frozen=True)
class Drawn:
    """Truth F (m, k), G (k, d) with orthonormal rows, inputs (n, d) of two batches, variances."""

    F: Tensor
    G: Tensor
    inputs: Tensor
    other: Tensor
    variances: Tensor

    def batch(self, X: Tensor, noise: Tensor) -> Batch:
        """Return noise (R, n, m) on top of clean targets, one batch per replicate."""
        return batch_of_rows(X.expand(len(noise), *X.shape), X @ (self.F @ self.G).mT + noise)

    def entries(self, size: float) -> Tensor:
        """Return noise with a single entry of this size in each replicate, (n m, n, m)."""
        n, m = len(self.inputs), len(self.F)
        eye = torch.eye(n * m, dtype=self.F.dtype, device=self.F.device)
        return size * eye.reshape(n * m, n, m)

    def mean(self, ends: list[Weights], amplitude: float, step_size: float) -> Tensor:
        """Return the mean of the tangent matrix over the step size, (k, d - k)."""
        B = complement_rows(self.G)
        T = sum(tangent_matrix(W.representation, self.G, B) for W in ends) / 2.0
        weights = self.variances.repeat_interleave(len(self.F)) / amplitude**2
        return (weights[:, None, None] * T).sum(0) / step_size

    def start(self) -> Weights:
        """Return the truth as the start of every replicate."""
        R = len(self.inputs) * len(self.F)
        return Weights(self.F.expand(R, *self.F.shape), self.G.expand(R, *self.G.shape))

    def tolerance(self, size_of_bias: float) -> Tolerance:
        """Return what the next orders and rounding add, in units of the bias of one batch."""
        condition = max(condition_of(X) ** 2 for X in (self.inputs, self.other))
        size = float(torch.linalg.matrix_norm(self.F, ord=2)) ** 2
        rest = (2.0 * STEP_SIZE * (1.0 + size) * condition) ** 2
        rest += (4.0 * AMPLITUDE**2 * condition) ** 2
        entries = float(self.variances.sum()) * len(self.F)
        eps = rounding(self.F.dtype, dim=self.G.shape[-1]).times(
            entries / (AMPLITUDE**2 * STEP_SIZE * size_of_bias), "over amplitude², step and bias"
        )
        return eps + truncation(
            rest, "step size squared and fourth power of the amplitude, times squared conditions"
        )

    def compare(
        self, part: str, measured: Tensor, predicted: Any, one_batch: Any, *, label: str = ""
    ) -> Same:
        """Compare a mean step with the prediction, relative to the bias of one batch."""
        return Same(
            part=part,
            measured=measured,
            predicted=predicted,
            tolerance=self.tolerance(float(np.linalg.norm(one_batch))),
            scale=np.linalg.norm(one_batch),
            axes=2,
            label=label,
        )


def draw(trial: Trial) -> Drawn:
    """Draw a truth, two batches of inputs and variances between 1/4 and 4."""
    d, k, m, n = trial.input_dim, trial.rank, trial.output_dim, 3 * trial.input_dim
    normal = partial(standard_normal, generator=trial.stream("bias"), dtype=trial.dtype)

    def inputs(drawn: Tensor) -> Tensor:
        """Return rows with second moments between 1 and 2, so that the next orders stay small."""
        scales = torch.linspace(1.0, 2.0**0.5, d, dtype=trial.dtype, device=trial.device)
        return n**0.5 * orthonormal_rows(drawn).mT * scales

    return Drawn(
        normal(m, k) + 2.0 * torch.eye(m, k, dtype=trial.dtype, device=trial.device),
        orthonormal_rows(normal(k, d)),
        inputs(normal(d, n)),
        inputs(normal(d, n)),
        4.0 ** torch.tanh(normal(n)),
    )


def _mean_step(drawn: Drawn, make: Make, pair: Pair) -> Tensor:
    """Return the mean step with the next order of step size and amplitude extrapolated away."""

    def at(amplitude: float, step_size: float) -> Tensor:
        method = make(step_size=step_size)
        noises = (drawn.entries(sign * amplitude) for sign in (1.0, -1.0))
        ends = [method.step(drawn.start(), {}, pair(noise))[0] for noise in noises]
        return drawn.mean(ends, amplitude, step_size)

    def over(step_size: float) -> Tensor:
        return (4.0 * at(AMPLITUDE, step_size) - at(2.0 * AMPLITUDE, step_size)) / 3.0

    return 2.0 * over(STEP_SIZE) - over(2.0 * STEP_SIZE)


def one_batch(drawn: Drawn, make: Make) -> Tensor:
    """Return the mean step when one batch serves for head and step."""
    return _mean_step(drawn, make, lambda noise: (drawn.batch(drawn.inputs, noise),) * 2)


def two_batches(drawn: Drawn, make: Make, noisy: str) -> Tensor:
    """Return the mean step of two batches; ``noisy``: the batch of the "head" or of the "step".

    The part that both have in common is odd in each, and its mean is zero by independence.
    """

    def pair(noise: Tensor) -> tuple[Batch, Batch]:
        on_head, on_step = (noise, 0.0 * noise) if noisy == "head" else (0.0 * noise, noise)
        return drawn.batch(drawn.other, on_head), drawn.batch(drawn.inputs, on_step)

    return _mean_step(drawn, make, pair)
