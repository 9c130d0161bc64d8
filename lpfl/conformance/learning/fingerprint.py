"""Twin trainings: one problem in two coordinate systems, started from the same function.

An optimizer is invariant under a change of coordinates if both twins predict the same after
training. The deviation is |p' - p| / |p - p0|, with p the predictions on held-out inputs after
training, p' those of the twin read in the plain coordinates and p0 those at the start.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.drives import seed_everything
from lpfl.conformance.learning.cost import calls_per_training_step, require_trainable
from lpfl.conformance.learning.layers import (
    default_rate,
    has_rate,
    one_layer,
    opened,
    slopes,
    squared_loss,
    two_layers,
)
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.learning.transforms import draw_transform
from lpfl.conformance.subject import Subject

STEPS = 24
TARGET = 0.4
"""Share of the way to the solution that a plain training is set to go."""


@dataclass(frozen=True)
class World:
    """A regression y = M x: sizes, and what differs from the plain problem.

    sizes: (m, d) for one layer, (m, k, d) for two. rank: dimension of the span of the inputs,
    if it is smaller than d. scale: of the inputs, with the function unchanged. factor: of the
    loss. noise: relative change of the inputs, drawn entry by entry.
    """

    sizes: tuple[int, ...]
    rank: int | None = None
    scale: float = 1.0
    factor: float = 1.0
    noise: float = 0.0
    steps: int = STEPS
    rows: int = 24
    dtype: torch.dtype = torch.float64
    reseed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> tuple[Any, ...]:
        """What the learning rate is found for."""
        return (*self.sizes, self.rank, self.steps, *sorted(map(repr, self.options.items())))


@dataclass(frozen=True)
class Data:
    """Start weights (first layer first), batches (X, Y), held-out inputs, target map (m, d)."""

    weights: list[Tensor]
    batches: list[tuple[Tensor, Tensor]]
    held_out: Tensor
    target: Tensor


def draw(subject: Subject, world: World) -> Data:
    """Return the data of a world in plain coordinates."""
    sizes, d = world.sizes, world.sizes[-1]
    stream = subject.stream("fingerprint", *sizes, world.rank or d)
    normal = lambda *shape: _normal(shape, stream)  # noqa: E731
    weights = [
        normal(rows, columns) / math.sqrt(columns)
        for columns, rows in zip(sizes[::-1], sizes[-2::-1], strict=False)
    ]
    target = product(weights) + normal(sizes[0], d) / math.sqrt(d)
    basis = normal(world.rank, d) / math.sqrt(world.rank) if world.rank else None
    batches = []
    for _ in range(world.steps):
        X = normal(world.rows, world.rank or d)
        X = X if basis is None else X @ basis
        batches.append((X, X @ target.mT + 0.3 * normal(world.rows, sizes[0])))
    held_out = normal(world.rows, world.rank or d)
    held_out = held_out if basis is None else held_out @ basis
    if world.noise:
        jitter = subject.stream("fingerprint noise", *sizes)
        batches = [(X * (1 + world.noise * _normal(X.shape, jitter)), Y) for X, Y in batches]
    if world.scale != 1.0:
        batches = [(X * world.scale, Y) for X, Y in batches]
        held_out, target = held_out * world.scale, target / world.scale
        weights[0] = weights[0] / world.scale
    return Data(weights, batches, held_out, target)


def _normal(shape: Sequence[int], stream: torch.Generator) -> Tensor:
    return torch.randn(tuple(shape), generator=stream, dtype=torch.float64)


def product(weights: Sequence[Tensor]) -> Tensor:
    """Return the map of layers given from first to last."""
    return reduce(lambda below, above: above @ below, weights)


def changed(data: Data, side: str, A: Tensor) -> Data:
    """Return the same problem after x -> A x, y -> A y, or h -> A h of the hidden layer."""
    weights = list(data.weights)
    if side == "inputs":
        weights[0] = torch.linalg.solve(A, weights[0], left=False)
        moved = [(X @ A.mT, Y) for X, Y in data.batches]
        target = torch.linalg.solve(A, data.target, left=False)
        return Data(weights, moved, data.held_out @ A.mT, target)
    if side == "outputs":
        weights[-1] = A @ weights[-1]
        moved = [(X, Y @ A.mT) for X, Y in data.batches]
        return Data(weights, moved, data.held_out, A @ data.target)
    weights[0], weights[1] = A @ weights[0], torch.linalg.solve(A, weights[1], left=False)
    return replace(data, weights=weights)


def trained(subject: Subject, data: Data, world: World, rate: float | None) -> Tensor:
    """Return the predictions on the held-out inputs after training, (n, m), in float64.

    Raises: Undrivable for one that is too slow; whatever the optimizer raises.
    """
    require_trainable(subject)
    values = [w.to(world.dtype) for w in data.weights]
    model = one_layer(*values) if len(values) == 1 else two_layers(*values)
    subject.memory["steps trained"] = trained_steps(subject) + world.steps
    with other_draws(world.reseed):
        session = opened(subject, model, rate=rate, options=dict(world.options))
        if world.reseed is not None:
            seed_everything(world.reseed)
        for X, Y in data.batches:
            X, Y = X.to(world.dtype), Y.to(world.dtype)
            if session.prescribes:
                weights = [p.detach().cpu() for p in session.params]
                session.step(slopes(weights, X, Y, factor=world.factor))
            else:
                session.advance(squared_loss(model, X, Y, factor=world.factor))
    return data.held_out @ product(session.values()).mT


def trained_steps(subject: Subject) -> int:
    """Return the number of steps of all trainings up to now."""
    return int(subject.memory.get("steps trained", 0))


def spent(subject: Subject, since: int) -> float:
    """Return the calls of functions that trainings made since so many steps were trained."""
    return (trained_steps(subject) - since) * calls_per_training_step(subject)


def learning_rate(subject: Subject, world: World) -> float | None:
    """Return the rate at which plain training goes ``TARGET`` of the way; None if none is set."""
    if not has_rate(subject):
        return None
    plain = replace(world, factor=1.0, noise=0.0, dtype=torch.float64, reseed=None)
    key = ("fingerprint rate", plain.place)
    if key not in subject.memory:
        subject.memory[key] = _search(subject, plain)
    return float(subject.memory[key])


def _search(subject: Subject, world: World) -> float:
    data = draw(subject, world)
    first = data.held_out @ product(data.weights).mT
    whole = float((data.held_out @ data.target.mT - first).norm())
    default = default_rate(subject)
    rate = float(default) if isinstance(default, int | float | Tensor) and default > 0 else 1e-2
    best, error = rate, math.inf
    for _ in range(8):
        way = float((trained(subject, data, world, rate) - first).norm()) / whole
        away = abs(math.log(way / TARGET)) if 0 < way < 1e3 else math.inf
        if away < error:
            best, error = rate, away
        if away < math.log(1.4):
            break
        step = TARGET / way if 0 < way < 1e3 else (0.03 if way != 0 else 30.0)
        rate *= min(max(step, 0.03), 30.0)
    return best


def deviation(
    subject: Subject, world: World, side: str, transform: str, *, spread: float = 2.0
) -> float:
    """Return the deviation of the twin; infinite if one twin alone stays finite, or it raises."""
    data = draw(subject, world)
    dim = {"inputs": world.sizes[-1], "outputs": world.sizes[0], "hidden": world.sizes[1]}[side]
    A = draw_transform(transform, dim, subject.stream(side, transform, dim), spread=spread)
    twin = changed(data, side, A)
    back = (lambda p: torch.linalg.solve(A, p.mT).mT) if side == "outputs" else (lambda p: p)
    rate = learning_rate(subject, world)
    plain = plain_predictions(subject, world)
    try:
        other = back(trained(subject, twin, world, rate))
    except Exception:
        return math.inf
    return relative(other, plain, data)


def plain_predictions(subject: Subject, world: World) -> Tensor:
    """Return the predictions after plain training, kept for the next twin."""
    key = ("fingerprint plain", repr(world))
    if key not in subject.memory:
        rate = learning_rate(subject, world)
        subject.memory[key] = trained(subject, draw(subject, world), world, rate)
    kept: Tensor = subject.memory[key]
    return kept


def variation(subject: Subject, world: World, **changes: Any) -> float:
    """Return the deviation of a training with these fields of its world changed."""
    other = replace(world, **changes)
    rate = learning_rate(subject, world)
    data = draw(subject, other)
    plain = plain_predictions(subject, world)
    try:
        return relative(trained(subject, data, other, rate), plain, data)
    except Exception:
        return math.inf


def relative(other: Tensor, plain: Tensor, data: Data) -> float:
    """Return |other - plain| over the way that plain went; infinite if one alone is finite."""
    first = data.held_out @ product(data.weights).mT
    if not bool(plain.isfinite().all()):
        return math.nan
    if not bool(other.isfinite().all()):
        return math.inf
    way = float((plain - first).norm())
    return float((other - plain).norm()) / way if way > 0 else math.nan
