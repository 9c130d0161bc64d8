"""What a function of the single-index theory must satisfy, beside the statement runs decide on.

Other units of x and y, eigenvalues of unequal weight, and the special cases in which it answers a
question that another statement answers as well. The mean of every drawn spectrum is 1 and its
weights are equal: a mean or a weight that a formula forgets is seen here only.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lpfl.verify.expect import Same
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.single_index.limiting_cases import INPUT_UNIT, TARGET_UNIT
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import alignment as alignment_of
from theory.single_index.direction import direction

FEW = Spectrum([0.6, 3.0], [0.75, 0.25])  # mean 1.2
MANY = Spectrum([0.6] * 1800 + [3.0] * 600)  # the same; so many that sums take several blocks
FEWER_ROWS = 1.7  # d/n

Predict = Callable[..., float]


def any_spectrum(trial: Trial, part: str, *ways: Predict) -> Same:
    """Every number is the same in other units, and for weights in place of repeated eigenvalues.

    ways: functions of spectrum, c1, residual_var and unit, by which a damping is multiplied and a
    step size divided.
    """
    spectrum, labels = setup.spectrum(trial.scenario), setup.statistics(trial.scenario)
    a, b = INPUT_UNIT, TARGET_UNIT
    link = {"c1": labels.c1, "residual_var": labels.residual_var}
    other = {"c1": link["c1"] * b / a, "residual_var": link["residual_var"] * b**2}
    scaled = Spectrum(spectrum.eigenvalues * a**2)
    seen = [way(spectrum=scaled, unit=a**2, **other) for way in ways]
    seen += [way(spectrum=FEW, unit=1.0, **link) for way in ways]
    stated = [way(spectrum=spectrum, unit=1.0, **link) for way in ways]
    stated += [way(spectrum=MANY, unit=1.0, **link) for way in ways]
    return Same(
        part=part,
        measured=np.array(seen),
        predicted=np.array(stated),
        tolerance=compare.FORMULA,
        label="the function in other units and with unequal weights",
    )


def special_cases(part: str, cases: Mapping[str, tuple[Any, Any]]) -> Same:
    """The function gives what other statements give. cases: name -> found, stated."""
    found, stated = zip(*cases.values(), strict=True)
    return Same(
        part=part,
        measured=np.array(found),
        predicted=np.array(stated),
        scale=np.maximum(np.abs(np.array(stated)), compare.FORMULA.value),
        tolerance=compare.FORMULA,
        label=f"the function: {', '.join(cases)}",
    )


def direction_cases(trial: Trial, part: str, method: str, damping: float | None) -> Same:
    """Overlap and energy of a direction give the alignment of the statements about it.

    Also for a mean and weights that no drawn spectrum has; a shrinkage of 0 shrinks nothing.
    """
    known = setup.limits(trial.scenario)
    cases = {}
    for name, others in (
        ("drawn", {}),
        ("few eigenvalues", {"spectrum": FEW}),
        ("fewer rows than inputs", {"aspect": FEWER_ROWS}),
    ):
        at = {**known, "damping": damping, **others}
        spectrum = at["spectrum"]
        first = direction(method, **at)
        for weight, total in (("identity", 1.0), ("covariance", spectrum.moment(1))):
            seen = first.overlap(weight) ** 2 / (total * first.energy(weight))
            stated = alignment_of(method, weight=weight, **at)
            cases[f"{name}, {weight}"] = (seen, stated)
        unshrunk = first.energy("shrunk", resolvent_v2=0.0)
        cases[f"{name}, shrunk"] = (unshrunk, first.energy("covariance"))
    return special_cases(part, cases)
