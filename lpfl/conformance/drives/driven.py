"""What a drive and a guess need to know of a subject."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from lpfl.conformance.spec import OptimizerSpec

Groups = Sequence[tuple[Sequence[int], Mapping[str, Any]]]
"""For each group the indices of its parameters, and its own options."""


class Buildable(Protocol):
    """An optimizer that can be built: its spec, where its parameters are, how it is made."""

    @property
    def spec(self) -> OptimizerSpec: ...
    @property
    def device(self) -> torch.device: ...
    def build(self, params: Any, **options: Any) -> Any: ...


class Driven(Buildable, Protocol):
    """One whose needs are known, so that a drive can be chosen."""

    @property
    def needs(self) -> frozenset[str]: ...
    @property
    def default_group(self) -> Mapping[str, Any]: ...
    def fitted(self, value: torch.Tensor) -> torch.Tensor: ...
