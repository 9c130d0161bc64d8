"""DR-07: where comparisons without chance turn, wherever the odd object stands among others."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.decide import Outcome
from lpfl.verify.check import check
from lpfl.verify.expect import Above, Below, Comparison, Greater, Same
from lpfl.verify.setups.turning import (
    first_beyond,
    from_both_sides,
    refutes,
)
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding
from lpfl.verify.trial import Trial, condition_of

Array = NDArray[np.float64]

OBJECTS = 3
STATED = "a number that the statement is about"
SHAPES: dict[str, tuple[int, ...]] = {"numbers": (), "vectors": (4,), "matrices": (2, 3)}


@check(
    "DR-07",
    (
        Reals("tolerance", 1e-9, 1e-3, log=True),
        Reals("object_scale", 0.2, 5.0, log=True),
        Reals("room", 0.05, 1.0),
        Reals("stated_gap", 0.01, 1.0, log=True),
        Reals("condition", 1.0, 1e4, log=True),
        Integers("unknowns", 1, 200),
    ),
)
def comparisons(trial: Trial) -> Iterator[Comparison]:
    """Move one object at a time until the comparison turns."""
    trial.admit()
    yield from equalities(trial)
    yield from limits(trial)
    for dtype in (torch.float64, torch.float32):
        epsilon = float(np.finfo(str(dtype).removeprefix("torch.")).eps)
        solved = torch.diag(torch.tensor([trial.condition, 1.0], dtype=torch.float64, device="cpu"))
        others = torch.eye(2, dtype=torch.float64, device="cpu")
        worst = condition_of(torch.stack([others, solved, others]))
        allowed = rounding(dtype, dim=trial.unknowns, condition=worst)
        twice = allowed.times(2.0, "twice")
        for label, seen, factor in (
            ("", allowed, 1.0),
            ("twice", twice, 2.0),
            ("a sum", allowed + twice, 3.0),
        ):
            yield from from_both_sides(
                "rounding",
                seen.value,
                factor * float(trial.number("rounding", machine_epsilon=epsilon)),
                tight(trial),
                label=f"{dtype} {label}".strip(),
            )


def tight(trial: Trial) -> Tolerance:
    """Return the rounding of a number that halving found."""
    return rounding(trial.dtype, dim=16, condition=64.0, why="the halvings, and a few products")


def equalities(trial: Trial) -> Iterator[Below]:
    """Let one of several objects grow off its prediction; the scale is given, or its norm."""
    for kind, shape in SHAPES.items():
        pattern = np.linspace(-1.0, 2.0, int(np.prod(shape))).reshape(shape)
        for scaled in (True, False):
            base = pattern if scaled else trial.object_scale * pattern
            size = trial.object_scale if scaled else float(np.linalg.norm(base))
            known = {"object_scale": size, "error_norm": float(np.linalg.norm(pattern))}
            for odd in range(OBJECTS):
                turn = first_beyond(
                    refutes(equal_until(trial, base, pattern, odd, size if scaled else None)),
                    0.0,
                    1.0,
                )
                yield from from_both_sides(
                    "same",
                    turn,
                    float(trial.number("same", **known)),
                    tight(trial).times(1.0 / trial.tolerance, "over the tolerance"),
                    label=f"{kind}, {'given scale' if scaled else 'own norm'}, object {odd}",
                )


def equal_until(
    trial: Trial,
    base: Array,
    pattern: Array,
    odd: int,
    scale: float | None,
) -> Callable[[float], Outcome]:
    """Return the outcome of an equality as a function of the size of one object's error."""

    def outcome(size: float) -> Outcome:
        measured = np.stack([base] * OBJECTS)
        measured[odd] += size * pattern
        one = Same(
            part="same",
            measured=measured,
            predicted=np.stack([base] * OBJECTS),
            tolerance=judgement(trial.tolerance, STATED),
            axes=base.ndim,
            scale=scale,
        )
        return one.decide(trial.alpha).outcome

    return outcome


def limits(trial: Trial) -> Iterator[Same]:
    """Let one of several values leave its room: upwards, downwards, and down to a tie."""
    room, limit = trial.room, np.array([1.0, 2.0, 3.0])
    least = {"smallest_value": room, "least_value": trial.stated_gap}
    for odd in range(OBJECTS):
        away = np.eye(OBJECTS)[odd]
        far = limit - np.array([2.0, 3.0, 4.0]) * room
        values = np.where(away > 0.0, limit - room, far)
        for part, turning, known, scale in (
            ("below", partial(below, trial, values, limit, away), {}, 1.0),
            ("greater", partial(greater, trial, 2.0 * limit - values, limit, away), {}, 1.0),
            ("above", partial(above, trial, away), least, room / trial.stated_gap),
        ):
            yield Same(
                part=part,
                measured=first_beyond(refutes(turning), 1e-9, 1e4),
                predicted=trial.number(part, **known),
                tolerance=tight(trial).times(1e4 / room, "the range over the room"),
                scale=scale,
                label=f"value {odd}",
            )
    yield from hidden(trial)


def below(trial: Trial, values: Array, limit: Array, away: Array, size: float) -> Outcome:
    """Return the outcome of a bound with one value raised."""
    slack = judgement(trial.tolerance, STATED)
    one = Below(part="below", measured=values + size * away, limit=limit, tolerance=slack)
    return one.decide(trial.alpha).outcome


def greater(trial: Trial, values: Array, limit: Array, away: Array, size: float) -> Outcome:
    """Return the outcome of a strict bound with one value lowered."""
    lowered, slack = values - size * away, judgement(trial.tolerance, STATED)
    one = Greater(part="greater", measured=lowered, limit=limit, gap=1e9, tolerance=slack)
    return one.decide(trial.alpha).outcome


def above(trial: Trial, away: Array, factor: float) -> Outcome:
    """Return the outcome of a least value with one value divided by a factor."""
    reached = np.where(away > 0.0, trial.room / factor, 4.0)
    one = Above(part="above", measured=reached, least=judgement(trial.stated_gap, STATED))
    return one.decide(trial.alpha).outcome


def hidden(trial: Trial) -> Iterator[Same]:
    """Let the rounding of a strict bound grow until a tie is no longer refuted."""

    def tie(size: float) -> Outcome:
        slack, gap = judgement(size, STATED), trial.stated_gap
        one = Greater(part="hidden", measured=1.0, limit=1.0, gap=gap, tolerance=slack)
        return one.decide(trial.alpha).outcome

    yield Same(
        part="hidden",
        measured=first_beyond(lambda x: tie(x) is not Outcome.REFUTED, 1e-9, 2.0),
        predicted=trial.number("hidden"),
        tolerance=tight(trial),
        scale=1.0,
    )
