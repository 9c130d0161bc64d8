"""What the errors of the ridge fit are built from: slopes in the penalty, harmonics of labels."""

from collections.abc import Iterator

from torch import Tensor

from lpfl.measure.alignment import signed_alignment
from lpfl.problems import single_index as model
from lpfl.problems.links import link_function
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import gauss_means
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.tolerance import finite_size, truncation
from lpfl.verify.trial import Trial
from theory.single_index import alignment as alignment_of
from theory.single_index.ridge import Risk, harmonic_overlaps

NEARBY = 1e-3  # relative distance of the two penalties between which a slope is taken
DIFFERENCE = truncation(1e-4, "the square of the distance 1e-3, with room for the third derivative")
DEGREES, LEAST = 4, 0.02  # harmonics above this share of the linear one are compared
REPLICATES = 512


def slopes(at: Risk, low: Risk, high: Risk) -> Iterator[Comparison]:
    """Both slopes at a penalty, by the difference between two penalties near to it."""
    apart = high.effective_ridge - low.effective_ridge
    for name, slope in (
        ("effective_error", "effective_error_slope"),
        ("freedom_ratio", "freedom_slope"),
    ):
        yield Same(
            part="slopes",
            measured=(high.letters[name] - low.letters[name]) / apart,
            predicted=at.letters[slope],
            tolerance=DIFFERENCE,
            label=slope.replace("_", " "),
        )


def harmonics(trial: Trial) -> Iterator[Comparison]:
    """E[y h_k(beta.x)] of runs, by a grid at the correlation of each run, against a_k rho_S^k."""
    scenario = trial.scenario
    first, link = layers.predicted_direction(scenario), setup.statistics(scenario)
    rho2 = alignment_of(
        scenario["method"],
        weight="covariance",
        damping=layers.method_damping(scenario),
        **setup.limits(scenario),
    )

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = setup.draw_moments(trial, problem, block, name="direction")
        beta = layers.direction_of(scenario, batch)
        found = signed_alignment(beta, problem.teacher, weight=problem.covariance)
        return {"correlation": found.sign() * found.abs().sqrt()}

    seen = setup.replicated(trial, REPLICATES, measure, name="direction teacher")["correlation"]
    stated = harmonic_overlaps(first, link, harmonics=DEGREES)
    room = compare.margin(scenario, rho2).value / rho2 / 2.0
    g = link_function(scenario["link"])
    for k in range(1, DEGREES + 1):
        if abs(link.coefficients[k]) < LEAST * abs(link.c1):
            continue
        limit = float(stated[k - 1])
        yield compare.near(
            trial,
            "harmonics",
            gauss_means.at_correlations(g, k, seen),
            limit,
            rivals={"the correlation itself": limit * rho2 ** (0.5 * (1 - k)), "none": 0.0},
            tolerance=finite_size(k * room * abs(limit), "k times the relative margin of ρ_S"),
            label=f"degree {k}",
        )
