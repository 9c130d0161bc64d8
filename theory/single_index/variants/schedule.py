"""When the batches of a run enter the factor, and how much two factors share."""

import numpy as np
import numpy.typing as npt

from theory.core.spectrum import Array

Numbers = npt.NDArray[np.int_]


def newest_batches(
    steps: int, inverse_every: int, factor_every: int, includes_current: bool = True
) -> Numbers:
    """Return per step (T,) the number of the newest batch in its inverse, 0 for the first step's.

    Batches of the factor are numbered in time: that of step t has the number t / factor_every.
    """
    renewed = inverse_every * (np.arange(steps) // inverse_every)
    return np.asarray((renewed if includes_current else renewed - 1) // factor_every)


def overlaps(shares: Array, lags: int) -> Array:
    """Return by lag, below ``lags``, the sum of the products of shares so many batches apart."""
    size = 1 << (2 * shares.size).bit_length()
    spectrum = np.fft.rfft(shares, size)
    products = np.fft.irfft(np.abs(spectrum) ** 2, size)[: shares.size]
    return np.pad(products, (0, max(0, lags - shares.size)))[:lags]
