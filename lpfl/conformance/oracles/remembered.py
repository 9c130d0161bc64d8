"""Functions of a matrix that many readings ask with the same matrix: computed once.

Readings that differ in a factor of the step or in a decay orthogonalise the same momenta and take
the same roots of the same statistics, to the last bit.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import torch
from torch import Tensor

P = ParamSpec("P")
LARGEST = 4096
"""Entries of a matrix above which computing costs more than the memory is worth."""
MOST_BYTES = 2**25
"""Of all answers and questions of one function; the oldest are forgotten first."""


def remembered(
    function: Callable[Concatenate[Tensor, P], Tensor],
) -> Callable[Concatenate[Tensor, P], Tensor]:
    """Return a pure function of a matrix that remembers its answers; they are not to be changed.

    The arguments beside the matrix must be hashable.
    """
    known: OrderedDict[tuple[Any, ...], Tensor] = OrderedDict()
    held = [0]

    @wraps(function)
    def asked(M: Tensor, /, *args: P.args, **more: P.kwargs) -> Tensor:
        if not 0 < M.numel() <= LARGEST or M.requires_grad or M.device.type != "cpu":
            return function(M, *args, **more)
        content = M.contiguous().view(torch.uint8).numpy().tobytes()
        key = (content, M.shape, M.dtype, args, tuple(more.items()))
        if key not in known:
            known[key] = function(M, *args, **more)
            held[0] += 2 * len(content)
            while held[0] > MOST_BYTES:
                oldest, _ = known.popitem(last=False)
                held[0] -= 2 * len(oldest[0])
        return known[key]

    return asked
