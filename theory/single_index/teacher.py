"""SI-15: a given teacher instead of an isotropic one."""

from __future__ import annotations

import numpy.typing as npt
import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import Formula
from theory.core.guards import reals
from theory.core.part import Kind, Part
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    ASPECT,
    DAMPED,
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    GIVEN_TEACHER,
    LINEAR_PART,
    NO_LEADER,
    NORMALISED,
    SAME_BATCH,
)
from theory.single_index.domain import need_nonnegative
from theory.single_index.notation import rho2, rho2_star
from theory.single_index.notation import s_cov as s

SI_15 = Claim(
    id="SI-15",
    title="Alignment for a structured teacher",
    says=(
        "For a given teacher the means over the signal are taken with its energy in each "
        "eigenspace. The best damping then moves away from λ⋆ of SI-04, by an order of magnitude "
        "in either direction in the two cases shown. So the rule of SI-04 needs a teacher without "
        "preferred directions."
    ),
    source=DERIVED,
    parts={
        "alignment": Part(Kind.LIMIT, sp.Eq(rho2, ge.kfac_alignment(ge.ONE))),
        "fixed_point": ge.FIXED_POINT,
        "sgd": Part(Kind.LIMIT, sp.Eq(rho2, ge.sgd_alignment(ge.ONE))),
        "ridgeless": Part(Kind.LIMIT, sp.Eq(rho2, ge.ridgeless_alignment(ge.ONE))),
        "moved": Part(Kind.ORDERING, sp.Ge(rho2, rho2_star)),
    },
    definitions=ge.MEANINGS_TEACHER,
    assumptions=(
        GAUSSIAN,
        GIVEN_TEACHER,
        NORMALISED,
        ASPECT,
        NO_LEADER,
        LINEAR_PART,
        DAMPED,
        SAME_BATCH,
    ),
    example=EXAMPLE,
    beyond_paper=True,
)

# the same with the weight Sigma
_CORRELATION = {
    "kfac": Formula(
        ge.in_full(ge.kfac_alignment(s).xreplace(ge.MEANINGS_TEACHER)),
    ),
    "sgd": Formula(ge.sgd_alignment(s)),
    "ridgeless": Formula(ge.ridgeless_alignment(s)),
}


def teacher_alignment(
    step: str, weight: str, spectrum: Spectrum, energy: Array, values: dict[str, float]
) -> float:
    """Return rho^2 of a step, "sgd", "kfac" or "ridgeless", for energies (k,) of the teacher.

    weight: "identity", or "covariance" for rho_S^2.
    Source: SI-15; derived for the weight "covariance".
    """
    if weight == "covariance":
        return _CORRELATION[step](spectrum, energy, **values)
    part = SI_15["alignment" if step == "kfac" else step]
    return float(part.number(spectrum, energy, **values))


def energy_per_eigenspace(spectrum: Spectrum, teacher_energy: npt.ArrayLike) -> Array:
    """Return the teacher's energies (k,) rescaled so that ``sum_k b_k^2 s_k = 1``.

    Raises: ValueError for another shape, a negative or non-finite entry, or no energy at all.
    """
    energy = reals("teacher_energy", teacher_energy)
    if energy.shape != spectrum.eigenvalues.shape:
        raise ValueError(
            f"teacher_energy has shape {energy.shape}, needs {spectrum.eigenvalues.shape}"
        )
    for i, value in enumerate(energy.tolist()):
        need_nonnegative(**{f"teacher_energy[{i}]": value})
    total = float(energy @ spectrum.eigenvalues)
    if total == 0:
        raise ValueError("teacher_energy sums to 0.0, needs > 0")
    return energy / total
