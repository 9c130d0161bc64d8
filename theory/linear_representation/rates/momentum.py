"""LR-38: what momentum does to the local rate and to the noise floor of KFAC."""

from collections.abc import Mapping

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from theory.core.claim import Assumption, Claim
from theory.core.guards import Array, choice, number, reals
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import b_m, eta, eta_max, multiplier, q_1, q_2, q_best
from theory.linear_representation.variants.steps.notation import h_m, kappa_m, t_12, v_ratio, v_T

KINDS = ("heavy_ball", "averaged", "nesterov")
_STEP = {"heavy_ball": eta, "averaged": eta * (1 - b_m)}
_FLOOR = {
    "heavy_ball": eta * (1 + b_m) / ((1 - b_m) * (2 * (1 + b_m) - eta)),
    "averaged": eta * (1 + b_m) / (2 * (1 + b_m) - eta * (1 - b_m)),
    "nesterov": eta
    * ((1 + 2 * b_m + 2 * b_m**2) * (1 + b_m * (1 - eta)) - 2 * b_m * (1 + b_m) ** 2 * (1 - eta))
    / ((1 - b_m * (1 - eta)) * (2 + 2 * b_m - eta * (1 + 2 * b_m))),
}


def _spectrum(kind: str) -> dict[str, Part]:
    if kind == "nesterov":
        left = 1 - eta * h_m
        total, product, edge = (1 + b_m) * left, b_m * left, 2 * (1 + b_m) / ((1 + 2 * b_m) * h_m)
    else:
        total, product = 1 + b_m - _STEP[kind] * h_m, b_m
        edge = 2 * (1 + b_m) * eta / (_STEP[kind] * h_m)
    return {
        f"{kind}_sum": Part(Kind.RATE, sp.Eq(q_1 + q_2, total, evaluate=False)),
        f"{kind}_product": Part(Kind.RATE, sp.Eq(q_1 * q_2, product, evaluate=False)),
        f"{kind}_boundary": Part(Kind.RATE, sp.Eq(eta_max, edge, evaluate=False)),
        f"{kind}_floor": Part(Kind.LIMIT, sp.Eq(v_T, _FLOOR[kind], evaluate=False)),
    }


LR_38 = Claim(
    id="LR-38",
    title="Momentum",
    says=(
        "With momentum b_m a mode of curvature h_m has two multipliers per step; h_m is 1 for "
        "every mode of KFAC and λ_iμ_j for SGD with a least-squares head. The velocity is kept as "
        "a heavy ball, as an average, or in torch's form of Nesterov's. They are below 1 in "
        "modulus exactly below a largest step size. No covariance and no head enters for KFAC, "
        "so its full step η = 1 without momentum ends at T = 0. With momentum the larger of |T| "
        "after one and two full steps is b_m|T_0| in all three forms. For SGD the best heavy ball "
        "contracts by (√κ_m − 1)/(√κ_m + 1). The floors of KFAC are those of autoregressions. "
        "At the same rate r < 1 a heavy ball with b_m = r² and η = (1 − r)² has the lower floor."
    ),
    source=DERIVED,
    parts={
        **{name: part for kind in KINDS for name, part in _spectrum(kind).items()},
        "full_step": Part(Kind.RATE, sp.Eq(multiplier, 1 - eta, evaluate=False)),
        "excursion": Part(Kind.RATE, sp.Eq(t_12, b_m, evaluate=False)),
        "best_for_sgd": Part(
            Kind.RATE, sp.Eq(q_best, (sp.sqrt(kappa_m) - 1) / (sp.sqrt(kappa_m) + 1))
        ),
        "equal_rate": Part(
            Kind.LIMIT, sp.Eq(v_ratio, (1 + b_m) / (1 + sp.sqrt(b_m)) ** 2, evaluate=False)
        ),
    },
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        Assumption("momentum below 1", b_m < 1),
        Assumption("every form is stable", eta * (1 + 2 * b_m) < 2 * (1 + b_m)),
    ),
    example={**EXAMPLE, "momentum": 0.5},
    beyond_paper=True,
)


def _arguments(kind: str, step_size: float, momentum: float) -> dict[str, float]:
    choice("kind", kind, KINDS)
    return {
        "step_size": number("step_size", step_size, low=0.0, open_low=True),
        "momentum": number("momentum", momentum, low=0.0, high=1.0, open_high=True),
    }


def _stated(part: str, values: Mapping[str, ArrayLike]) -> Array:
    needed = LR_38[part].formula.code_names
    return np.asarray(LR_38[part].number(**{name: values[name] for name in needed}))


def momentum_spectrum(
    kind: str, *, step_size: float, momentum: float, h: ArrayLike = 1.0
) -> NDArray[np.complex128]:
    """Return the two multipliers per step of each mode, the larger modulus first, (..., 2).

    kind: "heavy_ball", "averaged" or "nesterov". h (...): 1 for KFAC, an eigenvalue of H times one
    of Sigma_s for SGD, in the inverse unit of step_size.
    Raises: ValueError for another kind, or a number outside its range.
    Source: derived (LR-38).
    """
    values = _arguments(kind, step_size, momentum)
    curvatures = reals("h", h)
    for value in (curvatures.min(), curvatures.max()) if curvatures.size else ():
        number("h", float(value), low=0.0, open_low=True)
    known: dict[str, ArrayLike] = {**values, "mode_curvature": curvatures}
    total, product = _stated(f"{kind}_sum", known), _stated(f"{kind}_product", known)
    half, product = np.broadcast_arrays(total / 2.0, product)
    root = np.sqrt((half**2 - product).astype(np.complex128))
    pairs = np.stack([half + root, half - root], axis=-1)
    order = np.argsort(-np.abs(pairs), axis=-1, kind="stable")
    found = np.take_along_axis(pairs, order, axis=-1)
    if not np.isfinite(found).all():
        raise ValueError(f"step_size={step_size!r}, h={h!r}: the multipliers leave float64")
    return np.asarray(found)


def momentum_floor(kind: str, *, step_size: float, momentum: float) -> float:
    """Return the stationary E|T|_F^2 of KFAC over sigma^2 tr H^-1 tr Sigma_s^-1 / (n - d - 1).

    Raises: ValueError for another kind, a number outside its range, or an unstable step size.
    Source: derived (LR-38).
    """
    values = _arguments(kind, step_size, momentum)
    edge = float(_stated(f"{kind}_boundary", {**values, "mode_curvature": 1.0}))
    number("step_size", step_size, high=edge, open_high=True)
    return float(_stated(f"{kind}_floor", values))
