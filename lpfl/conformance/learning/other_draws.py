"""Another seed for the generators that an optimizer makes and seeds by itself."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch

LARGEST = 2**63
OF_NUMPY = 2**32
"""From here on a generator of torch, or one of NumPy, takes no seed."""
_Plain = torch.Generator
_seed_torch, _numpy = torch.manual_seed, np.random.default_rng
_seed_python, _seed_numpy = random.seed, np.random.seed


class _Kind(type(_Plain)):  # type: ignore[misc]
    """Counts every generator of torch as one of its own: those made before too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Plain)


@contextmanager
def other_draws(seed: int | None) -> Iterator[None]:
    """Within this, a generator that is made, or seeded by a number, draws other numbers.

    An optimizer with a generator of its own draws the same in every run, whatever the global seed.
    What is drawn for the problem itself must be drawn outside. Nothing is changed for None.
    """
    if seed is None:
        yield
        return

    shift = seed

    class Other(_Plain, metaclass=_Kind):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().manual_seed((self.initial_seed() + shift) % LARGEST)

        def manual_seed(self, given: int) -> Any:
            return super().manual_seed((given + shift) % LARGEST)

    def other(given: Any, most: int = OF_NUMPY) -> Any:
        return (given + shift) % most if isinstance(given, int) else given

    class OfPython(random.Random):
        def seed(self, a: Any = None, version: int = 2) -> None:
            super().seed(other(a), version)

    class OfNumpy(np.random.RandomState):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(other(seed))

    class Bits(np.random.PCG64):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(other(seed))

    changed: dict[tuple[Any, str], Any] = {
        (torch, "Generator"): Other,
        (torch, "manual_seed"): lambda n: _seed_torch(other(n, LARGEST)),
        (np.random, "default_rng"): lambda n=None: _numpy(other(n)),
        (np.random, "RandomState"): OfNumpy,
        (np.random, "PCG64"): Bits,
        (np.random, "seed"): lambda n=None: _seed_numpy(other(n)),
        (random, "Random"): OfPython,
        (random, "seed"): lambda a=None, version=2: _seed_python(other(a), version),
    }
    with ExitStack() as stack:
        for (module, name), made in changed.items():
            stack.enter_context(mock.patch.object(module, name, made))
        yield
