"""Batch-norm on the hidden layer, y = F BN(G x), trained by gradient steps."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lpfl.optim.core.hyper import Hyper, choice, flag, positive
from lpfl.optim.core.invariances import INPUT_ROTATIONS, ROTATIONS
from lpfl.optim.core.method import (
    Memory,
    Method,
    require_rows,
)
from lpfl.optim.drive import whole_model
from lpfl.problems.linear_representation import (
    Batch,
    Weights,
    batch_of_rows,
    gradients,
    least_squares_head,
)

HEADS = ("least_squares", "joint")


def hidden_std(G: Tensor, cov_x: Tensor) -> Tensor:
    """Return the standard deviation (..., k) of the hidden units; cov_x centred moments."""
    return ((G @ cov_x) * G).sum(-1).sqrt()


def centred(batch: Batch) -> Batch:
    """Return the batch with the mean of the inputs taken out; the targets stay as they are."""
    inputs, targets = require_rows(batch, "batch_norm with centre")
    return batch_of_rows(inputs - inputs.mean(-2, keepdim=True), targets)


def batch_norm_gradients(normalised: Weights, batch: Batch) -> Weights:
    """Return the gradients of 1/(2n) sum |y - F diag(1/s) G x|^2 in F and G, s = std of G x.

    s depends on G and is differentiated. Shapes: F (R, m, k), G (R, k, d) without a zero row; the
    batch holds centred moments. Row i of the gradient in G is orthogonal to row i of G.
    Source: Ioffe and Szegedy 2015; gradient derived (LR-25).
    """
    F, G = normalised
    scale = hidden_std(G, batch.cov_x).unsqueeze(-1)
    unit = G / scale
    slope = gradients(Weights(F, unit), batch)
    along = (slope.representation * unit).sum(-1, keepdim=True)
    return Weights(slope.head, (slope.representation - along * (unit @ batch.cov_x)) / scale)


@dataclass(frozen=True, kw_only=True)
class BatchNorm(Hyper):
    """Gradient descent on a network with batch-norm between the two layers.

    head: "least_squares" refits the head of the normalised units on the batch; "joint" takes a
    gradient step on it. centre: subtract the batch mean of the inputs, which needs rows; without
    it the units are divided by their root mean square, and the moments of a batch suffice.
    The weights handed in and out hold the *folded* head F diag(1/s), s from the latest batch, so
    that F G x is what the network computes; the first batch sets s for the initial head.
    Raises: ValueError in a step with centre on a batch without rows.
    """

    name: ClassVar[str] = "batch_norm"

    step_size: float = positive(1e-2, "step size")
    head: str = choice("least_squares", "head refitted on the batch, or moved too", among=HEADS)
    centre: bool = flag(True, "subtract the batch mean of the inputs")

    def step(self, weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        batch = centred(batch) if self.centre else batch
        F, G = weights
        if self.head == "least_squares":
            scale = hidden_std(G, batch.cov_x)
            F = least_squares_head(G, batch) * scale.unsqueeze(-2)
        else:
            scale = memory["scale"] if "scale" in memory else hidden_std(G, batch.cov_x)
            F = F * scale.unsqueeze(-2)
        slope = batch_norm_gradients(Weights(F, G), batch)
        if self.head == "joint":
            F = F - self.step_size * slope.head
        G_next = G - self.step_size * slope.representation
        if self.head == "joint":
            scale = hidden_std(G_next, batch.cov_x)
        return Weights(F / scale.unsqueeze(-2), G_next), {"scale": scale}

    def method(self) -> Method:
        """Return the method on a linear representation."""
        return Method(
            self.name,
            self.step,
            hyperparameters=self.hyperparameters(),
            needs_rows=self.centre,
            invariances=ROTATIONS if self.head == "least_squares" else INPUT_ROTATIONS,
        )


batch_norm = whole_model(BatchNorm)
