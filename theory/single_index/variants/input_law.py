"""SI-25: independent coordinates that are not Gaussian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.gauss.links import NAMED_LINKS
from theory.core.part import Kind, Part
from theory.core.spectrum import Array
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    ASPECT,
    DAMPED,
    DERIVED,
    EXAMPLE,
    GIVEN_TEACHER,
    LINEAR_PART,
    NO_LEADER,
    NORMALISED,
    SAME_BATCH,
)
from theory.single_index.domain import need_nonnegative, need_one_of, need_positive
from theory.single_index.notation import (
    rho2,
    rho2_coordinate,
    rho2_mixed,
    rho2_sgd,
    target_cos2,
)
from theory.single_index.notation import tau2 as tau2_letter

LAWS = ("rademacher", "uniform", "exponential")
_FLAT = ge.isotropic(ge.kfac_alignment(ge.ONE))
# the teacher's energies stand beside the isotropic tau2, so its noise level is written out
_GIVEN = ge.kfac_alignment(ge.ONE, noise_level=ge.tau2())

SI_25 = Claim(
    id="SI-25",
    title="Inputs that are not Gaussian",
    says=(
        "For inputs S^{1/2}z with independent entries z of mean 0 and variance 1 and a teacher "
        "spread over many coordinates, every alignment is that of Gaussian inputs, up to 1/d, or "
        "1/√d where z is skewed. For a teacher on one coordinate the law of that coordinate alone "
        "enters: c_1 and s_2 are the moments of y = g(z) under it. In between, the labels are "
        "regressed on the least-squares vector Σ⁻¹E[xy], which differs from β⋆ in direction. "
        "Whitening then learns that vector, not β⋆: the alignment with β⋆ stays below their "
        "squared cosine γ_LS² however much data there is. Tails so heavy that E y²x² is infinite "
        "are excluded."
    ),
    source=DERIVED,
    parts={
        "dense": Part(Kind.LIMIT, sp.Eq(rho2, _FLAT)),
        "fixed_point": ge.FIXED_POINT,
        "dense_sgd": Part(Kind.LIMIT, sp.Eq(rho2_sgd, ge.isotropic(ge.sgd_alignment(ge.ONE)))),
        "one_coordinate": Part(Kind.LIMIT, sp.Eq(rho2_coordinate, _GIVEN)),
        "mixed": Part(Kind.LIMIT, sp.Eq(rho2_mixed, target_cos2 * _FLAT)),
        "unreached": Part(Kind.BOUND, sp.Le(rho2_mixed, target_cos2)),
    },
    definitions={tau2_letter: ge.isotropic(ge.tau2()), **ge.LETTERS},
    assumptions=(
        Assumption("independent entries of the whitened input", fact="input_law", allowed=LAWS),
        GIVEN_TEACHER,
        NORMALISED,
        ASPECT,
        NO_LEADER,
        LINEAR_PART,
        DAMPED,
        SAME_BATCH,
    ),
    example={**EXAMPLE, "input_law": "rademacher"},
    beyond_paper=True,
)


@dataclass(frozen=True)
class Regression:
    """The least-squares fit of y = g(a z_1 + b zeta) + noise on z_1 and zeta.

    coordinate, rest: its coefficients; residual_var: mean square of what is left.
    """

    coordinate: float
    rest: float
    residual_var: float
    share: float

    @property
    def slope(self) -> float:
        """Length of the least-squares vector, which takes the place of c1."""
        return float(np.hypot(self.coordinate, self.rest))

    @property
    def cosine2(self) -> float:
        """Squared cosine of the least-squares vector with the teacher (a, b)."""
        a, b = self.share**0.5, (1 - self.share) ** 0.5
        return (a * self.coordinate + b * self.rest) ** 2 / self.slope**2


def regression(link: str, law: str, *, share: float, noise_std: float) -> Regression:
    """Return the fit for a teacher with ``share`` of its energy on one coordinate of this law.

    The rest of the teacher is spread over many coordinates: its part of the index is Gaussian.
    Smooth links are exact to about 1e-8 for 0 < share < 1; at share = 1 a kink at 0 is exact too.
    Raises: ValueError for an unknown link or law, share outside (0, 1], a negative noise.
    """
    need_one_of("link", link, tuple(NAMED_LINKS))
    need_one_of("law", law, LAWS)
    need_nonnegative(noise_std=noise_std)
    need_positive(share=share)
    if share > 1:
        raise ValueError(f"share={share!r}, needs 0 < share <= 1")
    z, p = _nodes(law)
    x, w = np.polynomial.hermite_e.hermegauss(_HERMITE) if share < 1 else (np.zeros(1), np.ones(1))
    w = w / w.sum()
    y = NAMED_LINKS[link].function((share**0.5 * z[:, None] + (1 - share) ** 0.5 * x).ravel())
    y = y.reshape(z.size, x.size)
    coordinate, rest = float((p * z) @ y @ w), float(p @ y @ (w * x))
    left = y - coordinate * z[:, None] - rest * x
    return Regression(coordinate, rest, float(p @ (left * left) @ w) + noise_std**2, share)


_HERMITE, _LEGENDRE, _LAGUERRE = 100, 40, 80


def _nodes(law: str) -> tuple[Array, Array]:
    """Nodes and weights of a law, split at 0, where named links have their kinks."""
    if law == "rademacher":
        return np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    t, w = np.polynomial.legendre.leggauss(_LEGENDRE)
    t, w = (t + 1) / 2, w / 2
    if law == "uniform":
        z = 3**0.5 * t
        return np.concatenate((-z, z)), np.concatenate((w, w)) / 2
    # centred exponential: density exp(-1 - z) on z > -1
    far, tail = np.polynomial.laguerre.laggauss(_LAGUERRE)
    return np.concatenate((t - 1, far)), np.concatenate((w * np.exp(-t), tail * np.exp(-1.0)))
