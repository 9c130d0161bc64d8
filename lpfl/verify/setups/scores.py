"""Means of scores whose spread is not known beforehand: a pilot of its own fixes the replicates."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lpfl.verify.trial import as_numpy

Draw = Callable[[int, str], Tensor]

QUANTILE = 8.5  # above that of one decision at LEAST_BLOCKS, with some skewness
PILOT = 512
BLOCK = 8  # replicates are averaged in blocks, which brings them near to normal
LEAST_BLOCKS = 96


def block_means(draw: Draw, *, half_width: float) -> NDArray[np.float64]:
    """Return means of blocks of ``draw(replicates, stream name)``, as many as the interval needs.

    half_width: of the interval of the mean, in the units of the scores.
    """
    pilot = float(draw(PILOT, "pilot").std())
    blocks = max(LEAST_BLOCKS, math.ceil((QUANTILE * pilot / half_width) ** 2 / BLOCK))
    return as_numpy(draw(blocks * BLOCK, "scores").reshape(-1, BLOCK).mean(-1))
