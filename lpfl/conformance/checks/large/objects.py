"""Objects made since a moment, and tensors among them or behind a state."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def set_aside() -> Iterator[None]:
    """Set aside what there is already: a look through all objects then sees the new ones alone."""
    if gc.get_freeze_count():  # somebody else's, which must not be let loose
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def living() -> list[torch.Tensor]:
    """Return the tensors that are not garbage and not set aside, without kinds of their own.

    Such a kind need not have memory, as those without numbers have none.
    """
    gc.collect()
    return [x for x in gc.get_objects() if type(x) in (torch.Tensor, torch.nn.Parameter)]


def stored(tensors: list[torch.Tensor]) -> int:
    """Return the bytes of the memory behind tensors, each counted once."""
    memory = {}
    for x in tensors:
        if x.layout == torch.strided:
            memory[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
    return sum(memory.values())


def nodes(tensors: list[torch.Tensor], most: int = 100_000) -> int:
    """Return the number of nodes in the graphs that tensors hold, or ``most``."""
    seen: set[Any] = set()
    left = [x.grad_fn for x in tensors if x.grad_fn is not None]
    while left and len(seen) < most:
        node = left.pop()
        if node not in seen:
            seen.add(node)
            left += [following for following, _ in node.next_functions if following is not None]
    return len(seen)


def inside(held: Any, depth: int = 6) -> list[torch.Tensor]:
    """Return the tensors in nested containers, and in objects within them."""
    if isinstance(held, torch.Tensor):
        return [held]
    if isinstance(held, Mapping):
        held = list(held.values())
    elif not isinstance(held, list | tuple | set):
        module = type(held).__module__.partition(".")[0]
        held = (
            [] if module in ("builtins", "torch") else list(getattr(held, "__dict__", {}).values())
        )
    return [x for entry in held for x in inside(entry, depth - 1)] if depth else []
