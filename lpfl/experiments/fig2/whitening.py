"""SI-06 on the page of fig2: the covariance of another batch whitens much worse."""

from collections.abc import Sequence

import numpy as np

from lpfl.experiments.core.estimates import Comparison, curve, dots, estimate, picture, verdict
from lpfl.experiments.core.experiment import Options, Section, Table
from lpfl.experiments.core.single_index_methods import KFAC, SGD
from lpfl.experiments.core.single_index_runs import Samples, both_alignments, problems
from lpfl.experiments.core.single_index_setting import Setting, two_atom
from lpfl.experiments.fig2.care import STORY
from lpfl.experiments.fig2.damping import NOTE
from lpfl.problems.single_index import directions
from lpfl.problems.single_index.moments import sample_moments
from theory.single_index import independent_batch_alignment, population_whitening_alignment

WHITENING = Setting(two_atom(300, 0.5), samples=1000, width=300, link="tanh", noise_std=0.3)
OTHER_ASPECTS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)


def whitening_section(options: Options, *, replicates: int) -> Section:
    """SI-06: the covariance of another batch whitens much worse than that of the same batch."""
    samples = whitening_samples(options, replicates=replicates)
    limits = WHITENING.limits
    grid = np.linspace(0.01, max(OTHER_ASPECTS), 60)
    line = [
        independent_batch_alignment(whitening_aspect=float(a), damping=0.0, **limits) for a in grid
    ]
    predicted = {
        "same batch": KFAC.predicted(WHITENING),
        "exact covariance": population_whitening_alignment(**limits),
        "SGD": SGD.predicted(WHITENING),
    }
    rows = [estimate(samples[f"{a:g}"]) for a in OTHER_ASPECTS]
    colour = 10
    series = [
        curve("independent batch", grid, line, colour),
        dots("independent batch", OTHER_ASPECTS, rows, colour),
    ]
    comparisons = []
    for a, value in zip(OTHER_ASPECTS, rows, strict=True):
        limit = independent_batch_alignment(whitening_aspect=a, damping=0.0, **limits)
        where = f"independent batch with d/n₂ = {a:g}"
        comparisons.append(Comparison(where, limit, value, WHITENING.margin(limit)))
    for place, (name, hue) in enumerate((("same batch", 1), ("exact covariance", 9), ("SGD", 0))):
        level, value = predicted[name], estimate(samples[name])
        series.append(curve(name, grid[[0, -1]], [level, level], hue))
        series.append(dots(name, [0.15 + 0.2 * place], [value], hue))
        comparisons.append(Comparison(name, level, value, WHITENING.margin(level)))
    at = {a: value.mean for a, value in zip(OTHER_ASPECTS, rows, strict=True)}
    same = estimate(samples["same batch"]).mean
    finding = (
        f"Whitened with the covariance of its own batch the gradient reaches ρ² = {same:.3f}, with "
        f"that of an independent batch of the same size {at[0.3]:.3f}."
    )
    text = (
        f"SI-06, d = {WHITENING.dim}, n = {WHITENING.samples}, a = 0.5, labels tanh with noise "
        "0.3, no damping. On the same batch the fluctuation of X'X/n cancels against that of "
        "X'y/n; on another batch it adds noise, and even the exact covariance does worse than the "
        "batch's own. Moving averages or stale Kronecker factors lose this cancellation.",
        verdict(comparisons, "ρ²"),
    )
    drawing = picture(
        "Whitening with another batch",
        "d/n₂ of the batch that gives the covariance",
        "alignment ρ²",
        series,
        note=NOTE,
        y_limits=[0.0, 1.0],
    )
    title = f"{STORY}: whose covariance"
    return Section(title, finding, text, (drawing,), (_whitening_table(comparisons),))


def _whitening_table(comparisons: Sequence[Comparison]) -> Table:
    rows = [(one.where, one.predicted, one.measured.text) for one in comparisons]
    return Table(["covariance from", "ρ² predicted", "measured"], rows, title="SI-06 in numbers")


def whitening_samples(options: Options, *, replicates: int) -> dict[str, Samples]:
    """Return squared alignments by the batch that whitens; all share gradient and teacher."""
    found: dict[str, list[float]] = {}
    for problem, stream in problems(WHITENING, options, replicates=replicates, tag="whitening"):
        batch = sample_moments(problem, WHITENING.samples, generator=stream)
        betas = {
            "SGD": directions.sgd_direction(batch),
            "same batch": directions.kfac_direction(batch, damping=0.0),
            "exact covariance": directions.population_direction(batch, problem.covariance),
        }
        for a in OTHER_ASPECTS:
            other = sample_moments(problem, round(WHITENING.dim / a), generator=stream)
            betas[f"{a:g}"] = directions.kfac_direction(batch, damping=0.0, whitening=other)
        for name, beta in betas.items():
            found.setdefault(name, []).append(both_alignments(beta, problem)["identity"])
    return {name: np.array(values) for name, values in found.items()}
