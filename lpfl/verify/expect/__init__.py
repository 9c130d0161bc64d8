"""Comparisons: what a check yields. Each names a part and carries both numbers in its units.

A comparison is decided by the runner, which knows the level of one decision: a check that yields
more noisy comparisons than it declared is refused, so the error budget holds by construction.
"""

from lpfl.verify.expect.comparison import Array, Comparison, Decided, Shown, as_array
from lpfl.verify.expect.exact import Above, Below, Same
from lpfl.verify.expect.greater import Greater
from lpfl.verify.expect.noisy import ChiSquare, Exceeds, Near, Ordered, Rival, Scale, UniformLaw

__all__ = [
    "Above",
    "Array",
    "Below",
    "ChiSquare",
    "Comparison",
    "Decided",
    "Exceeds",
    "Greater",
    "Near",
    "Ordered",
    "Rival",
    "Same",
    "Scale",
    "Shown",
    "UniformLaw",
    "as_array",
]
