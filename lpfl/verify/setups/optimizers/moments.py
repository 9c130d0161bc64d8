"""One step of a method beside printed relations in the moments of its batch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl.optim.core.method import Method
from lpfl.problems.linear_representation import Batch, Weights
from lpfl.verify.expect import Same
from lpfl.verify.setups.optimizers.trajectory import Run
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of


@dataclass(frozen=True)
class FirstStep:
    """Weights before and after one step, and the batches that it saw (the last one is its own)."""

    trial: Trial
    before: Weights
    after: Weights
    batches: tuple[Batch, ...]

    def letters(self) -> dict[str, Any]:
        """Return F, G and the moments of the batches by letter."""
        F, G = self.before
        batch, head_batch = self.batches[-1], self.batches[0]
        return {
            "F": as_numpy(F),
            "G": as_numpy(G),
            "Sigmahat": as_numpy(batch.cov_x),
            "C_xy": as_numpy(batch.cross),
            "S_hb": as_numpy(head_batch.cov_x),
            "C_hb": as_numpy(head_batch.cross),
        }

    def sizes(self) -> dict[str, int]:
        """Return the sizes by letter."""
        F, G = self.before
        return {"m": F.shape[-2], "k": F.shape[-1], "d": G.shape[-1]}

    def compare(
        self, part: str, measured: Tensor, letters: Mapping[str, Any], *, label: str = ""
    ) -> Same:
        """Compare a matrix with the printed right side of ``part``."""
        values = {**self.letters(), **letters}
        predicted = self.trial.claim[part].matrix(values, sizes=self.sizes())
        return Same(
            part=part,
            measured=measured,
            predicted=np.broadcast_to(predicted, tuple(measured.shape)),
            tolerance=self.rounding(),
            scale=self.size(),
            axes=2,
            label=label,
        )

    def size(self) -> Any:
        """Return what a step adds up per replicate: weights, and a full step towards the data."""
        norm = torch.linalg.matrix_norm
        total = sum(norm(W) for W in (*self.before, *self.after))
        return as_numpy(1.0 + total + norm(self.batches[-1].cross))

    def rounding(self) -> Any:
        """Return the rounding of solves in the batches' moments, head and hidden units."""
        F, G = self.before
        hidden = [G @ batch.cov_x @ G.mT for batch in self.batches]
        condition = condition_of(F, F) * max(condition_of(batch.cov_x) for batch in self.batches)
        condition *= max(condition_of(H) for H in hidden)
        return rounding(self.trial.dtype, dim=sum(self.sizes().values()), condition=condition)


def first_step(trial: Trial, method: Method, run: Run) -> FirstStep:
    """Return the first step of ``method`` on the first batches of a run."""
    seen = run.batches[: method.batches]
    given = seen if method.batches > 1 else seen[0]
    after, _ = method.step(run.start, method.init(run.start), given)
    return FirstStep(trial, run.start, after, seen)
