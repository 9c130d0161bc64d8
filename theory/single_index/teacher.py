"""SI-15 and SI-16: a given teacher instead of an isotropic one, and a network without 1/sqrt(N)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import sympy as sp

from theory.core.formula import Formula
from theory.core.resolvent import resolvent
from theory.core.spectrum import Array, Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.domain import need_link, need_nonnegative, need_one_of, need_positive
from theory.single_index.notation import act_mean, c1_link, c_act, c_perp2, s2_link

# The network's own output f0 is part of the residual y - f0: it is a random, unlearned teacher.
ENERGY = c1_link**2 + c_act**2
RESIDUAL = s2_link + c_perp2 + act_mean**2

SGD_UNNORMALISED = Formula(
    ge.isotropic(ge.sgd_alignment(sp.Integer(1), energy=ENERGY, residual=RESIDUAL))
)
NOISE_UNNORMALISED = ge.isotropic(ge.tau2(energy=ENERGY, residual=RESIDUAL))
KFAC_UNNORMALISED = Formula(
    ge.in_full(
        ge.isotropic(
            ge.kfac_alignment(sp.Integer(1), energy=ENERGY, noise_level=NOISE_UNNORMALISED)
        )
    )
)
KFAC_RIDGELESS_UNNORMALISED = Formula(
    ge.isotropic(ge.kfac_ridgeless_alignment(sp.Integer(1), energy=ENERGY, residual=RESIDUAL))
)


def energy_per_eigenspace(spectrum: Spectrum, teacher_energy: npt.ArrayLike) -> Array:
    """Return the teacher's energies (k,) rescaled so that ``sum_k b_k^2 s_k = 1``.

    Raises: ValueError for another shape, a negative or non-finite entry, or no energy at all.
    """
    energy = np.asarray(teacher_energy, dtype=np.float64)
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


def unnormalised_alignment(
    method: str,
    *,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    c_act: float,
    c_perp2: float,
    act_mean: float,
    damping: float | None = None,
) -> float:
    """Return rho^2 for the network f'act(Gx) without the factor 1/sqrt(N) (SI-16).

    method: "sgd" or "kfac" (damping needed; 0.0 for aspect < 1 is the ridgeless limit).
    c_act, c_perp2, act_mean: as in theory.core.gauss.hermite.activation_statistics.
    Raises: ValueError for a value outside its bound.
    Source: derived; the residual of the initial network adds to signal energy and noise.
    """
    need_one_of("method", method, ("sgd", "kfac"))
    need_positive(aspect=aspect)
    need_link(c1, residual_var)
    need_nonnegative(c_perp2=c_perp2)
    values = {
        "aspect": aspect,
        "c1": c1,
        "residual_var": residual_var,
        "c_act": c_act,
        "c_perp2": c_perp2,
        "act_mean": act_mean,
    }
    if method == "sgd":
        if damping is not None:
            raise ValueError(f"damping={damping!r}, needs None for method 'sgd'")
        return SGD_UNNORMALISED(spectrum, **values)
    if damping is None:
        raise ValueError("damping=None, needs a number >= 0 for method 'kfac'")
    if damping == 0 and aspect < 1:
        return KFAC_RIDGELESS_UNNORMALISED(spectrum, **values)
    v = float(resolvent(spectrum, aspect=aspect, damping=damping).v)
    return KFAC_UNNORMALISED(spectrum, damping=damping, resolvent_v=v, **values)
