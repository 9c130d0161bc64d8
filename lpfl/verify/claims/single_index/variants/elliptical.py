"""SI-26: rows of two lengths, against the formula with weights."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.problems.single_index.inputs import elliptical_sample
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import sizes
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import functions
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Axis, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.single_index import alignment as alignment_of
from theory.single_index.variants.elliptical import (
    elliptical_alignment,
    scale_leverage,
    scale_moments,
)

AXES: tuple[Axis, ...] = (
    Integers("input_dim", 40, 60, log=True),
    setup.COVARIANCE,
    Reals("aspect", 0.3, 1.5, log=True),
    setup.LINK,
    setup.NOISE_STD,
)
METHODS = {"alignment": "kfac", "sgd": "sgd"}


ANCHORS = (
    setup.scenario(60, n=120, link="he12", noise_std=0.5, damping=0.05, scale_spread=0.6),
    setup.scenario(
        50,
        n=100,
        covariance=setup.two_atom(50, 0.8, "haar"),
        link="tanh",
        damping=0.2,
        scale_spread=0.8,
    ),
)
LARGE = setup.scenario(192, n=384, link="tanh", damping=0.2, scale_spread=0.8)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Say that the inputs are elliptical."""
    return {**setup.facts(scenario), "input_law": "elliptical"}


def scales_of(scenario: Scenario) -> tuple[float, float]:
    """Return the two equally likely values of tau^2."""
    spread = float(scenario.scale_spread)
    return (1.0 - spread, 1.0 + spread)


@check(
    "SI-26",
    (*AXES, Reals("damping", 0.05, 3.0, log=True, easy="high"), Reals("scale_spread", 0.0, 0.7)),
    anchors=ANCHORS,
    large=(LARGE,),
    decisions=5 + 2 * sizes.DECISIONS,
    facts=facts,
)
def elliptical(trial: Trial) -> Iterator[Comparison]:
    """SGD and KFAC on rows of two lengths; the leverage of the batches."""
    known = setup.limits(trial.scenario)
    s, phi, damping = known["spectrum"], known["aspect"], float(trial.damping)
    scales = scales_of(trial.scenario)
    labels = {"link": trial.link, "noise_std": trial.noise_std}
    leverage = scale_leverage(s, aspect=phi, damping=damping, scales=scales)
    weighted = scale_moments(scales=scales, leverage=leverage, **labels)
    limit = {part: printed(trial, method) for part, method in METHODS.items()}

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        n = setup.batch_size(trial.scenario)
        rows = elliptical_sample(problem, n, scales=scales, generator=trial.stream("rows", block))
        batch = sampler.moments(sampler.plain_rows(rows))
        setup.admit(trial, problem, n, damping=damping, input_law="elliptical")
        beta = directions.kfac_direction(batch, damping=damping)
        return {
            "alignment": compare.signed(trial, beta, problem),
            "sgd": compare.signed(trial, directions.sgd_direction(batch), problem),
            "leverage": leverage_of(batch, problem.covariance, damping),
            "alignment weighted": compare.signed(trial, beta, problem, weighted=True),
            "sgd weighted": compare.signed(
                trial, directions.sgd_direction(batch), problem, weighted=True
            ),
        }

    least = min(margin(trial, value).value for value in limit.values())
    replicates = compare.replicates_for(trial, least, spread=compare.WIDE_SPREAD)
    entries = setup.batch_size(trial.scenario) * trial.input_dim
    seen = setup.replicated(trial, replicates, measure, entries=entries)
    gaussian = {
        "alignment": alignment_of("kfac", damping=damping, **known),
        "sgd": alignment_of("sgd", **known),
    }
    for part, value in limit.items():
        rivals = {"Gaussian inputs": gaussian[part], "SGD": limit["sgd"]}
        if part == "sgd":
            rivals.pop("SGD")
        yield compare.near(
            trial, part, seen[part], value, rivals=rivals, tolerance=margin(trial, value)
        )
    for part, method in METHODS.items():
        value = function_of(trial, method, 1.0, "covariance", spectrum=s)
        yield compare.near(
            trial,
            part,
            seen[f"{part} weighted"],
            value,
            rivals={"not weighted": limit[part]},
            tolerance=margin(trial, value),
            label="weighted by the covariance",
        )
    value = setup.predicted(trial, "leverage", scale_weight=weighted["scale_weight"])
    yield compare.near(
        trial,
        "leverage",
        seen["leverage"],
        value,
        rivals={
            "a batch of endless data": phi * s.expect(s.eigenvalues / (damping + s.eigenvalues))
        },
        tolerance=finite_size(
            compare.WIDE_TERM / trial.input_dim * value, "6/d of the trace, as in wide scenarios"
        ),
    )


elliptical.extra("decay", on=(LARGE,))(
    sizes.follow(elliptical, sizes.Law("alignment"), sizes.Law("sgd"))
)


@elliptical.extra("the function", on=ANCHORS)
def special_cases(trial: Trial) -> Iterator[Comparison]:
    """Rows of equal length are Gaussian; other units of x and unequal weights."""
    known = setup.limits(trial.scenario)
    s, damping = known["spectrum"], float(trial.damping)
    for part, method in METHODS.items():
        cases = {
            weight: (
                function_of(trial, method, 1.0, weight, spectrum=s, scales=(1.0,)),
                alignment_of(
                    method, weight=weight, damping=damping if method == "kfac" else None, **known
                ),
            )
            for weight in ("identity", "covariance")
        }
        cases["the statement"] = (
            function_of(trial, method, 1.0, "identity", spectrum=s),
            printed(trial, method),
        )
        yield functions.special_cases(part, cases)
    yield functions.any_spectrum(
        trial,
        "alignment",
        *(
            partial(function_of, trial, method, weight=weight)
            for method in METHODS.values()
            for weight in ("identity", "covariance")
        ),
    )


def function_of(
    trial: Trial,
    method: str,
    unit: float,
    weight: str,
    *,
    spectrum: Spectrum,
    scales: tuple[float, ...] | None = None,
    **labels: float,
) -> float:
    """Return the public function's number; the labels are those of the scenario's link."""
    del labels
    return elliptical_alignment(
        method,
        link=trial.link,
        noise_std=trial.noise_std,
        scales=scales or scales_of(trial.scenario),
        spectrum=spectrum,
        aspect=setup.aspect(trial.scenario),
        damping=trial.damping * unit if method == "kfac" else None,
        weight=weight,
    )


def printed(trial: Trial, method: str) -> float:
    """Return the printed limit of a method for the scenario's rows."""
    known = setup.limits(trial.scenario)
    scales, labels = scales_of(trial.scenario), {"link": trial.link, "noise_std": trial.noise_std}
    leverage = 0.0
    if method == "kfac":
        leverage = scale_leverage(
            known["spectrum"], aspect=known["aspect"], damping=trial.damping, scales=scales
        )
    moments = scale_moments(scales=scales, leverage=leverage, **labels)
    return setup.predicted(trial, "alignment" if method == "kfac" else "sgd", **moments)


def margin(trial: Trial, predicted: float) -> Tolerance:
    """Return the margin of a squared cosine: the finite-size term of wide scenarios everywhere."""
    share = judgement(compare.RELATIVE * abs(predicted), "3 % of the limit, as for Gaussian inputs")
    term = compare.WIDE_TERM / trial.input_dim
    return finite_size(term, "6/d: 2/d was seen for rows of two lengths at d = 60 and 240") + share


def leverage_of(batch: sampler.Moments, covariance: Tensor, damping: float) -> Tensor:
    """Return tr Sigma (Q + damping)^-1 / n of each batch (R,)."""
    Q = batch.second_moment
    eye = torch.eye(Q.shape[-1], dtype=Q.dtype, device=Q.device)
    Sigma = torch.diag(covariance) if covariance.ndim == 1 else covariance
    solved = torch.linalg.solve(Q + damping * eye, Sigma.expand_as(Q))
    return solved.diagonal(dim1=-2, dim2=-1).sum(-1) / batch.n
