"""SI-28: gradient steps on one batch, against the filter's formula, ridge, and both ends."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lpfl.optim.sgd import Sgd
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.setups import sizes
from lpfl.verify.setups.optimizers.descent import descend, filter_of
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.setups.single_index.limiting_cases import printed_units
from lpfl.verify.setups.stated import stated_order
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import finite_size
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of
from theory.single_index import filter_alignment
from theory.single_index.variants.passes import filter_means, largest_eigenvalue

NEVER_SMALLER = 1e-4
LEFT_OVER = 1e-3  # (1 - eta t)^T of the smallest eigenvalue after endless steps
MOST_STEPS = 500
ENDLESS_REPLICATES = 400
PICTURED = setup.scenario(90, n=300, passes=16, step_share=0.8)
ANCHORS = (
    PICTURED,
    setup.scenario(
        80,
        n=160,
        covariance=setup.two_atom(80, 0.8, "haar"),
        link="he12",
        passes=8,
        step_share=1.2,
    ),
    setup.scenario(60, n=600, noise_std=1.0, passes=4, step_share=0.5),
)
LARGE = setup.scenario(192, n=640, passes=4, step_share=0.8)


@check(
    "SI-28",
    (
        *setup.AXES,
        Integers("passes", 2, 20, log=True),
        Reals("step_share", 0.3, 1.2),
    ),
    anchors=ANCHORS,
    large=(LARGE,),
    decisions=6 + 2 * sizes.DECISIONS,
    facts=setup.facts,
)
def passes(trial: Trial) -> Iterator[Comparison]:
    """Run T steps, one step and endless steps on the same batches, and ridge at its best."""
    known = setup.limits(trial.scenario)
    s, phi = known["spectrum"], known["aspect"]
    eta = trial.step_share / largest_eigenvalue(s, aspect=phi)
    steps = int(trial.passes)
    rule = Sgd(step_size=eta)
    best = max(phi * known["residual_var"] / known["c1"] ** 2, NEVER_SMALLER)
    means = filter_means(s, aspect=phi, step_size=eta, steps=steps)
    limit = {
        "alignment": setup.predicted(
            trial,
            "alignment",
            filter_mean=means.mean,
            filter_square=means.square,
            filter_noise=means.noise,
        ),
        "one_pass": setup.predicted(trial, "one_pass"),
    }
    ridge = alignment_of("kfac", damping=best, **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n)
        trial.memory.setdefault("batch", (problem, batch))
        found = {
            "alignment": descend(rule, [batch] * steps),
            "one_pass": descend(rule, [batch]),
            "ridge": directions.kfac_direction(batch, damping=best),
        }
        return {name: compare.signed(trial, beta, problem) for name, beta in found.items()}

    replicates = compare.replicates_for_limits(trial, *limit.values())
    seen = setup.replicated(trial, replicates, measure)
    rivals = {"one step": limit["one_pass"], "ridge at its best": ridge}
    if phi < 1:
        rivals["endless steps"] = setup.predicted(trial, "endless")
    yield compare.near(trial, "alignment", seen["alignment"], limit["alignment"], rivals=rivals)
    rivals = {"T steps": limit["alignment"]}
    yield compare.near(trial, "one_pass", seen["one_pass"], limit["one_pass"], rivals=rivals)
    yield printed_units(trial, "one_pass")
    gap = ridge - limit["alignment"]
    yield compare.ordered(trial, "never_better", seen["ridge"], seen["alignment"], gap)
    yield stated_order(
        trial, "never_better", alignment_at_best_damping=ridge, alignment=limit["alignment"]
    )
    yield from traces_of_two(trial, rule)
    yield from endless(trial, rule)


def traces_of_two(trial: Trial, rule: Sgd) -> Iterator[Comparison]:
    """Two steps on every coordinate as the label, W = F(Q); and on white noise, V = F(Q) / Q."""
    _, batch = trial.memory["batch"]
    Q = batch.second_moment
    eye = torch.eye(Q.shape[-1], dtype=Q.dtype, device=Q.device).expand_as(Q)
    W, V = filter_of(rule, Q, Q, steps=2), filter_of(rule, Q, eye, steps=2)
    found = {
        "mean_of_two": W.diagonal(dim1=-2, dim2=-1).mean(-1),
        "noise_of_two": (W * V).sum((-2, -1)) / Q.shape[-1],
    }
    eta = rule.step_size
    m1 = setup.spectrum(trial.scenario).moment(1)
    rivals = {"mean_of_two": 2.0 * eta * m1, "noise_of_two": 4.0 * eta**2 * m1}
    for part, samples in found.items():
        value = setup.predicted(trial, part, step_size=eta)
        # the traces of Q, Q^2 and Q^3 enter with coefficients that add up to at most 4 values
        term = finite_size(
            4.0 * compare.TRACE_TERM / trial.input_dim * abs(value), "2/d of each of the traces"
        )
        name = {"first order in the step size": rivals[part]}
        yield compare.near(trial, part, samples, value, rivals=name, tolerance=term)


def endless(trial: Trial, rule: Sgd) -> Iterator[Comparison]:
    """So many steps that the smallest eigenvalue of a batch is fitted up to a thousandth."""
    phi = setup.aspect(trial.scenario)
    if phi > compare.RIDGELESS_BELOW:
        return
    problem, batch = trial.memory["batch"]
    size = min(ENDLESS_REPLICATES, problem.replicates)
    few = replace(problem, teacher=problem.teacher[:size])
    moments = replace(
        batch,
        second_moment=batch.second_moment[:size],
        cross_moment=batch.cross_moment[:size],
    )
    smallest = float(torch.linalg.eigvalsh(moments.second_moment).min())
    steps = math.ceil(math.log(1.0 / LEFT_OVER) / (rule.step_size * smallest))
    if steps > MOST_STEPS:
        return
    limit = setup.predicted(trial, "endless")
    beta = descend(rule, [moments] * steps)
    yield compare.near(
        trial,
        "endless",
        compare.signed(trial, beta, few),
        limit,
        rivals={"SGD": setup.predicted(trial, "one_pass")},
        damped=False,
    )


passes.extra("decay", on=(LARGE,))(
    sizes.follow(passes, sizes.Law("alignment"), sizes.Law("one_pass"))
)


@passes.extra("the function", on=ANCHORS)
def function_of_steps(trial: Trial) -> Iterator[Comparison]:
    """One step is SGD, two have the printed traces; other units and weights at the drawn number."""
    known = setup.limits(trial.scenario)
    s, phi = known["spectrum"], known["aspect"]
    eta = trial.step_share / largest_eigenvalue(s, aspect=phi)
    cases = {
        f"one step, {weight}": (
            filter_alignment(step_size=eta, steps=1, weight=weight, **known),
            alignment_of("sgd", weight=weight, **known),
        )
        for weight in ("identity", "covariance")
    }
    two = filter_means(s, aspect=phi, step_size=eta, steps=2)
    for name, part in ((two.mean, "mean_of_two"), (two.noise, "noise_of_two")):
        cases[part] = (name, setup.predicted(trial, part, step_size=eta))
    yield functions.special_cases("alignment", cases)

    def predict(unit: float, spectrum: Any, weight: str = "identity", **labels: Any) -> float:
        step = trial.step_share / largest_eigenvalue(spectrum, aspect=phi)
        return filter_alignment(
            step_size=step,
            steps=int(trial.passes),
            spectrum=spectrum,
            aspect=phi,
            weight=weight,
            **labels,
        )

    yield functions.any_spectrum(trial, "alignment", predict, partial(predict, weight="covariance"))


@passes.picture(on=[PICTURED])
def passes_picture(trial: Trial) -> dict[str, Any]:
    """Draw the alignment against the number of steps, and the runs of this scenario."""
    problem, batch = trial.memory["batch"]
    known = setup.limits(trial.scenario)
    eta = trial.step_share / largest_eigenvalue(known["spectrum"], aspect=known["aspect"])
    counts = [2**k for k in range(8)]
    line = [filter_alignment(step_size=eta, steps=T, **known) for T in counts]
    runs = [
        float(compare.signed(trial, descend(Sgd(step_size=eta), [batch] * T), problem).mean())
        for T in counts
    ]
    best = known["aspect"] * known["residual_var"] / known["c1"] ** 2
    ridge = alignment_of("kfac", damping=best, **known)
    return {
        "title": "Alignment after several steps on one batch",
        "x_label": "steps",
        "y_label": "squared cosine with the teacher",
        "x_scale": "log",
        "y_scale": "linear",
        "series": [
            {"name": "limit", "style": "line", "x": counts, "y": line},
            {"name": "runs, mean", "style": "points", "x": counts, "y": runs},
            {"name": "ridge at its best", "style": "line", "x": counts, "y": [ridge] * 8},
        ],
        "note": f"d = {trial.input_dim}, step size {eta:.3g}",
    }
