"""Guards at the entrances: every refusal names the value and the bound."""

from __future__ import annotations

import math
from collections.abc import Mapping

from theory.core.guards import count, real
from theory.core.spectrum import Spectrum


def need_spectrum(spectrum: Spectrum) -> None:
    """Refuse anything that is not a Spectrum."""
    if not isinstance(spectrum, Spectrum):
        raise ValueError(f"spectrum={spectrum!r}, needs a theory.Spectrum")


def need_positive(**values: float) -> None:
    """Refuse a value that is not finite and > 0."""
    for name, value in values.items():
        if not (math.isfinite(real(name, value)) and value > 0):
            raise ValueError(f"{name}={value!r}, needs to be finite and > 0")


def need_nonnegative(**values: float) -> None:
    """Refuse a value that is not finite and >= 0."""
    for name, value in values.items():
        if not (math.isfinite(real(name, value)) and value >= 0):
            raise ValueError(f"{name}={value!r}, needs to be finite and >= 0")


def need_finite(**values: float) -> None:
    """Refuse a value that is not a finite number."""
    for name, value in values.items():
        if not math.isfinite(real(name, value)):
            raise ValueError(f"{name}={value!r}, needs to be finite")


def need_count(**values: int) -> None:
    """Refuse a value that is not a whole number >= 1."""
    for name, value in values.items():
        count(name, value)


def need_link(c1: float, residual_var: float) -> None:
    """Refuse link statistics that are not finite, negative, or all zero (no label at all)."""
    need_finite(c1=c1)
    need_nonnegative(residual_var=residual_var)
    if c1 == 0 and residual_var == 0:
        raise ValueError(
            "c1=0.0 and residual_var=0.0: the labels are zero, the alignment undefined"
        )


def need_one_of(name: str, value: object, allowed: Mapping[str, object] | tuple[str, ...]) -> None:
    """Refuse a word that is not in ``allowed``."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name}={value!r}, needs one of {sorted(allowed)}")
