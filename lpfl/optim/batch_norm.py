"""Batch-norm on the hidden layer, y = F BN(G x), trained by gradient steps."""

from torch import Tensor

from lpfl.optim.invariances import INPUT_ROTATIONS, ROTATIONS
from lpfl.optim.method import (
    Memory,
    Method,
    require_choice,
    require_rows,
    require_step_size,
)
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


def batch_norm(
    *, step_size: float = 1e-2, head: str = "least_squares", centre: bool = True
) -> Method:
    """Gradient descent on a network with batch-norm between the two layers.

    head: "least_squares" refits the head of the normalised units on the batch; "joint" takes a
    gradient step on it. centre: subtract the batch mean of the inputs, which needs rows; without
    it the units are divided by their root mean square, and the moments of a batch suffice.
    The weights handed in and out hold the *folded* head F diag(1/s), s from the latest batch, so
    that F G x is what the network computes; the first batch sets s for the initial head.
    Raises: ValueError on bad hyper-parameters, or centre without rows.
    """
    require_step_size(step_size)
    require_choice("head", head, HEADS)

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        batch = centred(batch) if centre else batch
        F, G = weights
        if head == "least_squares":
            scale = hidden_std(G, batch.cov_x)
            F = least_squares_head(G, batch) * scale.unsqueeze(-2)
        else:
            scale = memory["scale"] if "scale" in memory else hidden_std(G, batch.cov_x)
            F = F * scale.unsqueeze(-2)
        slope = batch_norm_gradients(Weights(F, G), batch)
        if head == "joint":
            F = F - step_size * slope.head
        G_next = G - step_size * slope.representation
        if head == "joint":
            scale = hidden_std(G_next, batch.cov_x)
        return Weights(F / scale.unsqueeze(-2), G_next), {"scale": scale}

    return Method(
        "batch_norm",
        step,
        hyperparameters={"step_size": step_size, "head": head, "centre": centre},
        needs_rows=centre,
        invariances=ROTATIONS if head == "least_squares" else INPUT_ROTATIONS,
    )
