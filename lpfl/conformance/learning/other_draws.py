"""Another seed for the generators that an optimizer makes and seeds by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch

LARGEST = 2**63
_Plain = torch.Generator
_seed_torch, _numpy = torch.manual_seed, np.random.default_rng


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

    def of_numpy(given: Any = None) -> np.random.Generator:
        return _numpy(given + shift if isinstance(given, int) else given)

    changes = (
        mock.patch.object(torch, "Generator", Other),
        mock.patch.object(torch, "manual_seed", lambda n: _seed_torch((n + shift) % LARGEST)),
        mock.patch.object(np.random, "default_rng", of_numpy),
    )
    with changes[0], changes[1], changes[2]:
        yield
