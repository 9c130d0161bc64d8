"""Whitening with the batch or with the population: who wins, over d/n and the share of signal."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from lpfl.decide import Outcome
from lpfl.experiments.core.estimates import (
    Comparison,
    Estimate,
    curve,
    dots,
    estimate,
    picture,
    verdict,
)
from lpfl.experiments.core.experiment import Options, Say, Section, Table
from lpfl.experiments.core.single_index_runs import covariance, draw
from lpfl.experiments.core.single_index_setting import Setting, two_atom
from lpfl.measure.alignment import alignment
from lpfl.problems.single_index import directions
from lpfl.problems.single_index.moments import sample_moments
from lpfl.seeding import generator
from theory.single_index import (
    alignment as alignment_of,
)
from theory.single_index import (
    ceiling,
    mixture_alignment,
    optimal_damping,
    population_whitening_alignment,
)

DIM, SPREAD = 100, 0.5
MARGIN = 0.04  # of a difference of two alignments: twice 2/d, as each of them may be off by 2/d
SHOWN_SHARES = 3


@dataclass(frozen=True)
class Point:
    """One aspect and share of signal: same batch minus exact covariance, two ways."""

    aspect: float
    share: float
    undamped: Comparison
    best: Comparison


def setting_at(aspect: float, share: float) -> Setting:
    """Return linear labels of which ``share`` of E y^2 is signal."""
    return Setting(
        two_atom(DIM, SPREAD),
        samples=round(DIM / aspect),
        width=DIM,
        link="identity",
        noise_std=float(np.sqrt((1 - share) / share)),
    )


def gains(setting: Setting) -> tuple[float, float]:
    """Return the predicted gain of the same batch over the exact covariance: undamped, best."""
    known = setting.limits
    undamped = alignment_of("kfac", damping=0.0, **known) - population_whitening_alignment(**known)
    return undamped, ceiling(**known) - mixture_alignment(
        u=0.0, g=0.0, damping=wiener(setting), **known
    )


def wiener(setting: Setting) -> float:
    """Return the best damping of the exact covariance, phi E y^2 / c_1^2 (SI-18)."""
    known = setting.limits
    energy = known["c1"] ** 2 * known["spectrum"].moment(1) + known["residual_var"]
    return float(known["aspect"] * energy / known["c1"] ** 2)


def measured(setting: Setting, options: Options, replicates: int) -> tuple[Estimate, Estimate]:
    """Return the gains of the same batch in runs, paired over replicates."""
    name = ("variants", "phase", setting.samples, f"{setting.noise_std:.4f}")
    stream = generator(options.seed, *name, device=options.device)
    matrix = covariance(setting, options)
    problem = draw(setting, options, replicates=replicates, stream=stream)
    batch = sample_moments(problem, setting.samples, generator=stream)
    limits = setting.limits
    best = optimal_damping(**{name: limits[name] for name in ("aspect", "c1", "residual_var")})
    factor = torch.as_tensor(matrix, device=options.device)
    pairs = (
        (directions.kfac_direction(batch, damping=0.0), 0.0),
        (directions.kfac_direction(batch, damping=best), wiener(setting)),
    )
    undamped, damped = (
        estimate(
            (
                alignment(own, problem.teacher)
                - alignment(
                    directions.factor_direction(batch, factor, damping=damping),
                    problem.teacher,
                )
            )
            .cpu()
            .numpy()
        )
        for own, damping in pairs
    )
    return undamped, damped


def points(
    options: Options, *, aspects: Sequence[float], shares: Sequence[float], replicates: int
) -> list[Point]:
    """Run every pair of aspect and share."""
    found = []
    for share in shares:
        for aspect in aspects:
            setting = setting_at(aspect, share)
            setting = replace(setting, samples=max(setting.samples, DIM + 1))
            where = f"d/n = {aspect:g}, share {share:g}"
            both = zip(gains(setting), measured(setting, options, replicates), strict=True)
            comparisons = [Comparison(where, limit, value, MARGIN) for limit, value in both]
            found.append(Point(aspect, share, *comparisons))
    return found


def winner(point: Point) -> str:
    """Say who is ahead without damping, if the interval says so."""
    value = point.undamped.measured
    if abs(value.mean) <= value.half_width:
        return "undecided"
    return "same batch ahead" if value.mean > 0 else "exact covariance ahead"


def phase_section(
    options: Options,
    *,
    aspects: Sequence[float],
    shares: Sequence[float],
    replicates: int,
    say: Say,
) -> Section:
    """Return the map of winners, the gains along it, and the gains at the best damping."""
    found = points(options, aspects=aspects, shares=shares, replicates=replicates)
    say(f"{len(found)} points")
    wrong = [one for one in found if _contradicts(one)]
    negative = [one for one in found if one.best.measured.mean < -one.best.measured.half_width]
    finding = (
        f"Without damping the batch's own covariance beats the exact one where d/n is below the "
        f"share of signal c₁²E[s]/E y²: {len(found) - len(wrong)} of {len(found)} points are on "
        f"the predicted side or too close to tell. At its best damping it is never behind"
        f"{f', but at {len(negative)} points' if negative else ''} (SI-18)."
    )
    text = (
        f"d = {DIM}, two-atom spectrum with a = {SPREAD:g}, linear labels whose noise sets the "
        "share. Whitening with the batch saves the signal's part of the noise and pays 1/(1 − d/n) "
        "for inverting a noisy matrix; the exact covariance does neither. Damping takes the price "
        "away.",
        "Undamped: " + verdict([one.undamped for one in found], "ρ²"),
        "Best damping: " + verdict([one.best for one in found], "ρ²"),
    )
    return Section(
        "Whose covariance: a map",
        finding,
        text,
        (_map(found), *_slices(found, shares)),
        (_table(found),),
    )


def _contradicts(point: Point) -> bool:
    """The measured sign is clear, and not the predicted one."""
    value, predicted = point.undamped.measured, point.share - point.aspect
    return abs(value.mean) > value.half_width and value.mean * predicted < 0


def _map(found: Sequence[Point]) -> dict[str, Any]:
    series: list[dict[str, Any]] = [curve("boundary d/n = share", [0.0, 1.0], [0.0, 1.0], 9)]
    for name, colour in (
        ("same batch ahead", 0),
        ("exact covariance ahead", 1),
        ("undecided", 3),
    ):
        own = [one for one in found if winner(one) == name]
        if own:
            series.append(
                {
                    "name": name,
                    "style": "points",
                    "colour": colour,
                    "x": [one.aspect for one in own],
                    "y": [one.share for one in own],
                }
            )
    return picture(
        "Who is ahead without damping",
        "d/n",
        "share of signal c₁²E[s]/E y²",
        series,
        note="Dotted: the predicted boundary. A point: the sign of the mean gain in runs.",
        y_limits=[0.0, 1.0],
    )


def _slices(found: Sequence[Point], shares: Sequence[float]) -> list[dict[str, Any]]:
    """Return the gain against d/n for some shares: undamped, and at the best damping."""
    some = [shares[i] for i in np.linspace(0, len(shares) - 1, SHOWN_SHARES).round().astype(int)]
    top = max(one.aspect for one in found)
    grid = np.linspace(0.02, top, 50)
    drawn = []
    for which, title in enumerate(("without damping", "at the best damping of each")):
        series = []
        for colour, share in enumerate(some):
            own = [one for one in found if one.share == share]
            name = f"share {share:g}"
            line = [gains(setting_at(float(a), share))[which] for a in grid]
            values = [(one.undamped, one.best)[which].measured for one in own]
            series.append(curve(name, grid, line, colour))
            series.append(dots(name, [one.aspect for one in own], values, colour))
        drawn.append(
            picture(
                f"Same batch minus exact covariance, {title}",
                "d/n",
                "difference of ρ²",
                series,
                note="Dotted: prediction. Whiskers: 95 % interval of the mean.",
            )
        )
    return drawn


def _table(found: Sequence[Point]) -> Table:
    rows = [
        (
            one.share,
            one.aspect,
            one.undamped.predicted,
            one.undamped.measured.text,
            _word(one.undamped),
            one.best.predicted,
            one.best.measured.text,
            _word(one.best),
        )
        for one in found
    ]
    header = ("share", "d/n", "undamped, predicted", "measured", "", "best, predicted", "measured",
              "")  # fmt: skip
    return Table(header, rows, "ρ² of the same batch minus that of the exact covariance")


def _word(comparison: Comparison) -> str:
    return {
        Outcome.CONFIRMED: "agrees",
        Outcome.REFUTED: "outside",
    }.get(comparison.outcome, "open")
