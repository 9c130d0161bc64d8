"""The limiting spectrum of a covariance matrix: a finite set of atoms with weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from theory.core.guards import count, number, real, reals

Array = npt.NDArray[np.float64]

_BLOCK = 1024
_WEIGHT_TOLERANCE = 1e-12


def weighted_sum(values: Array, weights: Array) -> float:
    """Return ``sum(values * weights)``, summed blockwise so that errors do not pile up."""
    starts = range(0, values.size, _BLOCK)
    return math.fsum(float(values[i : i + _BLOCK] @ weights[i : i + _BLOCK]) for i in starts)


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Spectrum:
    """Eigenvalues of a covariance with the fraction of directions that carry each of them.

    Shapes: eigenvalues (k,), weights (k,); without weights every eigenvalue counts 1/k.
    Units:  eigenvalues in [x]^2, weights are pure numbers with sum 1.
    Raises: ValueError if an eigenvalue or a weight is not finite and > 0, if the shapes differ or
            are not one-dimensional, or if the weights do not sum to 1 within 1e-12 (they are never
            rescaled silently). Directions without variance are outside the theory: drop them and
            count the dimension of the support instead.
    """

    eigenvalues: Array
    weights: Array

    def __init__(self, eigenvalues: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> None:
        support = _vector("eigenvalues", eigenvalues)
        if weights is None:
            fractions = np.full(support.shape, 1.0 / support.size)
        else:
            fractions = _vector("weights", weights)
            if fractions.shape != support.shape:
                raise ValueError(
                    f"weights has shape {fractions.shape}, needs the shape of eigenvalues "
                    f"{support.shape}"
                )
            total = math.fsum(fractions)
            if abs(total - 1.0) > _WEIGHT_TOLERANCE:
                raise ValueError(f"weights sum to {total!r}, need 1 within {_WEIGHT_TOLERANCE}")
        for name, value in (("eigenvalues", support), ("weights", fractions)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        low, high = float(self.eigenvalues.min()), float(self.eigenvalues.max())
        return f"Spectrum(atoms={self.eigenvalues.size}, min={low:.6g}, max={high:.6g})"

    @classmethod
    def isotropic(cls, scale: float = 1.0) -> Spectrum:
        """One atom at ``scale``."""
        return cls([number("scale", scale, low=0.0, open_low=True)])

    @classmethod
    def two_atom(cls, spread: float) -> Spectrum:
        """Half of the directions at ``1 - spread``, half at ``1 + spread``; mean 1."""
        half = number("spread", spread, low=-1.0, high=1.0, open_low=True, open_high=True)
        return cls([1.0 - half, 1.0 + half])

    @classmethod
    def geometric(cls, condition_number: float, atoms: int) -> Spectrum:
        """``atoms`` log-uniform eigenvalues with the given condition number; mean 1."""
        ratio = number("condition_number", condition_number, low=1.0)
        eigenvalues = np.geomspace(1.0, ratio, count("atoms", atoms))
        return cls(eigenvalues / eigenvalues.mean())

    def expect(self, values: npt.ArrayLike) -> float:
        """Return the mean of ``values`` (k,), one value per eigenvalue, under the spectrum."""
        values = reals("values", values)
        if values.shape != self.eigenvalues.shape:
            raise ValueError(f"values has shape {values.shape}, needs {self.eigenvalues.shape}")
        return weighted_sum(values, self.weights)

    def moment(self, k: int) -> float:
        """Return ``m_k = E[s^k]`` for an integer ``k`` of any sign, in [x]^(2k)."""
        power = real("k", k)
        if not power.is_integer():
            raise ValueError(f"k={k!r}, needs an integer")
        return self.expect(self.eigenvalues**power)

    @property
    def condition_number(self) -> float:
        """Largest eigenvalue over the smallest, a pure number >= 1."""
        return float(self.eigenvalues.max() / self.eigenvalues.min())


def _vector(name: str, values: npt.ArrayLike) -> Array:
    array = reals(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, needs (k,) with k >= 1")
    bad = ~(np.isfinite(array) & (array > 0))
    if bad.any():
        index = int(np.argmax(bad))
        raise ValueError(f"{name}[{index}]={float(array[index])!r}, needs to be finite and > 0")
    return array
