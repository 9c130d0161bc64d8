"""SI-06: whitening with other samples, or with the exact covariance, against the same batch."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import sizes
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Reals
from lpfl.verify.tolerance import truncation
from lpfl.verify.trial import Trial, as_numpy
from theory.core.resolvent import resolvent
from theory.single_index import alignment as alignment_of
from theory.single_index import independent_batch_alignment, population_whitening_alignment

TINY_ASPECT = 1e-7
PICTURE_ASPECTS = (0.05, 0.1, 0.2, 0.5)
PICTURED = setup.scenario(90, n=300, whitening_aspect=0.3, damping=1e-3, noise_std=0.1)
# Strong noise: the other batch is better than the gradient's own.
NOISY = setup.scenario(160, n=160, whitening_aspect=0.1, damping=0.01, link="he12", noise_std=1.0)

OTHER = setup.scenario(
    100, n=250, covariance=setup.two_atom(100, 0.8, "haar"), whitening_aspect=0.1, damping=0.05
)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Add the aspect of the whitening batch, after rounding its number of samples."""
    return {
        **setup.facts(scenario),
        "whitening_batch": "independent",
        "whitening_aspect": setup.aspect(scenario, "whitening_aspect"),
    }


def other_batch(trial: Trial, aspect: float, damping: float) -> dict[str, float]:
    """Return what the formula of another batch needs: the fixed point at that batch's aspect."""
    root = resolvent(setup.spectrum(trial.scenario), aspect=aspect, damping=damping)
    return {
        "resolvent_w": float(root.w),
        "resolvent_w_prime": float(root.w_prime),
        "damping": damping,
    }


@check(
    "SI-06",
    (*setup.WIDE_AXES, Reals("whitening_aspect", 0.1, 1.5, log=True), setup.DAMPING),
    anchors=(PICTURED, OTHER, NOISY),
    decisions=4 + sizes.DECISIONS,
    facts=facts,
)
def other_samples(trial: Trial) -> Iterator[Comparison]:
    """Same gradient batch, three ways to whiten it."""
    known = setup.limits(trial.scenario)
    damping = float(trial.scenario.damping)
    undamped = compare.ridgeless_applies(trial) and known["aspect"] < 1
    aspect = setup.aspect(trial.scenario, "whitening_aspect")
    at_other = other_batch(trial, aspect, damping)
    limit = {
        "other": setup.predicted(trial, "independent", **at_other),
        "exact": setup.predicted(trial, "exact"),
        "same": alignment_of("kfac", damping=damping, **known),
        "ridgeless": alignment_of("kfac", damping=0.0, **known),
        "sgd": alignment_of("sgd", **known),
    }

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        other = setup.draw_moments(
            trial, problem, block, field="whitening_aspect", name="other batch"
        )
        setup.admit(trial, problem, batch.n, whitening=other, damping=damping)
        trial.memory.setdefault("batch", (problem, batch))
        found = {
            "other": directions.kfac_direction(batch, damping=damping, whitening=other),
            "exact": directions.population_direction(batch, problem.covariance),
            "same": directions.kfac_direction(batch, damping=damping),
        }
        if undamped:
            found["ridgeless"] = directions.kfac_direction(batch, damping=0.0)
        return {name: compare.signed(trial, beta, problem) for name, beta in found.items()}

    replicates = compare.replicates_for_limits(trial, limit["other"], limit["exact"])
    seen = setup.replicated(trial, replicates, measure)
    trial.memory["same"] = seen["same"]
    rivals = {"the same batch": limit["same"], "SGD": limit["sgd"], "exact Σ": limit["exact"]}
    yield compare.near(trial, "independent", seen["other"], limit["other"], rivals=rivals)
    rivals = {"the same batch undamped": limit["ridgeless"], "SGD": limit["sgd"]}
    yield compare.near(trial, "exact", seen["exact"], limit["exact"], rivals=rivals)
    if undamped:
        sign = setup.predicted(trial, "same_or_exact")
        yield paired(trial, "same_or_exact", sign, seen, limit, ("ridgeless", "exact"))
    v = float(resolvent(known["spectrum"], aspect=known["aspect"], damping=damping).v)
    sign = setup.predicted(trial, "same_or_other", **at_other, resolvent_v=v)
    yield paired(trial, "same_or_other", sign, seen, limit, ("same", "other"))
    # To first order in phi2 = d/n2, E s/(lam + s w) and q change by a relative phi2 (1 + s w'), and
    # w' = m_{-1} phi2: with three such factors the change is below 8 phi2 (1 + m_{-1} s_max).
    s = known["spectrum"]
    change = 8.0 * TINY_ASPECT * (1.0 + s.moment(-1) * float(s.eigenvalues.max()))
    yield Same(
        part="exact",
        measured=setup.predicted(trial, "independent", **other_batch(trial, TINY_ASPECT, 0.0)),
        predicted=limit["exact"],
        tolerance=truncation(change, "first order in d / samples of the whitening batch"),
        label="endless whitening samples",
    )

    def independent(*, damping_unit: float, **other: Any) -> float:
        values = {**known, **other, "whitening_aspect": aspect}
        return independent_batch_alignment(damping=damping * damping_unit, **values)

    yield cases.same_function("independent", independent(damping_unit=1.0), limit["other"])
    yield cases.same_function("exact", population_whitening_alignment(**known), limit["exact"])
    yield cases.printed_units(trial, "same_or_exact")
    yield cases.formula_units(trial, "independent", independent)
    yield cases.formula_units(
        trial, "exact", lambda *, damping_unit, **other: setup.predicted(trial, "exact", **other)
    )


def paired(
    trial: Trial,
    part: str,
    sign: float,
    seen: Mapping[str, Any],
    limit: Mapping[str, float],
    names: tuple[str, str],
) -> Comparison:
    """Compare two ways to whiten in the order that the sign says."""
    better, worse = names if sign > 0 else names[::-1]
    gap = limit[better] - limit[worse]
    label = f"{WORDS[better]} above {WORDS[worse]}"
    return compare.ordered(trial, part, seen[better], seen[worse], gap, label=label)


WORDS = {
    "same": "same batch",
    "other": "other batch",
    "exact": "exact covariance",
    "ridgeless": "same batch undamped",
}


other_samples.extra("decay", on=(OTHER,))(sizes.follow(other_samples, sizes.Law("independent")))


@other_samples.picture(on=[PICTURED])
def whitening_picture(trial: Trial) -> dict[str, Any]:
    """Draw the alignment against the size of the whitening batch."""
    problem, batch = trial.memory["batch"]
    known = setup.limits(trial.scenario)
    damping = float(trial.scenario.damping)
    fine = np.logspace(-2, np.log10(0.9), 61)
    line = [
        independent_batch_alignment(whitening_aspect=float(x), damping=damping, **known)
        for x in fine
    ]
    flat = {
        "exact covariance, limit": setup.predicted(trial, "exact"),
        "same batch, limit": alignment_of("kfac", damping=damping, **known),
    }
    mean, half = [], []
    for aspect in PICTURE_ASPECTS:
        n = setup.batch_size({"input_dim": trial.scenario.input_dim, "aspect": aspect})
        more = setup.sampler.sample_moments(problem, n, generator=trial.stream(f"at {aspect}"))
        beta = directions.kfac_direction(batch, damping=damping, whitening=more)
        run = as_numpy(compare.signed(trial, beta, problem))
        mean.append(float(run.mean()))
        half.append(1.96 * float(run.std(ddof=1)) / float(np.sqrt(run.size)))
    own: dict[str, Any] = {"x": [known["aspect"]], "style": "points"}
    series: list[dict[str, Any]] = [
        {"name": "independent batch, limit", "style": "line", "x": fine.tolist(), "y": line},
        *(
            {"name": name, "style": "line", "x": fine.tolist(), "y": [value] * fine.size}
            for name, value in flat.items()
        ),
        {
            "name": "independent batch, runs",
            "style": "points",
            "x": list(PICTURE_ASPECTS),
            "y": mean,
            "low": [m - h for m, h in zip(mean, half, strict=True)],
            "high": [m + h for m, h in zip(mean, half, strict=True)],
        },
        {"name": "same batch, runs", **own, "y": [float(trial.memory["same"].mean())]},
    ]
    return {
        "title": "Whitening with other samples: weak noise",
        "x_label": "d / samples of the whitening batch",
        "y_label": "squared cosine with the teacher",
        "x_scale": "log",
        "y_scale": "linear",
        "series": series,
        "note": f"d = {trial.scenario.input_dim}, d/n = {known['aspect']:.3g} for the gradient, "
        f"damping {damping}",
    }
