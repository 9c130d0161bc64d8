"""SI-04, SI-05: the best damping, and when KFAC without damping beats SGD."""

from typing import Any

import numpy as np
from torch import Tensor

from lpfl import decide
from lpfl.measure.alignment import alignment
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.claims.single_index.alignment import near
from lpfl.verify.claims.single_index.damping_theory import limit_findings
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import single_index as setup
from lpfl.verify.space import Reals, ScenarioSpace
from theory.single_index import alignment as predicted_alignment
from theory.single_index import kfac_beats_sgd, optimal_damping

AWAY = 8.0  # dampings this far on either side of the best one are compared with it
FORMULA_TOLERANCE = 1e-12
NEVER_SMALLER = 1e-4


def best_damping(scenario: Scenario) -> float:
    """Return the predicted best damping for the scenario."""
    known = setup.limits(scenario)
    del known["spectrum"]
    return max(optimal_damping(**known), NEVER_SMALLER)


def ordered(trial: Trial, better: Any, worse: Any, predicted: float) -> decide.Verdict:
    """Decide from paired runs that ``better`` >= ``worse``, whose limits differ by ``predicted``.

    Strictly where the limits differ by more than twice the finite-size term, else up to that term.
    """
    slack = setup.finite_size(trial.scenario)
    clear = abs(predicted) > 2.0 * slack
    verdict = decide.ordering(
        better - worse,
        slack=0.0 if clear else slack,
        alpha=trial.alpha,
        matters=setup.matters(predicted),
    )
    return verdict.with_detail(f"limits differ by {predicted:.4g}")


def replicates_for_order(trial: Trial) -> int:
    """Return replicates for paired differences, which spread less than squared cosines do."""
    widest = setup.MILD_SPREAD if setup.is_mild(trial.scenario) else setup.WIDE_SPREAD
    slack = setup.finite_size(trial.scenario)
    return setup.replicates_for(trial, slack, spread=0.6 * widest, share=0.6)


def measure_best_damping(trial: Trial) -> list[Finding]:
    """SI-04: runs at lam*, at lam*/8 and 8 lam*, at a drawn multiple of lam*, and of SGD."""
    scenario = trial.scenario
    best = best_damping(scenario)
    dampings = {
        "best": best,
        "smaller": best / AWAY,
        "larger": best * AWAY,
        "multiple": best * scenario.damping_factor,
    }
    known = setup.limits(scenario)
    limit = {name: predicted_alignment("kfac", damping=x, **known) for name, x in dampings.items()}
    limit["sgd"] = predicted_alignment("sgd", **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        found = {"sgd": directions.sgd_direction(batch)}
        for name, damping in dampings.items():
            found[name] = directions.kfac_direction(batch, damping=damping)
        return {name: alignment(beta, problem.teacher) for name, beta in found.items()}

    replicates = max(replicates_for_order(trial), setup.replicates_for_limits(trial, limit["best"]))
    values = setup.replicated(trial, replicates, measure)
    pairs = (
        ("beats lam*/8", "best", "smaller"),
        ("beats 8 lam*", "best", "larger"),
        ("lam >= lam* beats SGD", "multiple", "sgd"),
    )
    findings = [
        Finding(part, ordered(trial, values[better], values[worse], limit[better] - limit[worse]))
        for part, better, worse in pairs
    ]
    verdict = near(
        trial, values["best"], limit["best"], rival=limit["sgd"], said=f"lam* {best:.4g}"
    )
    Q = setup.draw_moments(trial, a_problem(trial), 0, name="one batch").second_moment[0]
    eigenvalues = np.linalg.eigvalsh(as_numpy(Q))
    return [
        Finding("value at lam*", verdict),
        *findings,
        *limit_findings(trial, best, np.clip(eigenvalues, 0.0, None)),
    ]


def a_problem(trial: Trial) -> model.SingleIndexProblem:
    """Return one replicate of the scenario's problem."""
    return model.draw_problem(
        setup.covariance(trial),
        replicates=1,
        generator=trial.stream("one problem"),
        link=trial.scenario.link,
        noise_std=trial.scenario.noise_std,
    )


def measure_advantage(trial: Trial) -> list[Finding]:
    """SI-05: KFAC without damping minus SGD on the same batches; the sign is the theory's."""
    scenario = trial.scenario
    known = setup.limits(scenario)
    compared = kfac_beats_sgd(**known)
    best = best_damping(scenario)
    best_limit = predicted_alignment("kfac", damping=best, **known)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block)
        found = {
            "sgd": directions.sgd_direction(batch),
            "kfac": directions.kfac_direction(batch, damping=0.0),
            "best": directions.kfac_direction(batch, damping=best),
        }
        return {name: alignment(beta, problem.teacher) for name, beta in found.items()}

    replicates = max(
        replicates_for_order(trial),
        setup.replicates_for_limits(trial, compared.sgd, compared.kfac),
    )
    values = setup.replicated(trial, replicates, measure)
    gap = compared.kfac - compared.sgd
    winner, loser = ("kfac", "sgd") if compared.kfac_wins else ("sgd", "kfac")
    inverse = 1.0 / compared.sgd - 1.0 / compared.kfac
    # the two sides are differences of numbers as large as these
    scale = 1.0 / compared.sgd + 1.0 / compared.kfac
    said = f"KFAC(0) {compared.kfac:.4g}, SGD {compared.sgd:.4g}, KFAC(lam*) {best_limit:.4g}"
    difference = decide.equivalence(
        values["kfac"] - values["sgd"],
        predicted=gap,
        tolerance=setup.tolerance(scenario, compared.kfac, damped=False),
        alpha=trial.alpha,
        matters=setup.matters(2.0 * gap),  # the rival statement: the other one wins
    )
    return [
        Finding(
            f"{winner.upper()} wins",
            ordered(trial, values[winner], values[loser], abs(gap)).with_detail(said),
            picture=advantage_picture(scenario, values),
        ),
        Finding("KFAC(0) - SGD", difference.with_detail(said)),
        Finding(
            "KFAC(lam*) beats SGD",
            ordered(trial, values["best"], values["sgd"], best_limit - compared.sgd),
        ),
        Finding(
            "identity",
            decide.identity(abs(inverse - compared.advantage) / scale, tolerance=FORMULA_TOLERANCE),
        ),
    ]


def advantage_picture(scenario: Scenario, values: dict[str, Any]) -> dict[str, Any]:
    """Return the three limits against the noise of the labels, and the runs of this scenario."""
    known = setup.limits(scenario)
    own = known["residual_var"] / known["c1"] ** 2
    ratios = np.linspace(0.0, max(1.5, 1.5 * own), 61)
    lines: dict[str, list[float]] = {"SGD": [], "KFAC(0)": [], "KFAC(lam*)": []}
    for ratio in ratios:
        point = {**known, "c1": 1.0, "residual_var": float(ratio)}
        best = max(known["aspect"] * float(ratio), NEVER_SMALLER)
        lines["SGD"].append(predicted_alignment("sgd", **point))
        lines["KFAC(0)"].append(predicted_alignment("kfac", damping=0.0, **point))
        lines["KFAC(lam*)"].append(predicted_alignment("kfac", damping=best, **point))
    series: list[dict[str, Any]] = [
        {"name": f"{name}, limit", "style": "line", "x": ratios.tolist(), "y": line}
        for name, line in lines.items()
    ]
    for label, key in (("SGD", "sgd"), ("KFAC(0)", "kfac"), ("KFAC(lam*)", "best")):
        mean = float(values[key].mean())
        half = 1.96 * float(values[key].std(ddof=1)) / float(np.sqrt(values[key].size))
        series.append(
            {
                "name": f"{label}, runs",
                "style": "points",
                "x": [own],
                "y": [mean],
                "low": [mean - half],
                "high": [mean + half],
            }
        )
    return {
        "title": "KFAC without damping does not always beat SGD",
        "x_label": "energy of the labels' nonlinear part and noise, s2 / c1^2",
        "y_label": "squared cosine with the teacher",
        "x_scale": "linear",
        "y_scale": "linear",
        "series": series,
        "note": f"d = {scenario.input_dim}, d/n = {known['aspect']:.3g}, eigenvalues from "
        f"{known['spectrum'].eigenvalues.min():.3g} to {known['spectrum'].eigenvalues.max():.3g}",
    }


COUNTER_EXAMPLE = setup.scenario(
    160, n=320, covariance=setup.two_atom(160, 0.9), link="he12", noise_std=0.5
)

BEST_DAMPING = Check(
    claim_id="SI-04",
    space=ScenarioSpace(
        axes=(*setup.AXES, Reals("damping_factor", 1.0, 8.0, log=True)),
        anchors=(
            setup.scenario(
                100,
                n=200,
                covariance=setup.two_atom(100, 0.9, "haar"),
                link="he12",
                noise_std=0.5,
                damping_factor=2.0,
            ),
            setup.scenario(120, n=240, link="relu", damping_factor=4.0),
        ),
    ),
    measure=measure_best_damping,
    decisions=4,
    facts=setup.facts,
)

ADVANTAGE = Check(
    claim_id="SI-05",
    space=ScenarioSpace(
        axes=(
            setup.INPUT_DIM,
            setup.COVARIANCE,
            Reals("aspect", 0.1, 0.6, log=True),
            setup.LINK,
            setup.NOISE_STD,
        ),
        anchors=(
            COUNTER_EXAMPLE,
            setup.scenario(100, n=400, covariance=setup.two_atom(100, 0.9, "haar")),
        ),
    ),
    measure=measure_advantage,
    decisions=3,
    facts=setup.facts,
)
