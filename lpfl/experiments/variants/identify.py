"""Which optimizer is this? Measured answers of the local rate to units, noise and rows (LR-35)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.experiments.core.estimates import Comparison, Estimate, estimate
from lpfl.experiments.core.experiment import Options, Say, Section, Table
from lpfl.experiments.variants.suspects import SUSPECTS, Suspect
from lpfl.experiments.variants.truth import Truth
from lpfl.measure.unit_response import WARM_UP, Units, local_rates
from lpfl.seeding import generator
from theory.linear_representation import scale_exponents
from theory.linear_representation.variants.steps.scale_exponents import METHODS

Array = NDArray[np.float64]
TWICE, MORE_ROWS, MORE_MOMENTS = 2, 4, 16
PROBES = ("y", "noise", "x", "n")
MARGIN = 0.1  # of an exponent: those of two rows differ by a half or more
SHAMPOO_ROWS = (0.25, 0.5)
TRUTH = Truth(
    heads=np.array([1.4, 0.6]),
    inputs=np.array([1.6, 0.5, 1.2, 0.8, 1.1, 0.8]),
    output_dim=3,
    accuracy=1e-6,
    start=1e-5,
    rows=10.0,
)
BATCH_SIZE = 160


@dataclass(frozen=True)
class Answer:
    """The exponents of one optimizer, in y, noise, x and n."""

    suspect: Suspect
    measured: dict[str, Estimate]

    @property
    def predicted(self) -> dict[str, float] | None:
        """What LR-35 says; None where it says nothing."""
        row = self.suspect.row
        return scale_exponents(row, exponent=self.suspect.exponent) if row else None

    @property
    def comparisons(self) -> list[Comparison]:
        known = self.predicted or {}
        return [
            Comparison(f"{self.suspect.name}, {probe}", known[probe], self.measured[probe], MARGIN)
            for probe in known
        ]

    @property
    def nearest(self) -> list[str]:
        """The rows of LR-35 whose four exponents are nearest, all within MARGIN of the best."""
        rows = {name: scale_exponents(name) for name in METHODS if name != "shampoo"}
        rows |= {f"shampoo {q:g}": scale_exponents("shampoo", exponent=q) for q in SHAMPOO_ROWS}
        gaps = {
            name: max(abs(row[probe] - self.measured[probe].mean) for probe in PROBES)
            for name, row in rows.items()
        }
        best = min(gaps.values())
        return (
            [name for name, gap in gaps.items() if gap <= best + MARGIN / 2] if best < 0.25 else []
        )


def answer(suspect: Suspect, options: Options, *, replicates: int) -> Answer:
    """Measure the rate in twice the units of y, of the noise and of x, and with more rows.

    Units and noise are changed on the same draws, so that only rounding and the second order are
    left; more rows are other draws, which is where the interval comes from.
    """
    problem = replace(TRUTH.problem(replicates, options.device), noise_std=TRUTH.noise_std)
    layers = TRUTH.rank * (TRUTH.input_dim + TRUTH.output_dim)
    noise = TRUTH.noise_std**2 * layers / BATCH_SIZE
    method = suspect.method(TRUTH.noise_std, BATCH_SIZE, noise)
    warm_up = WARM_UP if suspect.remembers else 0
    more = MORE_ROWS if method.needs_rows else MORE_MOMENTS

    def rates(units: Units, name: str) -> Array:
        def stream(*words: str) -> torch.Generator:
            path = ("variants", "identify", suspect.name, *words)
            return generator(options.seed, *path, device=options.device)

        found = local_rates(
            method,
            problem,
            units,
            batch_size=BATCH_SIZE,
            warm_up=warm_up,
            stream=stream,
            name=name,
            distance=suspect.distance,
        )
        return np.asarray(found.cpu().numpy())

    base = rates(Units(), "plain")
    doubled = {"y": Units(y=TWICE), "noise": Units(noise=TWICE), "x": Units(x=TWICE)}
    measured = {
        probe: exponent(base, rates(units, "plain"), TWICE) for probe, units in doubled.items()
    }
    measured["n"] = exponent(base, rates(Units(n=more), "more"), more, paired=False)
    return Answer(suspect, measured)


def exponent(base: Array, other: Array, factor: int, *, paired: bool = True) -> Estimate:
    """Return ln(mean other / mean base) / ln factor with its interval, by the delta method."""
    middle = log(other.mean() / base.mean()) / log(factor)
    a, b = other / other.mean(), base / base.mean()
    if paired:
        return replace(estimate((a - b) / log(factor)), mean=middle)
    widths = [estimate(one / log(factor)).half_width for one in (a, b)]
    return Estimate(middle, float(np.linalg.norm(widths)))


def identify_section(options: Options, *, replicates: int, say: Say) -> Section:
    """Return the table of LR-35, measured for every optimizer."""
    answers = []
    for suspect in SUSPECTS:
        answers.append(answer(suspect, options, replicates=replicates))
        say(f"{suspect.name}: {', '.join(f'{v.mean:.2f}' for v in answers[-1].measured.values())}")
    comparisons = [one for found in answers for one in found.comparisons]
    outside = [one.where for one in comparisons if not one.agrees]
    finding = (
        f"{len(comparisons) - len(outside)} of {len(comparisons)} exponents of the local rate "
        f"agree with LR-35{'; outside: ' + '; '.join(outside) if outside else ''}. "
        + strangers(answers)
    )
    text = (
        "What does the local rate do if y is measured in other units (F⋆ and the noise twice as "
        "large), if only the noise doubles, if x is measured in other units, if a batch has more "
        "rows? The four exponents tell methods apart without a look at their code. They are read "
        "off single steps from two points a tiny distance apart, with the same memory and noise.",
        "The rows of one method come in units of its own step size: what counts is the power, not "
        "the rate.",
    )
    return Section("Which optimizer is this?", finding, text, (), (table(answers),))


def two_digits(value: Estimate) -> str:
    """Return an exponent and its half-width as text; a negative zero is a zero."""
    return f"{round(value.mean, 2) + 0.0:.2f} ± {value.half_width:.2f}"


def strangers(answers: list[Answer]) -> str:
    """Say what the optimizers without a row of their own answer like, those alike together."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for found in answers:
        if found.suspect.row is None:
            alike.setdefault(tuple(found.nearest), []).append(found.suspect.name)
    words = [f"{listed(names)} like {listed(near)}" for near, names in alike.items() if near]
    if () in alike:
        words.append(f"{listed(alike[()])} like none")
    return f"Without a row of their own: {'; '.join(words)}." if words else ""


def listed(names: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def table(answers: list[Answer]) -> Table:
    """Return measured and predicted exponents side by side."""
    header = ["optimizer"]
    for probe in PROBES:
        header += [f"{probe}, LR-35", "measured"]
    rows = []
    for found in answers:
        row: list[str | float | None] = [found.suspect.name]
        known = found.predicted
        for probe in PROBES:
            row += [known[probe] if known else None, two_digits(found.measured[probe])]
        rows.append([*row, ", ".join(found.nearest) or "none"])
    return Table(
        [*header, "answers like"],
        rows,
        "Scale exponents of the local rate",
        f"d = {TRUTH.input_dim}, m = {TRUTH.output_dim}, k = {TRUTH.rank}, n = {BATCH_SIZE}. "
        "Answers like: the rows of LR-35 with the nearest exponents; rows with the same exponents "
        "cannot be told apart.",
    )
