"""What KFAC's input factor makes of the noise floor and of the mean step, as numbers."""

from theory.core.guards import choice, count, finite_if_given, number, truth
from theory.linear_representation.variants.factors.input_factor import LR_29
from theory.linear_representation.variants.factors.input_factor_average import LR_30
from theory.linear_representation.variants.factors.input_factor_joint import stability_margin
from theory.linear_representation.variants.factors.notation import m_two

FACTORS = ("same_batch", "population", "independent", "average")
HEADS = ("least_squares", "joint")


def factor_floor(
    factor: str,
    *,
    step_size: float,
    n: int,
    d: int,
    k: int,
    decay: float | None = None,
    includes_current: bool = True,
    factor_rows: int | None = None,
    head: str = "least_squares",
    head_step_size: float | None = None,
) -> float:
    """Return the stationary E|T|_F^2 over sigma^2 tr(H^-1) tr(Sigma_s^-1), Gaussian batches.

    n rows a batch, d inputs, rank k. factor, where the inverse input factor comes from:

    - "same_batch": the batch of the gradient
    - "population": the true covariance
    - "independent": a fresh batch of ``factor_rows`` rows at each step
    - "average": a moving average with weights ``decay``^age, with the current batch or without
      it; exact at decay 0 with it and at decay 1, to first order in d/n between them

    head: refitted on the batch, or moved jointly with ``head_step_size``.
    Raises: ValueError on a bad argument, a step size without a floor, or a combination for which
    no closed form is known ("joint" with "average").
    Source: derived (LR-29, LR-30).
    """
    eta = _step(
        factor, step_size, n, d, k, head, factor_rows=factor_rows, head_step_size=head_step_size
    )
    joint = head == "joint"
    sizes = {"batch_size": n, "input_dim": d, "rank": k}
    if factor == "same_batch":
        _require_below("step_size", eta, 2.0)
        if joint and head_step_size is not None:
            number("head_step_size", head_step_size, low=0.0)
            _require_below("step_size + head_step_size", eta + head_step_size, 2.0)
        count("n", n, low=d + 2)
        del sizes["rank"]
        return float(LR_29["same_batch_floor"].number(step_size=eta, **sizes))
    if factor == "population" and joint:
        eta_F = number("head_step_size", head_step_size, low=0.0)
        _require_below("step_size + head_step_size", eta + eta_F, 2 * n / (n + 1))
        both = {"step_size": eta, "head_step_size": eta_F, **sizes}
        _require_below("mean-square gain of the step sizes", LR_29["joint_gain"].number(**both), 1)
        return float(LR_29["joint_floor"].number(**both))
    if factor == "population":
        _require_below("step_size", eta, LR_29["stability"].number(**sizes))
        return float(LR_29["floor"].number(step_size=eta, **sizes))
    if factor == "independent" and joint:
        eta_F = number("head_step_size", head_step_size, low=0.0)
        return _independent_joint(eta, eta_F, count("factor_rows", factor_rows, low=d + 4), sizes)
    if factor == "independent":
        rows = count("factor_rows", factor_rows, low=d + 4)
        known = {"step_size": eta, "factor_rows": rows, **sizes}
        _require_below(
            "step_size", eta, LR_29["independent_stability"].number(**_without_step(known))
        )
        return float(LR_29["independent_floor"].number(**known))
    _require_below("step_size", eta, 1.0)
    memory = _memory(decay, includes_current)
    floor = float(LR_30["floor"].number(step_size=eta, **sizes, **memory))
    if floor <= 0.0:
        raise ValueError(f"n={n}, needs more rows for d={d} and decay={decay}: no floor")
    return floor


def factor_multiplier(
    factor: str,
    *,
    step_size: float,
    n: int,
    d: int,
    k: int,
    decay: float | None = None,
    includes_current: bool = True,
    factor_rows: int | None = None,
    head: str = "least_squares",
    head_step_size: float | None = None,
) -> float:
    """Return what the mean of T is multiplied by per step; arguments as in :func:`factor_floor`.

    "average": after more steps than the memory, to first order in d/n. head_step_size does not
    enter: the mean of T does not depend on the head's error.
    Raises: ValueError on a bad argument, or for "joint" with "average".
    Source: derived (LR-29, LR-30).
    """
    eta = _step(
        factor, step_size, n, d, k, head, factor_rows=factor_rows, head_step_size=head_step_size
    )
    if head_step_size is not None:
        number("head_step_size", head_step_size, low=0.0)
    sizes = {"batch_size": n, "input_dim": d, "rank": k}
    if factor == "same_batch":
        count("n", n, low=d)
        return float(LR_29["joint_multiplier"].number(step_size=eta))
    if factor == "population" and head == "joint":
        return float(LR_29["joint_multiplier"].number(step_size=eta))
    if factor == "population":
        del sizes["input_dim"]
        return float(LR_29["multiplier"].number(step_size=eta, **sizes))
    if factor == "independent":
        rows = count("factor_rows", factor_rows, low=d + 2)
        if head == "joint":
            sizes["rank"] = 0  # all n degrees of freedom of a batch: no head is fitted on it
        return float(
            LR_29["independent_multiplier"].number(step_size=eta, factor_rows=rows, **sizes)
        )
    _require_below("step_size", eta, 1.0)
    return float(
        LR_30["multiplier"].number(step_size=eta, **sizes, **_memory(decay, includes_current))
    )


def _independent_joint(eta: float, eta_F: float, rows: int, sizes: dict[str, int]) -> float:
    """Return the floor if the head moves too; both step sizes must keep the mean square finite."""
    known = {"step_size": eta, "head_step_size": eta_F, "factor_rows": rows, **sizes}
    if stability_margin(LR_29.definitions[m_two], **known) <= 0.0:
        raise ValueError(
            f"step_size={eta:.6g} with head_step_size={eta_F:.6g}, needs smaller ones: no floor"
        )
    return float(LR_29["independent_joint_floor"].number(**known))


def _without_step(known: dict[str, float]) -> dict[str, float]:
    return {key: value for key, value in known.items() if key != "step_size"}


def _step(
    factor: str, step_size: float, n: int, d: int, k: int, head: str, **others: float | None
) -> float:
    """Check what every factor needs; return the step size."""
    choice("factor", factor, FACTORS)
    choice("head", head, HEADS)
    finite_if_given(**others)
    if head == "joint" and factor == "average":
        raise ValueError(f"head='joint', needs 'least_squares' for factor {factor!r}: no formula")
    count("k", k)
    count("d", d, low=k + 1)
    count("n", n, low=k + 1)
    return number("step_size", step_size, low=0.0, open_low=True)


def _memory(decay: float | None, includes_current: bool) -> dict[str, float]:
    """Return decay and the weight of the current batch."""
    b = number("decay", decay, low=0.0, high=1.0, open_high=True)
    return {
        "factor_decay": b,
        "current_share": 1.0 - b if truth("includes_current", includes_current) else 0.0,
    }


def _require_below(name: str, value: float, bound: float) -> None:
    if not value < bound:
        raise ValueError(f"{name}={value:.6g}, needs < {bound:.6g}: beyond it there is no floor")
