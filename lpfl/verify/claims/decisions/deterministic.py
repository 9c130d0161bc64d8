"""DR-01: identities and bounds."""

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from lpfl import decide
from lpfl.decide import Outcome
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.turning import (
    does_not_confirm,
    first_beyond,
    from_both_sides,
    refutes,
)
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial

Array = NDArray[np.float64]

DEGREES = 64
FIRST = Reals("first_error", 0.01, 0.9)
SECOND = Reals("second_error", 0.01, 0.9)
THIRD = Reals("third_error", 0.01, 0.9)
TOLERANCE = Reals("tolerance", 1e-9, 1e-3, log=True)


@check("DR-01", (FIRST, SECOND, THIRD, TOLERANCE))
def worst_case(trial: Trial) -> Iterator[Comparison]:
    """Give errors and values in every order; find the factor from which they are refuted."""
    trial.admit()
    tight = rounding(trial.dtype, dim=16)
    errors = trial.tolerance * np.array([trial.first_error, trial.second_error, trial.third_error])
    known = {
        "first_error": errors[0], "second_error": errors[1], "third_error": errors[2]
    }  # fmt: skip
    orders = [np.array(order) for order in permutations(errors)]
    verdicts = [decide.identity(order, tolerance=trial.tolerance) for order in orders]
    yield Same(
        part="identity",
        measured=[verdict.statistic for verdict in verdicts],
        predicted=trial.number("identity", **known),
        tolerance=tight,
    )

    def outcome(errors: Array) -> Callable[[float], Outcome]:
        return lambda c: decide.identity(c * errors, tolerance=trial.tolerance).outcome

    for order in orders:
        yield from from_both_sides(
            "identity_turns",
            first_beyond(refutes(outcome(order)), 0.5, 200.0),
            float(trial.number("identity_turns", **known)),
            tight,
            label=f"{order[0]:.3g}, {order[1]:.3g}, {order[2]:.3g}",
        )
    yield from from_both_sides(
        "coarsest",
        first_beyond(does_not_confirm(no_error), 1e-9, 1.0),
        float(trial.number("coarsest")),
        tight,
    )
    yield from bounds(trial)
    fields = [
        decide.exact_identity(False, false_pass_bound=1e-18, degree=degree).outcome
        for degree in range(DEGREES)
    ]
    yield Same(
        part="finite_field",
        measured=float(sum(outcome is Outcome.REFUTED for outcome in fields)),
        predicted=trial.number("finite_field", false_identities=DEGREES),
        tolerance=tight,
    )


def no_error(tolerance: float) -> Outcome:
    """Return the outcome of an identity that holds exactly, at a tolerance."""
    return decide.identity(0.0, tolerance=tolerance).outcome


def bounds(trial: Trial) -> Iterator[Same]:
    """Two values below limits of different size, the rounding given for each."""
    limits = np.array([3.0, 0.5])
    slack = trial.tolerance * limits
    values = np.array([trial.first_error, trial.second_error]) * limits
    ratios = values / (limits + slack)
    known = {"first_bound_ratio": ratios[0], "second_bound_ratio": ratios[1]}
    for order in ([0, 1], [1, 0]):
        value, limit, room = values[order], limits[order], slack[order]
        yield Same(
            part="bound",
            measured=decide.bound(value, limit, rounding=room).statistic,
            predicted=trial.number("bound", **known),
            tolerance=rounding(trial.dtype, dim=16),
            label=f"limit {limit[0]:g} first",
        )
        yield Same(
            part="bound_turns",
            measured=first_beyond(refutes(bounded(value, limit, room)), 0.5, 200.0),
            predicted=trial.number("bound_turns", **known),
            tolerance=rounding(trial.dtype, dim=16),
            label=f"limit {limit[0]:g} first",
        )


def bounded(value: Array, limit: Array, room: Array) -> Callable[[float], Outcome]:
    """Return the outcome of the bound as a function of a factor of the values."""
    return lambda c: decide.bound(c * value, limit, rounding=room).outcome
