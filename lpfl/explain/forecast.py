"""The forecast: alignment after one step, samples for a target, floors of the noise."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lpfl import guards
from lpfl.explain.floors import Floor, floors
from lpfl.explain.inputs import Inputs
from lpfl.explain.scale import MOST_SAMPLES
from theory.core.gauss.hermite import link_statistics
from theory.single_index import (
    alignment,
    average_alignment,
    exponent_alignment,
    optimal_damping,
    population_whitening_alignment,
    samples_for_alignment,
)

SMALL_DIM = 50
LARGEST_EXPONENT = 4
LARGEST_DAMPING = 1e12  # of the mean eigenvalue
Curve = Callable[[float], float]


@dataclass(frozen=True)
class Row:
    """One method: alignment rho^2 with n samples (None: no limit there), samples for the target.

    samples: inf where no number is enough; where ``searched``, where more than 10^4 d are needed.
    """

    name: str
    reaches: float | None
    samples: float
    searched: bool
    curve: Curve


@dataclass(frozen=True)
class Forecast:
    """What the theory says of these inputs; ``rows`` in the order they are printed."""

    inputs: Inputs
    samples: int
    link: str
    noise_std: float
    target: float
    best_damping: float
    rows: tuple[Row, ...]
    floors: tuple[Floor, ...]
    warnings: tuple[str, ...]

    def _repr_html_(self) -> str:
        """Return the answer and its picture for a notebook."""
        from html import escape

        from lpfl.explain.picture import picture
        from lpfl.explain.words import as_text

        words = f'<pre style="white-space: pre-wrap">{escape(as_text(self))}</pre>'
        return f'{words}<div style="max-width: 40rem">{picture(self)}</div>'

    def row(self, name: str) -> Row:
        """Return the row of a method."""
        return next(row for row in self.rows if row.name == name)


def forecast(
    inputs: Inputs,
    *,
    samples: int,
    link: str = "tanh",
    noise_std: float = 0.3,
    damping: float = 0.1,
    exponent: float = 0.5,
    decay: float = 0.9,
    target: float = 0.5,
    rank: int = 1,
    step_size: float = 0.1,
) -> Forecast:
    """Return the forecast for batches of ``samples`` rows and labels g(beta*.x) + noise.

    damping: in [x]^2, for KFAC at a given damping; above 1e12 times the mean eigenvalue rounding
    hides the covariance. exponent: of the inverse covariance. decay: of
    the moving average, with the current batch. target: wanted rho^2. rank, step_size: of the
    linear representation.
    Raises: ValueError for a value outside its bound, and for a link without linear part.
    """
    if not isinstance(inputs, Inputs):
        raise ValueError(f"inputs={inputs!r}, needs Inputs: of a file, a list or a family")
    guards.count("samples", samples)
    guards.number("target", target, above=0.0, below=1.0)
    guards.number("damping", damping, least=0.0, most=LARGEST_DAMPING * inputs.scale)
    guards.number("exponent", exponent, least=-LARGEST_EXPONENT, most=LARGEST_EXPONENT)
    guards.number("decay", decay, least=0.0, below=1.0)
    guards.count("rank", rank)
    guards.number("step_size", step_size, above=0.0)
    labels = link_statistics(link, noise_std=noise_std)
    if abs(labels.c1) < 1e-9:
        raise ValueError(f"link={link!r} has no linear part: no method here aligns in one step")
    known: dict[str, Any] = {
        "spectrum": inputs.spectrum, "c1": labels.c1, "residual_var": labels.residual_var
    }  # fmt: skip
    given = damping / inputs.scale
    link_only = {"c1": labels.c1, "residual_var": labels.residual_var}

    def best(aspect: float) -> float:
        return optimal_damping(aspect=aspect, **link_only)

    def kfac(aspect: float, value: float) -> float:
        return alignment("kfac", aspect=aspect, damping=value, **known)

    needed = {
        "SGD": samples_for_alignment("sgd", target=target, **known),
        "KFAC, best damping": samples_for_alignment("kfac", target=target, **known),
        "KFAC, no damping": samples_for_alignment("kfac", target=target, damping=0.0, **known),
        "exact whitening": samples_for_alignment("population", target=target, damping=0.0, **known),
    }
    curves: dict[str, Curve] = {
        "SGD": lambda a: alignment("sgd", aspect=a, **known),
        "KFAC, best damping": lambda a: kfac(a, best(a)),
        f"KFAC, damping {damping:g}": lambda a: kfac(a, given),
        "KFAC, no damping": lambda a: kfac(a, 0.0),
        "exact whitening": lambda a: population_whitening_alignment(aspect=a, **known),
        f"KFAC, average {decay:g}": lambda a: average_alignment(
            aspect=a, decay=decay, damping=given, **known
        ),
        f"exponent {exponent:g}": lambda a: exponent_alignment(
            aspect=a, exponent=exponent, damping=given, **known
        ),
    }
    aspect = inputs.dim / samples
    rows = []
    for name, curve in curves.items():
        searched = name not in needed
        per_dim = samples_needed(curve, target) if searched else needed[name]
        rows.append(Row(name, _reached(curve, aspect), inputs.dim * per_dim, searched, curve))
    return Forecast(
        inputs,
        samples,
        link,
        noise_std,
        target,
        best(aspect) * inputs.scale,
        tuple(rows),
        floors(inputs, samples=samples, noise_std=noise_std, rank=rank, step_size=step_size,
               decay=decay),
        (*inputs.warnings, *_warnings(inputs, samples)),
    )  # fmt: skip


def _reached(curve: Curve, aspect: float) -> float | None:
    try:
        return curve(aspect)
    except ValueError:  # the formula has no value here: a noise without limit, a singular inverse
        return None


def samples_needed(curve: Curve, target: float) -> float:
    """Return n/d from which on ``curve`` stays at the target, up to 10^4; inf beyond."""
    grid = np.geomspace(1e-2, MOST_SAMPLES, 61)
    above = [(_reached(curve, 1.0 / float(r)) or 0.0) >= target for r in grid]
    if not above[-1]:
        return math.inf
    below = [i for i, reached in enumerate(above) if not reached]
    if not below:
        return float(grid[0])
    low, high = math.log(grid[below[-1]]), math.log(grid[below[-1] + 1])
    for _ in range(20):
        middle = (low + high) / 2
        if (_reached(curve, math.exp(-middle)) or 0.0) >= target:
            high = middle
        else:
            low = middle
    return math.exp(high)


def _warnings(inputs: Inputs, samples: int) -> list[str]:
    found = [
        "Every direction is equally likely to be the true one: labels that follow "
        "directions of large variance favour SGD, those of small variance KFAC."
    ]
    if min(inputs.dim, samples) < SMALL_DIM:
        found.append(
            f"d = {inputs.dim}, n = {samples}: the alignments are limits of large d and n; single "
            "runs will differ by about 1/√d."
        )
    if 0.8 < inputs.dim / samples < 1.25:
        found.append("n is close to d: KFAC without damping is at its worst here.")
    return found
