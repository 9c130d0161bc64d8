"""SI-07: how well beta.x predicts beta*.x, and the risk of the best function of beta.x."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lpfl import linalg
from lpfl.measure.alignment import alignment
from lpfl.problems import single_index as model
from lpfl.problems.links import link_function
from lpfl.problems.single_index import directions
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Near, Same
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import gauss_means
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.tolerance import Basis, Tolerance, judgement, truncation
from lpfl.verify.trial import Trial, as_numpy
from theory import Spectrum
from theory.single_index import alignment as alignment_of
from theory.single_index import mehler_risk

RISK = judgement(0.03, "of E y²: a tenth of what a wrong power of the correlation changes")
TEST_POINTS, HEAVY_TEST_POINTS = 8192, 32768
FEW = 8
CORRELATIONS, HIGH = (0.1, 0.4, 0.65), 0.95  # squared; where a cut series is exact, where it is not
GRID = truncation(1e-4, "the square of the grid's step 1/40 at a kink or a jump, over 6")
ANCHORS = (
    setup.scenario(100, n=500, covariance=setup.two_atom(100, 0.9), damping=0.1),
    setup.scenario(120, n=360, covariance=setup.geometric(120), link="he12", damping=0.1),
)


@check(
    "SI-07",
    (*setup.WIDE_AXES, setup.DAMPING),
    anchors=ANCHORS,
    decisions=6,
    facts=setup.facts,
)
def prediction(trial: Trial) -> Iterator[Comparison]:
    """Correlation of beta.x with beta*.x, and the risk it allows."""
    known = setup.limits(trial.scenario)
    damping = float(trial.scenario.damping)
    dampings = {"correlation": damping}
    limit = {
        "sgd": setup.predicted(trial, "sgd"),
        "correlation": setup.predicted(trial, "correlation"),
    }
    if compare.ridgeless_applies(trial) and known["aspect"] < 1:
        dampings["ridgeless"] = 0.0
        limit["ridgeless"] = setup.predicted(trial, "ridgeless")
    elif compare.ridgeless_applies(trial):
        dampings["pseudo"] = 0.0
        limit["pseudo"] = setup.predicted(trial, "correlation", damping=0.0)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        setup.admit(trial, problem, batch.n, damping=damping)
        trial.memory.setdefault("batch", batch)
        found = {"sgd": directions.sgd_direction(batch)}
        for name, value in dampings.items():
            found[name] = directions.kfac_direction(batch, damping=value)
        values = {
            name: compare.signed(trial, beta, problem, weighted=True)
            for name, beta in found.items()
        }
        return {**values, "risk": best_risk(trial, problem, found["correlation"], block)}

    replicates = compare.replicates_for_limits(trial, *limit.values())
    seen = setup.replicated(trial, replicates, measure)
    for name in limit:
        rivals = {"SGD": limit["sgd"], "KFAC": limit["correlation"]}
        rivals |= {"the squared cosine": cosine(trial, name, dampings.get(name))}
        rivals.pop({"sgd": "SGD", "correlation": "KFAC"}.get(name, ""), None)
        undamped = name in ("ridgeless", "pseudo")
        yield compare.near(
            trial,
            "correlation" if name == "pseudo" else name,
            seen[name],
            limit[name],
            rivals=rivals,
            damped=not undamped,
            label="pseudo-inverse" if name == "pseudo" else "",
        )
    yield compare.fixed_point(trial, "fixed_point", trial.memory["batch"], damping)
    yield risk_at_own(trial, seen)
    yield risk_at_limit(trial, seen, limit["correlation"])
    if setup.aspect(trial.scenario) <= compare.RIDGELESS_BELOW:
        yield from spectrum_free(trial)
    for name in limit:
        method = "sgd" if name == "sgd" else "kfac"
        number = alignment_of(method, damping=dampings.get(name), weight="covariance", **known)
        yield cases.same_function("correlation" if name == "pseudo" else name, number, limit[name])
    yield cases.printed_units(trial, "sgd")
    yield cases.large_damping(trial, "correlation", "sgd")
    yield from cases.units(trial, "correlation", damping=damping, weighted=True)


def cosine(trial: Trial, name: str, damping: float | None) -> float:
    """Return the limit of the Euclidean squared cosine for the same direction."""
    known = setup.limits(trial.scenario)
    return alignment_of("sgd" if name == "sgd" else "kfac", damping=damping, **known)


def best_risk(trial: Trial, problem: model.SingleIndexProblem, beta: Tensor, block: int) -> Tensor:
    """Return per replicate an unbiased estimate of the risk of the best function of beta.x.

    It is E y^2 - E[E(y | beta.x)^2], and the second term is E g(z1) g(z2) for indices z1, z2 that
    are independent given beta.x: jointly normal with the correlation rho_S^2 of the run.
    """
    correlation2 = alignment(beta, problem.teacher, weight=problem.covariance)
    stream = trial.stream("test points", block)
    heavy = trial.scenario.link in compare.HEAVY_TAILED
    size = (correlation2.shape[0], HEAVY_TEST_POINTS if heavy else TEST_POINTS, 2)
    first, other = torch.randn(
        size, generator=stream, dtype=trial.dtype, device=trial.device
    ).unbind(-1)
    rho2 = correlation2[:, None]
    second = rho2 * first + (1 - rho2.square()).clamp(min=0).sqrt() * other
    g = link_function(problem.link)
    lost = (g(first).square() + g(second).square()) / 2 - g(first) * g(second)
    return lost.mean(-1) + problem.noise_std**2


def risk_at_own(trial: Trial, seen: dict[str, Any]) -> Near:
    """Compare the runs' risks with Mehler's at the runs' own correlations: no bias in d."""
    link = setup.statistics(trial.scenario)
    own = np.clip(np.abs(seen["correlation"]), 0.0, 1.0)
    pairs = [mehler_risk(link, covariance_alignment=float(r)) for r in own]
    values = np.array([value for value, _ in pairs])
    mean = float(values.mean())
    unsure = max(radius for _, radius in pairs)
    allowed = Tolerance(RISK.value * link.second_moment + unsure, Basis.JUDGEMENT, RISK.why)
    return compare.near(
        trial,
        "risk",
        seen["risk"] - values + mean,
        mean,
        rivals={"E y²": link.second_moment, "the noise alone": link.noise_std**2},
        tolerance=allowed,
        label="at the runs' own correlations",
    )


def risk_at_limit(trial: Trial, seen: dict[str, Any], correlation2: float) -> Near:
    """Compare the runs' risks with Mehler's at the limit of the correlation.

    The risk falls with the correlation, from E y^2 to the noise: the margin is what the margin of
    the correlation does to it, and that of the risk.
    """
    link = setup.statistics(trial.scenario)
    room = compare.margin(trial.scenario, correlation2).value
    levels = [min(max(correlation2 + x, 0.0), 1.0) for x in (-room, 0.0, room)]
    low, limit, high = (mehler_risk(link, covariance_alignment=x)[0] for x in levels)
    moved = max(abs(low - limit), abs(high - limit))
    allowed = Tolerance(
        RISK.value * link.second_moment + moved, Basis.FINITE_SIZE, "the correlation's margin"
    )
    return compare.near(
        trial,
        "risk",
        seen["risk"],
        limit,
        rivals={"E y²": link.second_moment, "the noise alone": link.noise_std**2},
        tolerance=allowed,
        label="at the limit of the correlation",
    )


def spectrum_free(trial: Trial) -> Iterator[Same]:
    """Without damping the correlation is the same number for Sigma and for I.

    From the same white noise the runs agree to rounding, because the least-squares direction in
    white coordinates does not know Sigma; the two limits agree as well.
    """
    yield Same(
        part="ridgeless",
        measured=setup.predicted(trial, "ridgeless", spectrum=Spectrum.isotropic()),
        predicted=setup.predicted(trial, "ridgeless"),
        tolerance=compare.FORMULA,
        label="free of the spectrum, formula",
    )
    numbers = []
    for matrix in (setup.covariance(trial), trial.tensor(np.ones(trial.scenario.input_dim))):
        stream = trial.stream("white", 0)
        problem = setup.draw_problem(trial, matrix, replicates=FEW, stream=stream)
        batch = setup.draw_moments(trial, problem, 0, name="white batch")
        beta = directions.kfac_direction(batch, damping=0.0)
        numbers.append(as_numpy(compare.signed(trial, beta, problem, weighted=True)))
    # condition of X'X: that of Sigma times that of a white Wishart matrix, with room at finite d
    root = math.sqrt(setup.aspect(trial.scenario))
    condition = trial.scenario.covariance.condition_number() * ((1 + root) / (1 - root)) ** 2
    bound = linalg.machine_tolerance(
        trial.dtype, dim=trial.scenario.input_dim, condition=4.0 * condition
    )
    yield Same(
        part="ridgeless",
        measured=numbers[0],
        predicted=numbers[1],
        scale=1.0,
        tolerance=Tolerance(bound, Basis.ROUNDING, "four times the condition number of X'X"),
        label="free of the spectrum, runs",
    )


@prediction.extra("links", on=ANCHORS[:1])
def every_link(trial: Trial) -> Iterator[Comparison]:
    """The risk for every kind of link, by E g(z1) g(z2) on a grid: no chance and no batch.

    Beyond the degree of the series the risk is known within the stated bound only.
    """
    for name, g, link in gauss_means.every_link(trial.scenario.noise_std):
        square = gauss_means.mean_square(g) + trial.scenario.noise_std**2
        yield Same(
            part="links",
            measured=square,
            predicted=link.second_moment,
            tolerance=GRID,
            label=f"{name}, E y²",
        )
        yield Same(
            part="links",
            measured=gauss_means.residual(g) + trial.scenario.noise_std**2,
            predicted=link.residual_var,
            scale=square,
            tolerance=GRID,
            label=f"{name}, what no line explains",
        )
        risks = [square - gauss_means.product_mean(g, rho2) for rho2 in CORRELATIONS]
        stated = [mehler_risk(link, covariance_alignment=rho2)[0] for rho2 in CORRELATIONS]
        yield Same(
            part="links",
            measured=np.array(risks),
            predicted=np.array(stated),
            scale=square,
            tolerance=GRID,
            label=f"{name}, risk",
        )
        value, unsure = mehler_risk(link, covariance_alignment=HIGH)
        yield Below(
            part="links",
            measured=abs(square - gauss_means.product_mean(g, HIGH) - value),
            limit=unsure,
            tolerance=GRID.times(square, "times E y²"),
            label=f"{name}, bound near correlation 1",
        )
