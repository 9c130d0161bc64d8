"""Several methods side by side on the same batches: a paired comparison in one pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lpfl.optim.core.method import Memory, Method
from lpfl.problems.linear_representation import Batch, Weights, batch_of_rows
from lpfl.simulate import Observe, simulate

_DIVERGED = 1e8


@dataclass(frozen=True)
class Race:
    """What was seen: name -> (num_steps + 1, methods, R); lasted (methods, R): steps survived."""

    seen: Mapping[str, Tensor]
    lasted: Tensor


def race(
    methods: Sequence[Method],
    start: Weights,
    next_batch: Callable[[int], Batch],
    *,
    num_steps: int,
    observe: Mapping[str, Observe],
    arrived: Callable[[Weights], Tensor] | None = None,
) -> Race:
    """Run every method from the same start on the same batches.

    Observers get weights with a leading axis of methods, (methods, R, ., .). A replicate whose
    weights stop being finite (or pass 1e8) keeps its last good ones; ``lasted`` says since when.
    A method that refuses a batch stops for all replicates. A method that takes two batches gets
    the two halves of the rows, so that each method sees the same data. arrived(weights) (R,): a
    method is not stepped any more once this holds in all its surviving replicates.
    """
    replicates = start.head.shape[0]
    lasted = torch.full((len(methods), replicates), num_steps, device="cpu")
    resting = [False] * len(methods)

    def init(weights: Weights) -> Memory:
        own = [Weights(*(W[i] for W in weights)) for i in range(len(methods))]
        return {"age": 0, "own": [m.init(w) for m, w in zip(methods, own, strict=True)]}

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        halves: tuple[Batch, ...] = ()
        moved: list[Weights] = []
        memories = list(memory["own"])
        for i, method in enumerate(methods):
            old = Weights(*(W[i] for W in weights))
            moved.append(old)
            if resting[i]:
                continue
            if method.batches == 2:
                halves = halves or split(batch)
            try:
                new, memories[i] = method.step(
                    old,
                    memories[i],
                    halves if method.batches == 2 else batch,
                )
            except (ValueError, torch.linalg.LinAlgError):
                new = Weights(*(torch.full_like(W, torch.nan) for W in old))
            good = healthy(new) & (lasted[i] == num_steps).to(old.head.device)
            kept = zip(new, old, strict=True)
            moved[i] = Weights(*(torch.where(good[:, None, None], a, b) for a, b in kept))
            lasted[i] = torch.where(good.cpu(), lasted[i], lasted[i].clamp(max=memory["age"]))
            home = ~good if arrived is None else ~good | arrived(moved[i])
            resting[i] = not bool(good.any()) or (arrived is not None and bool(home.all()))
        stacked = Weights(*(torch.stack(layers) for layers in zip(*moved, strict=True)))
        return stacked, {"age": memory["age"] + 1, "own": memories}

    together = Weights(*(W.expand(len(methods), *W.shape) for W in start))
    _, seen = simulate(
        Method("race", step, init=init), together, next_batch, num_steps=num_steps, observe=observe
    )
    return Race(seen, lasted)


def healthy(weights: Weights) -> Tensor:
    """Return (R,): whether a replicate's weights are finite and not beyond 1e8."""
    largest = torch.stack([W.abs().amax((-2, -1)) for W in weights]).amax(0)
    return largest < _DIVERGED


def split(batch: Batch) -> tuple[Batch, Batch]:
    """Return the batches of the first and of the second half of the rows."""
    if batch.inputs is None or batch.targets is None:
        return batch, batch
    half = batch.inputs.shape[-2] // 2
    X, Y = batch.inputs, batch.targets
    return batch_of_rows(X[:, :half], Y[:, :half]), batch_of_rows(X[:, half:], Y[:, half:])
