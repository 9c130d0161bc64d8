"""A limit looked at as a limit: the same check at several sizes, and how its error falls.

The measurement of a check is repeated at a half, a quarter, ... of the scenario's size. What it
compares there is not decided: the sizes together are. The root mean square over replicates of
measured minus predicted falls as a power of the size, which a wrong limit stops; and the mean
errors point to a limit, free of the first finite-size term.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lpfl.verify.check import Check
from lpfl.verify.expect import Near, Rival, Shown, as_array
from lpfl.verify.scenario import Scenario
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial

LEAST = 24  # smaller sizes lie outside every expansion
BLOCKS = 512  # groups of replicates: one slope and one extrapolation each
MOST_EFFORT = 4  # smaller sizes are cheap: up to this many times the replicates
DECISIONS = 2  # of each limit that is followed
SLOPE_ROOM = judgement(0.25, "half of the distance to no decay")
LIMIT_ROOM = judgement(0.04, "4 % of the limit, as near as the rivals that are sought")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Law:
    """How the error of one comparison falls.

    part, label: of the comparison that is followed. exponent: of the root mean square error.
    bias: exponent of the mean error. next_order: bound on the coefficient of the relative term
    that follows both, in powers of one over the size.
    """

    part: str
    label: str = ""
    exponent: float = -0.5
    bias: float = -1.0
    next_order: float = 6.0

    @property
    def name(self) -> str:
        """The part, and which variant of it."""
        return f"{self.part}: {self.label}" if self.label else self.part


@dataclass(frozen=True)
class Seen:
    """One size: measured minus predicted in groups of replicates (BLOCKS, ...), what was predicted,
    and the mean of all with its standard error."""

    size: int
    groups: list[Array]
    predicted: float
    mean: float
    std_error: float

    @property
    def mean_square(self) -> float:
        """The mean square of the errors."""
        return float(np.mean(np.concatenate(self.groups) ** 2))

    def log_squares(self) -> Array:
        """Return the logarithm of the mean square per group, linearised at that of all groups.

        The logarithm of a small group's own mean square would be too small.
        """
        own = np.array([np.mean(group**2) for group in self.groups])
        return np.asarray(math.log(self.mean_square) + own / self.mean_square - 1.0)

    def means(self) -> Array:
        """Return the mean error per group."""
        return np.array([group.mean() for group in self.groups])


def follow(
    check: Check, *laws: Law, along: str = "input_dim", effort: int = 1
) -> Callable[[Trial], Iterator[Shown | Near]]:
    """Return the measurement of an extra: the decay of these limits over sizes along a field.

    effort: by how much the check's own replicates are multiplied at every size.
    """

    def measure(trial: Trial) -> Iterator[Shown | Near]:
        found: dict[str, list[Seen]] = {law.name: [] for law in laws}
        for size in sizes_of(int(trial.scenario[along])):
            items = measured(check, trial, along, size, effort)
            for law in laws:
                found[law.name].append(seen(size, items[law.part, law.label]))
        for law in laws:
            yield from decided(law, found[law.name], along)

    return measure


def sizes_of(largest: int) -> list[int]:
    """Return the size, its half, its quarter, ..., ascending, none below LEAST.

    Raises ValueError if these are fewer than three.
    """
    sizes = [largest]
    while sizes[0] // 2 >= LEAST:
        sizes.insert(0, sizes[0] // 2)
    if len(sizes) < 3:
        raise ValueError(f"sizes from {largest} down to {LEAST} are {sizes}, needs at least three")
    return sizes


def resized(trial: Trial, along: str, size: int, effort: int) -> Trial:
    """Return the trial at another size: its ratios, spectrum and labels are kept."""
    values: dict[str, Any] = {**trial.scenario, along: size}
    if along == "input_dim" and "covariance" in values:
        values["covariance"] = replace(values["covariance"], dim=size)
    effort *= trial.effort * min(MOST_EFFORT, trial.scenario[along] // size)
    return replace(trial, scenario=Scenario(values), effort=effort, memory={})


def measured(
    check: Check, trial: Trial, along: str, size: int, effort: int
) -> dict[tuple[str, str], Near]:
    """Return the comparisons of means at one size; the scenario itself is not measured twice."""
    if size == trial.scenario[along] and effort == 1:
        items = trial.memory["measured"]
    else:
        items = check.measure(resized(trial, along, size, effort))
    return {(item.part, item.label): item for item in items if isinstance(item, Near)}


def seen(size: int, near: Near) -> Seen:
    """Return what one comparison showed at one size."""
    errors = as_array(near.samples).ravel() - near.predicted
    return Seen(
        size=size,
        groups=np.array_split(errors, min(BLOCKS, errors.size)),
        predicted=float(near.predicted),
        mean=float(errors.mean()),
        std_error=float(errors.std(ddof=1)) / math.sqrt(errors.size),
    )


def decided(law: Law, found: list[Seen], along: str) -> Iterator[Shown | Near]:
    """Decide the exponent of the error, and the limit that the sizes point to."""
    sizes = np.array([one.size for one in found], dtype=np.float64)
    groups = min(len(one.groups) for one in found)
    squares = np.stack([one.log_squares()[:groups] for one in found])
    slope = 0.5 * slope_weights(np.log(sizes)) @ squares
    least = float(sizes.min())
    near = Near(
        part="decay",
        samples=slope,
        predicted=law.exponent,
        tolerance=SLOPE_ROOM
        + finite_size(
            slope_of_next_order(sizes, law.next_order),
            f"{law.next_order:g} over the size, the relative next order, as it bends the slope",
        ),
        rival=Rival("no decay", 0.0),
        label=f"exponent of the error, {law.name}",
    )
    yield Shown(near, picture=picture(law, found, along, slope))
    weights = limit_weights(sizes, law.bias)
    last = found[-1].predicted
    means = np.stack([one.means()[:groups] for one in found])
    left = float(np.abs(weights) @ (law.next_order / sizes) ** (-2.0 * law.bias))
    yield Near(
        part=law.part,
        samples=last + weights @ means,
        predicted=last,
        tolerance=LIMIT_ROOM.times(abs(last), "times the limit")
        + finite_size(left, "the square of the finite-size term, as the extrapolation keeps it"),
        label=f"{law.label + ', ' if law.label else ''}sizes {least:g} to {sizes.max():g}",
    )


def slope_weights(x: Array) -> Array:
    """Return the weights of the least-squares slope."""
    centred = x - x.mean()
    return np.asarray(centred / (centred**2).sum())


def slope_of_next_order(sizes: Array, coefficient: float) -> float:
    """Return by how much a factor sqrt(1 + coefficient / size) changes the slope."""
    bent = 0.5 * np.log1p(coefficient / sizes)
    return float(abs(slope_weights(np.log(sizes)) @ bent))


def limit_weights(sizes: Array, bias: float) -> Array:
    """Return the weights of means in the constant of a fit constant + slope * size^bias.

    Least squares with variances that fall as one over the size.
    """
    design = np.stack([np.ones_like(sizes), sizes**bias], axis=1)
    weighted = design.T * sizes
    return np.asarray(np.linalg.solve(weighted @ design, weighted)[0])


def picture(law: Law, found: list[Seen], along: str, slope: Array) -> Mapping[str, Any]:
    """Draw the root mean square error and the mean error against the size, both logarithmic."""
    sizes = [one.size for one in found]
    errors = [math.sqrt(one.mean_square) for one in found]
    biases = [abs(one.mean) for one in found]
    unsure = [1.96 * one.std_error for one in found]
    line = [errors[-1] * (size / sizes[-1]) ** law.exponent for size in sizes]
    half = 1.96 * float(slope.std(ddof=1)) / math.sqrt(slope.size)
    return {
        "title": f"Distance from the limit, {law.name}",
        "x_label": {"input_dim": "input dimension d"}.get(along, along.replace("_", " ")),
        "y_label": "measured minus predicted",
        "x_scale": "log",
        "y_scale": "log",
        "y_limits": [min(errors) / 10.0, 1.5 * max(errors)],
        "series": [
            {"name": "root mean square", "style": "points", "x": sizes, "y": errors},
            {"name": f"power {law.exponent:.2g}", "style": "line", "x": sizes, "y": line},
            {
                "name": "mean (95 %)",
                "style": "points",
                "x": sizes,
                "y": biases,
                "low": [max(b - u, 1e-2 * u) for b, u in zip(biases, unsure, strict=True)],
                "high": [b + u for b, u in zip(biases, unsure, strict=True)],
            },
        ],
        "note": f"exponent seen {slope.mean():.3f} ± {half:.3f}, predicted {law.exponent:.3g}; "
        "the mean of replicates is nearer to the limit than one run, and drawn on the lower edge "
        "where it is less than a tenth of the smallest of these",
    }
