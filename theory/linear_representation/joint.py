"""LR-18, LR-19, LR-20: local spectra when head and representation move together."""

from collections.abc import Iterable

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, parts_of
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    ISOTROPIC,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import (
    count_q,
    d,
    eta,
    eta_F,
    k,
    lam_i,
    lam_j,
    m,
    multiplier,
)

GAUGE = (sp.Integer(1), k**2)
GD_ORTHONORMAL = {
    "gauge": GAUGE,
    "representation": (1 - eta * lam_i, d - k),
    "head": (1 - eta, k * (m - k)),
    "joint": (1 - eta * (1 + lam_i), k),
}
GD_BALANCED = {
    "gauge": GAUGE,
    "representation": (1 - eta * sp.sqrt(lam_i), d - k),
    "head": (1 - eta * sp.sqrt(lam_i), m - k),
    "joint": (1 - eta * (sp.sqrt(lam_i) + sp.sqrt(lam_j)), sp.Integer(1)),
}
KFAC_TOGETHER = {
    "gauge": GAUGE,
    "joint": (1 - eta - eta_F, k**2),
    "representation": (1 - eta, k * (d - k)),
    "head": (1 - eta_F, k * (m - k)),
}
KFAC_IN_TURN = {**KFAC_TOGETHER, "joint": ((1 - eta) * (1 - eta_F), k**2)}
NATURAL = {"gauge": GAUGE, "moving": (1 - eta, k * (m + d - k))}

Spectrum = dict[str, tuple[sp.Expr, sp.Expr]]


def _relations(spectra: Iterable[Spectrum]) -> sp.Tuple:
    return sp.Tuple(
        *(
            sp.Eq(symbol, value, evaluate=False)
            for spectrum in spectra
            for pair in spectrum.values()
            for symbol, value in zip((multiplier, count_q), pair, strict=True)
        )
    )


def _parts(names: Iterable[str], spectra: Iterable[Spectrum]) -> tuple[str, ...]:
    return tuple(
        f"{name}_{eigenvalue}{what}"
        for name, spectrum in zip(names, spectra, strict=True)
        for eigenvalue in spectrum
        for what in ("", "_count")
    )


_LOCAL = (*RANKS, NOISELESS, NO_DAMPING, STEP_POSITIVE)
_EXAMPLE = {**EXAMPLE, "noise_std": 0.0, "head_step_size": 0.1}
_GD = (("orthonormal", "balanced"), (GD_ORTHONORMAL, GD_BALANCED))
_KFAC = (("together", "in_turn"), (KFAC_TOGETHER, KFAC_IN_TURN))
_NATURAL = (("natural",), (NATURAL,))

LR_18 = Claim(
    id="LR-18",
    title="Local spectrum of joint gradient descent",
    says=(
        "Near a solution, gradient descent in both layers (the mean of SGD) has as multipliers 1 "
        "minus η times the Gauss-Newton eigenvalues. For isotropic input and orthonormal rows of "
        "G the angles see 1 − ηλ_i. With balanced layers, as reached from a small initialisation, "
        "they see 1 − η√λ_i, slowest at the smallest singular value of F⋆. The orthonormal counts "
        "are per eigenvalue for “representation” and “joint”, the balanced ones per eigenvalue or "
        "ordered pair."
    ),
    source=DERIVED,
    parts=parts_of(Kind.RATE, _relations(_GD[1]), _parts(*_GD)),
    assumptions=(*_LOCAL, ISOTROPIC),
    example=_EXAMPLE,
)

LR_19 = Claim(
    id="LR-19",
    title="Local spectrum of joint KFAC",
    says=(
        "With both layers at once the multipliers are 1 (the gauge, k² times), 1 − η − η_F (k² "
        "times), 1 − η (k(d − k) times) and 1 − η_F (k(m − k) times): stable exactly if η + η_F < "
        "2. With one layer after the other, (1 − η)(1 − η_F) takes the place of the second. No "
        "covariance and no head enters."
    ),
    source=DERIVED,
    parts=parts_of(Kind.RATE, _relations(_KFAC[1]), _parts(*_KFAC)),
    assumptions=(
        *_LOCAL,
        Assumption("the joint update is stable", eta + eta_F < 2),
        Assumption("a positive head step size", eta_F > 0),
    ),
    example=_EXAMPLE,
    beyond_paper=True,
)

LR_20 = Claim(
    id="LR-20",
    title="Local spectrum of the natural gradient with the true Fisher matrix",
    says=(
        "With the pseudo-inverse of the true Fisher matrix every direction but the gauge is "
        "multiplied by 1 − η; with η = 1 it converges quadratically. The noise on the subspace is "
        "that of KFAC."
    ),
    source=DERIVED,
    parts=parts_of(Kind.RATE, _relations(_NATURAL[1]), _parts(*_NATURAL)),
    assumptions=_LOCAL,
    example=_EXAMPLE,
)
