"""Tolerances: a number with the derivation that it comes from."""

from dataclasses import dataclass
from enum import StrEnum

import torch

from lpfl import guards
from lpfl.linalg import machine_tolerance


class Basis(StrEnum):
    """Where the number of a tolerance comes from."""

    ROUNDING = "rounding"
    TRUNCATION = "truncation"
    FINITE_SIZE = "finite size"
    SAMPLING = "sampling"
    JUDGEMENT = "judgement"


@dataclass(frozen=True)
class Tolerance:
    """How far a measured number may lie from a predicted one, and why.

    why: the derivation in one sentence; for a judgement, how it was settled.
    Raises ValueError unless value >= 0 and finite and ``why`` says something.
    """

    value: float
    basis: Basis
    why: str

    def __post_init__(self) -> None:
        guards.number("tolerance", self.value, least=0.0)
        if not isinstance(self.why, str):
            raise ValueError(f"why={self.why!r}, needs a derivation in words")
        if not self.why.strip():
            raise ValueError(f"tolerance={self.value} has no derivation")
        object.__setattr__(self, "basis", Basis(self.basis))

    def __add__(self, other: "Tolerance") -> "Tolerance":
        """Return the sum of two tolerances; the first basis names it."""
        return Tolerance(self.value + other.value, self.basis, f"{self.why} + {other.why}")

    def times(self, factor: float, why: str) -> "Tolerance":
        """Return the tolerance magnified by ``factor`` for the reason ``why``."""
        return Tolerance(self.value * factor, self.basis, f"{self.why}, {why}")


def rounding(dtype: torch.dtype, *, dim: int, condition: float = 1.0, why: str = "") -> Tolerance:
    """Return the rounding of a solve in ``dim`` unknowns with this condition number."""
    said = why or f"epsilon times d = {dim} and the condition number {condition:.3g}"
    value = machine_tolerance(dtype, dim=dim, condition=condition)
    return Tolerance(value, Basis.ROUNDING, said)


def finite_size(value: float, why: str) -> Tolerance:
    """Return the distance of a finite-size mean from its limit."""
    return Tolerance(value, Basis.FINITE_SIZE, why)


def truncation(value: float, why: str) -> Tolerance:
    """Return the error of a truncated series or difference quotient."""
    return Tolerance(value, Basis.TRUNCATION, why)


def judgement(value: float, settled_by: str) -> Tolerance:
    """Return a number that no derivation gives; ``settled_by`` says how it was chosen."""
    return Tolerance(value, Basis.JUDGEMENT, settled_by)
