"""Rules on the linear representation ``y = F G x`` and on the first layer of a network."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from typing import Any, cast

from torch import Tensor

from lpfl.guards import require_choice
from lpfl.linalg.algebra import second_moment
from lpfl.optim.core.clip import Piece, clipped
from lpfl.optim.core.hyper import bounds_of
from lpfl.optim.core.method import Memory, Method
from lpfl.optim.rule import Layer, MatrixRule
from lpfl.problems.linear_representation import Batch, Weights, gradients, least_squares_head

HEADS = ("joint", "least_squares", "frozen")
ORDERS = (*HEADS, "head_first", "representation_first")


def on_linear_representation(
    rule: MatrixRule,
    *,
    head: str = "joint",
    head_rule: MatrixRule | None = None,
    name: str | None = None,
    invariances: tuple[str, ...] | None = None,
) -> Method:
    """Return the method that applies ``rule`` to the representation, and maybe to the head.

    head: "joint" moves both layers from the old weights; "head_first" and "representation_first"
    move the second one from the new weights of the first; "least_squares" refits the head on the
    batch before the representation moves; "frozen" leaves the head as it is. head_rule: rule of
    the head, if it differs. A rule of two batches makes steps on pairs (batch of the gradients,
    batch of what the layers saw); a population batch is one of these too.
    Raises: ValueError in a step of such a method on one batch.
    """
    require_choice("head", head, ORDERS)
    rules = {"head": head_rule or rule, "representation": rule}
    trained = Weights._fields if head not in ("least_squares", "frozen") else ("representation",)

    def init(weights: Weights) -> Memory:
        return {layer: rules[layer].start(getattr(weights, layer)) for layer in trained}

    def piece(
        layer: str, weights: Weights, slopes: Weights, memory: Memory, data: tuple[Batch, Batch]
    ) -> Piece:
        """Return one layer about to move, with what it saw."""
        rule = rules[layer]
        rule.require(layer, weights, data[1])
        W = getattr(weights, layer)
        state = memory[layer] if layer in memory else rule.start(W)
        seen = Layer()
        if rule.needs_layer:
            inputs = inputs_of(layer, weights, data[1])
            seen = Layer(inputs, rule.outputs(layer, weights, data[0], state))
        return Piece(rule, W, getattr(slopes, layer), state, seen)

    def step(
        weights: Weights, memory: Memory, data: Batch | tuple[Batch, Batch]
    ) -> tuple[Weights, Memory]:
        batch, layer_batch = _split(data, rule)
        if head == "least_squares":
            weights = weights._replace(head=least_squares_head(weights.representation, batch))
        order = tuple(reversed(trained)) if head == "representation_first" else trained
        after, kept, slopes_at, slopes = weights, dict(memory), weights, gradients(weights, batch)
        for together in [order] if head == "joint" else [(layer,) for layer in order]:
            if after is not slopes_at:
                slopes_at, slopes = after, gradients(after, batch)
            seen = (batch, layer_batch)
            pieces = [piece(layer, after, slopes, memory, seen) for layer in together]
            for layer, one in zip(together, clipped(pieces), strict=True):
                moved, kept[layer] = one.moved()
                after = after._replace(**{layer: moved})
        return after, kept

    return Method(
        name or rule.name,
        step,
        init=init,
        hyperparameters=rule.hyperparameters(),
        batches=rule.batches,
        needs_rows=rule.needs_rows,
        invariances=rule.invariances if invariances is None else invariances,
    )


def _split(data: Batch | tuple[Batch, Batch], rule: MatrixRule) -> tuple[Batch, Batch]:
    """Return the batch of the gradients and the batch of what the layers saw."""
    if rule.batches == 1:
        batch = cast(Batch, data)
        return batch, batch
    if isinstance(data, Batch) or len(data) != 2:
        raise ValueError(f"{rule.name} got one batch, needs two: (gradients, what layers saw)")
    return data


def inputs_of(layer: str, weights: Weights, batch: Batch) -> Tensor:
    """Return the second moment of a layer's inputs: Sh for the representation, G Sh G' for F."""
    G = weights.representation
    return batch.cov_x if layer == "representation" else G @ batch.cov_x @ G.mT


def layerwise(rule: type[MatrixRule]) -> Callable[..., Method]:
    """Return the factory of the method that applies a rule to each layer on its own.

    Its signature is that of the rule, and ``head``, one of "joint", "least_squares", "frozen".
    """

    def factory(*, head: str = "joint", **values: Any) -> Method:
        require_choice("head", head, HEADS)
        method = on_linear_representation(rule(**values), head=head)
        return replace(method, hyperparameters={**method.hyperparameters, "head": head})

    return dressed(factory, rule, extra={"head": "joint"})


def whole_model(kind: type[Any]) -> Callable[..., Method]:
    """Return the factory of a method that moves the whole model: ``kind(**values).method()``."""

    def factory(**values: Any) -> Method:
        method: Method = kind(**values).method()
        return method

    return dressed(factory, kind)


def dressed(
    factory: Callable[..., Method], kind: type[Any], *, extra: dict[str, Any] | None = None
) -> Callable[..., Method]:
    """Give a factory the name, the signature and the docstring of the dataclass it builds."""
    given = {f.name: f.default for f in fields(kind) if f.name in bounds_of(kind)}
    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if value is MISSING else value,
        )
        for name, value in {**given, **(extra or {})}.items()
    ]
    factory.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    factory.__name__ = factory.__qualname__ = kind.name
    factory.__doc__ = described(kind)
    factory.optimizer = kind  # type: ignore[attr-defined]
    return factory


def described(kind: type[Any]) -> str:
    """Return the docstring of a rule with a line per hyper-parameter: meaning, default, bound."""
    lines = [inspect.cleandoc(kind.__doc__ or ""), ""]
    for f in fields(kind):
        if f.name in bounds_of(kind):
            bound = bounds_of(kind)[f.name]
            lines.append(f"{f.name}: {f.metadata['says']} (default {f.default!r}, {bound.text}).")
    return "\n".join([*lines, "Raises: ValueError outside a bound."])


def first_direction(
    rule: MatrixRule, *, factor: Tensor | None = None
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return ``(gradient, inputs) -> direction``: what a first step of size 1 subtracts.

    gradient (R, N, d), inputs (R, n, d), those of the layer on the batch of the gradient.
    factor (R, d, d): what the rule reads instead of their second moment. The step size of the rule
    is replaced by 1, so that ``one_step`` sets its own.
    """
    unit = replace(rule, step_size=1.0)

    def precondition(gradient: Tensor, inputs: Tensor) -> Tensor:
        moment = second_moment(inputs) if factor is None else factor
        seen = Layer(moment) if unit.needs_layer else Layer()
        start = gradient.new_zeros(gradient.shape)
        after, _ = unit.update(start, gradient, unit.start(start), seen)
        return -after

    return precondition
