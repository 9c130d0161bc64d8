"""SI-27: several steps, each on a fresh batch."""

from __future__ import annotations

import numpy as np
import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E, Formula
from theory.core.guards import in_float_range
from theory.core.part import Kind, Part
from theory.core.resolvent import resolvent
from theory.core.spectrum import Spectrum
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.alignment import WEIGHTS
from theory.single_index.assumptions import (
    BASE,
    DAMPED,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    SAME_BATCH,
)
from theory.single_index.domain import (
    need_count,
    need_link,
    need_nonnegative,
    need_one_of,
    need_positive,
    need_spectrum,
)
from theory.single_index.notation import P_s as P
from theory.single_index.notation import (
    V_next,
    V_noise,
    eta,
    linear_risk,
    noise_energy,
    rho2,
    rho2_moving,
    rho2_moving_sgd,
    rho2_sgd,
    s2_link,
    tau_step,
)
from theory.single_index.notation import aspect as phi
from theory.single_index.notation import c1_link as c1
from theory.single_index.notation import fresh_steps as steps
from theory.single_index.notation import noise_gain as r
from theory.single_index.notation import s_cov as s

METHODS = ("sgd", "kfac")


def _frozen(T: sp.Expr) -> sp.Expr:
    pooled = ge.kfac_alignment(T, noise_level=ge.tau2_letter / steps)
    return ge.isotropic(pooled)


def _frozen_sgd(T: sp.Expr) -> sp.Expr:
    return ge.isotropic(ge.sgd_alignment(T)).subs(phi, phi / steps)


def _moving(T: sp.Expr, multiplier: sp.Expr) -> sp.Expr:
    filtered = 1 - (1 - eta * multiplier) ** steps
    signal = c1**2 * E(T * filtered) ** 2
    total = c1**2 * E(T * filtered**2) + noise_energy
    return (signal / (E(T) * total)).subs(E(1), 1)


SI_27 = Claim(
    id="SI-27",
    title="Several steps on fresh batches",
    says=(
        "While the network's output is small against the labels, steps on fresh batches only "
        "average the noise: T steps of SGD are one step with T times the batch, and stay below the "
        "cap m_1²/m_2 of SI-02 at every T. Once the output fits the linear part of the labels, the "
        "signal passes the filter 1 − (1 − ηP_s)^T, for SGD with s in place of P_s, and the noise "
        "follows a linear recursion for every eigenvalue of Σ. Only then does the bias of SGD "
        "disappear."
    ),
    source=DERIVED,
    parts={
        "frozen": Part(Kind.LIMIT, sp.Eq(rho2, _frozen(ge.ONE))),
        "fixed_point": ge.FIXED_POINT,
        "frozen_sgd": Part(Kind.LIMIT, sp.Eq(rho2_sgd, _frozen_sgd(ge.ONE))),
        "cap": Part(Kind.BOUND, sp.Le(rho2_sgd, E(s) ** 2 / E(s**2))),
        "moving": Part(Kind.LIMIT, sp.Eq(rho2_moving, _moving(ge.ONE, P))),
        "moving_sgd": Part(Kind.LIMIT, sp.Eq(rho2_moving_sgd, _moving(ge.ONE, s))),
        "energy": Part(
            Kind.LIMIT,
            sp.Eq(V_next, (1 - eta * P) ** 2 * V_noise + eta**2 * phi * s * r**2 * tau_step),
        ),
        "noise_level": Part(Kind.LIMIT, sp.Eq(tau_step, (s2_link + linear_risk) / ge.STABILITY)),
        "energy_sgd": Part(
            Kind.LIMIT,
            sp.Eq(
                V_next,
                (1 - eta * s) ** 2 * V_noise + eta**2 * phi * s * (s2_link + linear_risk),
            ),
        ),
    },
    definitions=ge.MEANINGS,
    assumptions=(*BASE, LINEAR_PART, DAMPED, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)

_NO_DAMPING = 1e-14  # of the smallest eigenvalue of a batch: stands for the limit 0


class Path:
    """The weights of the linear part, step by step: noise per eigenvalue (k,), and its level."""

    def __init__(
        self,
        method: str,
        spectrum: Spectrum,
        step_size: float,
        values: dict[str, float],
    ) -> None:
        self.method, self.spectrum, self.step_size = method, spectrum, step_size
        self.values = values
        s = spectrum.eigenvalues
        self.share = (
            s if method == "sgd" else s * values["resolvent_v"] / (1 + s * values["resolvent_v"])
        )
        self.left = np.ones_like(s)  # (1 - eta P)^t
        self.noise = np.zeros_like(s)
        self.level = 0.0

    def step(self) -> None:
        """One more step on a fresh batch."""
        known, s = self.values, self.spectrum.eigenvalues
        error = known["c1"] ** 2 * self.left**2 + self.noise
        lost = np.ones_like(s) if self.method == "sgd" else (1 - self.share) ** 2
        risk = self.spectrum.expect(s * lost * error)
        common = {
            "step_size": self.step_size,
            "aspect": known["aspect"],
            "covariance_eigenvalue": s,
            "noise_energy_at": self.noise,
        }
        if self.method == "sgd":
            self.level = known["residual_var"] + risk
            part = SI_27["energy_sgd"]
            self.noise = part.number(**common, linear_risk=risk, residual_var=known["residual_var"])
        else:
            names = ("aspect", "damping", "resolvent_v", "residual_var")
            level = {name: known[name] for name in names}
            self.level = float(
                SI_27["noise_level"].number(self.spectrum, **level, linear_risk=risk)
            )
            self.noise = SI_27["energy"].number(
                **common, resolvent_v=known["resolvent_v"], noise_level_step=self.level
            )
        self.left = self.left * (1 - self.step_size * self.share)


@in_float_range
def steps_alignment(
    method: str,
    *,
    steps: int,
    step_size: float,
    spectrum: Spectrum,
    aspect: float,
    c1: float,
    residual_var: float,
    damping: float | None = None,
    weight: str = "identity",
) -> float:
    """Return the limit of the squared alignment after ``steps`` steps, each on a fresh batch.

    method: "sgd" or "kfac" (with ``damping``, covariance of the batch of the step). step_size: of
    the linear part of the network's output, eta c_act^2/sqrt(N) for a step eta on the first layer;
    0.0 is the limit in which the residual does not move (O(1) steps at O(1) step sizes).
    aspect: d/n of one batch. weight: as in ``alignment``.
    Units:  step_size in [x]^-2 for SGD, a pure number for KFAC.
    Raises: ValueError for a value outside its bound; damping = 0 at aspect = 1.
    Source: SI-27, derived.
    """
    need_one_of("method", method, METHODS)
    need_one_of("weight", weight, WEIGHTS)
    need_spectrum(spectrum)
    need_positive(aspect=aspect)
    need_nonnegative(step_size=step_size)
    need_link(c1, residual_var)
    need_count(steps=steps)
    values = {"aspect": float(aspect), "c1": c1, "residual_var": residual_var}
    if method == "kfac":
        values |= _whitening(spectrum, aspect, damping)
    elif damping is not None:
        raise ValueError(f"damping={damping!r}, needs None for method 'sgd'")
    if step_size == 0:
        name = "frozen" if method == "kfac" else "frozen_sgd"
        other = _FORMULAS[name, weight]
        values["fresh_steps"] = steps
        return other.number_of(values, spectrum)
    path = Path(method, spectrum, step_size, values)
    for _ in range(int(steps)):
        path.step()
    T = spectrum.eigenvalues if weight == "covariance" else np.ones_like(spectrum.eigenvalues)
    values |= {
        "step_size": step_size,
        "fresh_steps": steps,
        "noise_energy": spectrum.expect(T * path.noise),
    }
    formula = _FORMULAS["moving" if method == "kfac" else "moving_sgd", weight]
    return formula.number_of(values, spectrum)


def _whitening(spectrum: Spectrum, aspect: float, damping: float | None) -> dict[str, float]:
    if damping is None:
        raise ValueError("damping=None, needs a number >= 0 for method 'kfac'")
    need_nonnegative(damping=damping)
    if damping == 0 and aspect == 1:
        raise ValueError("aspect=1.0 with damping=0.0: the noise is amplified without bound")
    if damping == 0 and aspect < 1:
        damping = _NO_DAMPING * float(spectrum.eigenvalues.min()) * (1 - aspect) ** 2
    v = float(resolvent(spectrum, aspect=aspect, damping=damping).v)
    return {"damping": damping, "resolvent_v": v}


def _formulas() -> dict[tuple[str, str], Formula]:
    """The printed alignments, and the same with the weight Sigma."""
    builders = {
        "frozen": _frozen,
        "frozen_sgd": _frozen_sgd,
        "moving": lambda T: _moving(T, P),
        "moving_sgd": lambda T: _moving(T, s),
    }
    found = {}
    for name, build in builders.items():
        found[name, "identity"] = SI_27[name].formula
        meaning = build(s).xreplace({ge.tau2_letter: ge.MEANINGS[ge.tau2_letter]})
        found[name, "covariance"] = Formula(ge.in_full(meaning))
    return found


_FORMULAS = _formulas()
