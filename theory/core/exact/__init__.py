"""Three readings of one SymPy matrix expression: GF(2^61 - 1), the rationals, float64."""

from theory.core.exact.check import (
    PRIME,
    IdentityResult,
    check_identity,
    check_identity_rational,
    evaluate_float,
    evaluate_sides,
)

__all__ = [
    "PRIME",
    "IdentityResult",
    "check_identity",
    "check_identity_rational",
    "evaluate_float",
    "evaluate_sides",
]
