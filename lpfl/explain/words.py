"""A forecast in words, as a table, and as JSON."""

import math
from typing import Any

from tabulate import tabulate

from lpfl.explain.floors import Floor
from lpfl.explain.scale import LITTLE, MOST_SAMPLES, WORTH

LONGEST_INTEGER = 10**7
READ = (
    "alignment: squared cosine between what the step learned and the true direction, 0 to 1",
    "shrinks by: share of the distance to the true features that a step takes away, along the "
    "direction that is learned last",
    "noise floor: mean squared distance at which label noise stops the method at this step size",
)


def answer(found: Any) -> str:
    """Say in one sentence whether preconditioning pays in one step.

    A gain below 0.02 counts as none; below an alignment of 0.2 nothing much is learned.
    """
    sgd, best = found.row("SGD"), found.row("KFAC, best damping")
    plain = found.row("KFAC, no damping")
    at_sgd, at_best = sgd.reaches or 0.0, best.reaches or 0.0
    where = f"with n = {found.samples} samples"
    if at_best - at_sgd < WORTH:
        text = (
            f"No: {where} KFAC at its best damping reaches alignment {at_best:.2f} and SGD "
            f"{at_sgd:.2f}"
        )
    elif at_best < LITTLE:
        text = (
            f"Hardly: {where} one step learns little; KFAC at its best damping "
            f"({found.best_damping:.3g}) reaches alignment {at_best:.2f} and SGD {at_sgd:.2f}"
        )
    else:
        text = (
            f"Yes: {where} KFAC at damping {found.best_damping:.3g} reaches alignment "
            f"{at_best:.2f} where SGD reaches {at_sgd:.2f}"
        )
    text += f"; for {found.target:g} {_needs('KFAC', best)} and {_needs('SGD', sgd)}"
    if plain.reaches is not None and plain.reaches < at_sgd - WORTH:
        text += f"; without damping KFAC would be worse than SGD ({plain.reaches:.2f})"
    return text + "."


def lasting(found: Any) -> str:
    """Say in one sentence what many steps of KFAC gain in speed and lose to label noise."""
    sgd, kfac = found.floors[:2]
    fast, slow = (_steps_to_a_tenth(f.slowest) for f in (kfac, sgd))
    text = (
        f"Many steps: along the direction that is learned last KFAC needs {_whole(fast)} steps to "
        f"come ten times nearer and SGD {_whole(slow)}"
    )
    if kfac.value is None or sgd.value is None:
        return text + "; not both have a noise floor here."
    if kfac.value < sgd.value:
        return text + f"; KFAC's noise floor is {sgd.value / kfac.value:.2g} times lower."
    return text + (
        f"; KFAC's noise floor is {kfac.value / sgd.value:.2g} times higher, unless its step size "
        "falls."
    )


def _steps_to_a_tenth(multiplier: float) -> float:
    return math.log(0.1) / math.log(multiplier)


def as_text(found: Any) -> str:
    """Return the answer, both tables and the warnings."""
    inputs = found.inputs
    condition = float(inputs.eigenvalues.max() / inputs.eigenvalues.min())
    rows = [
        (row.name, "none" if row.reaches is None else f"{row.reaches:.3f}", _count(row, inputs.dim))
        for row in found.rows
    ]
    first = tabulate(rows, headers=("one step", "alignment", f"samples for {found.target:g}"),
                     disable_numparse=True, colalign=("left", "right", "right"))  # fmt: skip
    many = [
        (f.name, f"{1 - f.slowest:.3g}", "none" if f.value is None else f"{f.value:.3g}")
        for f in found.floors
    ]
    second = tabulate(
        many, headers=("many steps", "slowest direction shrinks by", "noise floor E|T|²"),
        disable_numparse=True, colalign=("left", "right", "right"))  # fmt: skip
    lines = [
        answer(found),
        lasting(found),
        "",
        f"inputs: {inputs.says}; {inputs.dim} directions, condition number {condition:.3g}",
        f"labels: {found.link} of one direction, noise {found.noise_std:g}; n = {found.samples}",
        "",
        first,
        "",
        second,
        "",
        *READ,
        "",
    ]
    lines += [f"no floor for {f.name}: {f.why}" for f in found.floors if f.value is None]
    lines += [f"warning: {warning}" for warning in found.warnings]
    return "\n".join(lines)


def as_json(found: Any) -> dict[str, Any]:
    """Return the forecast JSON-ready; null where there is no value or no number is enough."""
    inputs = found.inputs
    return {
        "answer": answer(found),
        "many_steps_answer": lasting(found),
        "inputs": {
            "says": inputs.says,
            "dim": inputs.dim,
            "rows": inputs.rows,
            "largest_eigenvalue": float(inputs.eigenvalues.max()),
            "smallest_eigenvalue": float(inputs.eigenvalues.min()),
        },
        "samples": found.samples,
        "link": found.link,
        "noise_std": found.noise_std,
        "target": found.target,
        "best_damping": found.best_damping,
        "one_step": [
            {"method": row.name, "alignment": row.reaches, "samples_for_target": _finite(row)}
            for row in found.rows
        ],
        "many_steps": [_floor(f) for f in found.floors],
        "warnings": list(found.warnings),
    }


def _floor(floor: Floor) -> dict[str, Any]:
    return {
        "method": floor.name,
        "slowest_multiplier": floor.slowest,
        "floor": floor.value,
        "why_none": floor.why or None,
    }


def _finite(row: Any) -> float | None:
    return row.samples if math.isfinite(row.samples) else None


def _count(row: Any, dim: int) -> str:
    """Return the number of samples in words of the table."""
    if math.isfinite(row.samples):
        return _whole(row.samples)
    return f"> {_whole(MOST_SAMPLES * dim)}" if row.searched else "never"


def _whole(number: float) -> str:
    """Return a count, rounded up; from ten million on two digits of it."""
    return f"{math.ceil(number)}" if number < LONGEST_INTEGER else f"{number:.2g}"


def _needs(name: str, row: Any) -> str:
    if not math.isfinite(row.samples):
        return f"{name} never gets there"
    return f"{name} needs {_whole(row.samples)} samples"
