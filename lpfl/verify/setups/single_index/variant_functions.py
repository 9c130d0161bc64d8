"""Special cases of the functions about averaged factors and about numbers of samples."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import alignment as alignment_of
from theory.single_index import (
    average_alignment,
    exponent_alignment,
    mixture_alignment,
    optimal_damping,
    samples_for_alignment,
    steps_alignment,
)
from theory.single_index.variants.average import SI_19, Movement
from theory.single_index.variants.schedule import newest_batches

LONG = 100  # batches of an average, the oldest of weight below 1e-20 at the largest decay
OTHER_UNIT = 2.5  # mean eigenvalue
ENDLESS = 1e-12  # d/n of a batch that is as good as infinite
SCHEDULE: dict[str, Any] = {"steps": 11, "inverse_every": 2, "factor_every": 3}
Ways = Sequence[tuple[str, tuple[str, float | None]]]  # part, and method and damping


def of_average(trial: Trial) -> Iterator[Comparison]:
    """One step is a mixture, no memory is a mean of steps, a frozen factor pools the batches."""
    at, known = trial.scenario, setup.limits(trial.scenario)
    b, T, phi = float(at.average_decay), int(at.movement_steps), known["aspect"]
    one = {"damping": float(at.damping), **known}
    weights = (1.0 - b) * b ** np.arange(float(LONG))
    other = [0.0, *weights]
    few = {**one, "aspect": phi / T, "aspects": [phi / T, *np.full(LONG, phi)]}
    frozen: dict[str, Any] = {
        "steps": T,
        "inverse_every": T,
        "includes_current": False,
    }
    cases = {
        "one step": (average_alignment(decay=b, **one), mixture_alignment(shares=weights, **one)),
        "the batch after the step": (
            average_alignment(decay=b, includes_current=False, **one),
            mixture_alignment(shares=other, **one),
        ),
        "no memory": (
            average_alignment(decay=0.0, steps=T, **one),
            steps_alignment("kfac", steps=T, step_size=0.0, **one),
        ),
        "frozen": (
            average_alignment(decay=b, **frozen, **one),
            mixture_alignment(shares=other, **few),
        ),
    }
    cases["blocks of a schedule"] = (
        average_alignment(decay=b, **SCHEDULE, **one),
        by_pairs(at, known),
    )
    yield functions.special_cases("alignment", cases)

    def predict(unit: float, weight: str = "identity", **labels: Any) -> float:
        schedule = {"inverse_every": at.inverse_every, "factor_every": at.factor_every}
        return average_alignment(
            aspect=phi,
            decay=b,
            damping=at.damping * unit,
            steps=T,
            weight=weight,
            **schedule,
            **labels,
        )

    yield functions.any_spectrum(trial, "alignment", predict, partial(predict, weight="covariance"))


def by_pairs(at: Scenario, known: Mapping[str, Any]) -> float:
    """Return the alignment of a schedule whose two intervals share no factor, pair by pair."""
    steps, inverse_every, factor_every = SCHEDULE.values()
    planned = Movement(
        damping=float(at.damping),
        decay=float(at.average_decay),
        newest=newest_batches(steps, inverse_every, factor_every),
        factor_every=factor_every,
        **known,
    )
    lengths = planned.lengths
    level = float(lengths @ planned.noise(np.arange(steps)) @ lengths) / float(lengths.sum()) ** 2
    damping = planned.factor.effective_damping
    values = {**planned.common, "effective_damping": damping, "noise_level": level}
    return float(SI_19["alignment"].number(planned.spectrum, **values))


def of_sample_size(trial: Trial, ways: Ways) -> Iterator[Comparison]:
    """At the number of samples every method reaches the target, for both weights."""
    known = setup.limits(Scenario({**trial.scenario, "aspect": 1.0}))
    known.pop("aspect")
    r = float(trial.target)
    cases = {}
    for part, (method, damping) in ways:
        for weight in ("identity", "covariance"):
            need = partial(samples_for_alignment, method, damping=damping, weight=weight, **known)
            samples = need(target=r)
            if math.isfinite(samples):
                found = reached(method, damping, weight, {**known, "aspect": 1.0 / samples})
                cases[f"{part}, {weight}"] = (found, r)
            else:
                most = reached(method, damping, weight, {**known, "aspect": ENDLESS})
                cases[f"{part}, {weight}, never"] = (float(most < r), 1.0)
    yield functions.special_cases("root", cases)

    def predict(unit: float, method: str, damping: float | None, weight: str, **at: Any) -> float:
        return samples_for_alignment(method, damping=damping, target=r, weight=weight, **at)

    needs = [
        partial(predict, method=method, damping=damping, weight=weight)
        for _, (method, damping) in ways
        for weight in ("identity", "covariance")
        if method != "sgd"
    ]
    yield functions.any_spectrum(trial, "best", *needs)


def reached(method: str, damping: float | None, weight: str, known: Mapping[str, Any]) -> float:
    """Return the squared cosine of a method at d/n, by the statement that is about it."""
    if method == "sgd":
        return alignment_of("sgd", weight=weight, **known)
    labels = {name: known[name] for name in ("aspect", "c1", "residual_var")}
    if method == "kfac":
        best = optimal_damping(**labels) if damping is None else damping
        return alignment_of("kfac", damping=best, weight=weight, **known)
    if damping == 0.0:
        return exponent_alignment(exponent=1.0, factor="population", weight=weight, **known)
    power = known["c1"] ** 2 * known["spectrum"].moment(1) + known["residual_var"]
    best = known["aspect"] * power / known["c1"] ** 2
    return mixture_alignment(u=0.0, g=0.0, damping=best, weight=weight, **known)


def at_the_cap(trial: Trial) -> Iterator[Same]:
    """In other units SGD reaches what lies below its cap, and nothing above it (below 1).

    The cap is the alignment with nearly endless data.
    """
    known = setup.limits(Scenario({**trial.scenario, "aspect": 1.0}))
    labels = {"c1": known["c1"], "residual_var": known["residual_var"]}
    s = Spectrum(OTHER_UNIT * known["spectrum"].eigenvalues)
    for weight in ("identity", "covariance"):
        cap = alignment_of("sgd", spectrum=s, aspect=ENDLESS, weight=weight, **labels)
        needed = [
            samples_for_alignment("sgd", target=x, spectrum=s, weight=weight, **labels)
            for x in (0.999 * cap, 1.001 * cap)
        ]
        yield Same(
            part="sgd",
            measured=[float(math.isfinite(x)) for x in needed],
            predicted=[1.0, 0.0],
            scale=1.0,
            tolerance=compare.FORMULA,
            label=f"below and above the cap, weight {weight}",
        )
