"""One step on a finite batch: what is drawn, and its values by letter of the printed relations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of

REPLICATES = 3
START_TANGENT = 0.8

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """A batch, a head (R, m, k) unrelated to the truth, and a representation (R, k, d)."""

    problem: model.LinearRepresentation
    batch: model.Batch
    head: Tensor
    representation: Tensor

    def gradients(self, head: Tensor | None = None) -> model.Weights:
        """Return the closed-form gradients, at another head if one is given."""
        at = model.Weights(self.head if head is None else head, self.representation)
        return model.gradients(at, self.batch)

    def kfac_step(
        self, step_size: float, *, damping: float = 0.0, head: Tensor | None = None
    ) -> Tensor:
        """Return the representation after one KFAC step with the given head."""
        F = self.head if head is None else head
        grad_G = self.gradients(F).representation
        return kfac.kfac_step(
            self.representation,
            F,
            grad_G,
            self.batch.cov_x,
            step_size=step_size,
            damping=damping,
        )

    def off(self, representation: Tensor) -> Tensor:
        """Return the part outside the true subspace, G (I - G*'G*)."""
        G_star = self.problem.representation_star
        return representation - representation @ G_star.mT @ G_star

    def letters(self, **more: Any) -> dict[str, Any]:
        """Return F, G, F*, G*, the sample covariance and the noise moment by letter."""
        return {
            "F": as_numpy(self.head),
            "G": as_numpy(self.representation),
            "F^*": as_numpy(self.problem.head_star),
            "G^*": as_numpy(self.problem.representation_star),
            "Sigmahat": as_numpy(self.batch.cov_x),
            "N": as_numpy(self.batch.cross - self.problem.product_star @ self.batch.cov_x),
            **more,
        }

    def pull(self, whitener: Tensor | None = None) -> Tensor:
        """Return per replicate the size of what a step adds up: |G| and |F^+ cross Q^{-1}|.

        The solves act on the whole gradient, noise included, and so do their rounding errors.
        """
        Q = self.batch.cov_x if whitener is None else whitener
        towards = linalg.right_solve(torch.linalg.pinv(self.head) @ self.batch.cross, Q)
        norm = torch.linalg.matrix_norm
        return norm(self.representation) + norm(towards)

    def rounding(self, trial: Trial, whitener: Tensor | None = None) -> Tolerance:
        """Return the rounding of one step relative to :meth:`pull`."""
        Q = self.batch.cov_x if whitener is None else whitener
        return rounding(
            trial.dtype,
            dim=trial.input_dim,
            condition=condition_of(Q) * condition_of(self.head),
        )


def draw(trial: Trial, *, noise_std: float = 0.0, tangent: float = START_TANGENT) -> Draw:
    """Draw truth, batch, head and start; the batch admits the run."""
    problem = setup.draw_truth(trial, replicates=REPLICATES, noise_std=noise_std)
    batch = setup.draw_batch(trial, problem)
    F = setup.draw_head(trial, replicates=REPLICATES)
    G = model.tilt(problem.representation_star, tangent, trial.stream("start"))
    return Draw(problem, batch, F, G)


def sizes(trial: Trial) -> dict[str, int]:
    """Return the sizes by letter."""
    known = {"d": trial.input_dim, "m": trial.output_dim, "k": trial.rank}
    return {**known, "n": trial.scenario.get("batch_size", 1)}


def printed(trial: Trial, part: str, values: Mapping[str, Any]) -> Array:
    """Return the printed right side of a part in float64, with ``values`` by letter."""
    return trial.claim[part].matrix(values, sizes=sizes(trial))
