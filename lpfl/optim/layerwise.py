"""A method of the linear representation problem from a rule for one matrix."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from lpfl.optim.method import Hyperparameters, Memory, Method, require_choice
from lpfl.problems.linear_representation import Batch, Weights, gradients, least_squares_head

HEADS = ("joint", "least_squares", "frozen")

Start = Callable[[Tensor], Any]
Rule = Callable[[Tensor, Tensor, Any], tuple[Tensor, Any]]


def layerwise(
    name: str,
    *,
    start: Start,
    rule: Rule,
    head: str,
    hyperparameters: Hyperparameters,
    invariances: tuple[str, ...] | None = None,
) -> Method:
    """Return the method that applies ``rule`` to each matrix on its own.

    start(W) -> state; rule(W, grad, state) -> (W, state), for W (R, a, b).
    head: "joint" applies the rule to the head too, both gradients taken at the old weights;
    "least_squares" refits the head on the batch first; "frozen" leaves the head as it is.
    """
    require_choice("head", head, HEADS)

    def init(weights: Weights) -> Memory:
        trained = Weights._fields if head == "joint" else ("representation",)
        return {layer: start(getattr(weights, layer)) for layer in trained}

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        F, G = weights
        if head == "least_squares":
            F = least_squares_head(G, batch)
        slope = gradients(Weights(F, G), batch)
        G_next, state = rule(G, slope.representation, memory["representation"])
        if head != "joint":
            return Weights(F, G_next), {"representation": state}
        F_next, head_state = rule(F, slope.head, memory["head"])
        return Weights(F_next, G_next), {"head": head_state, "representation": state}

    return Method(
        name,
        step,
        init=init,
        hyperparameters={**hyperparameters, "head": head},
        invariances=invariances,
    )


def no_state(W: Tensor) -> None:
    """Return the state of a rule that has none."""
    return
