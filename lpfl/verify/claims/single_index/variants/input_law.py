"""SI-25: rows with independent entries of three laws; dense, localised and mixed teachers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import integrate, stats
from torch import Tensor

from lpfl.linalg import standard_normal
from lpfl.problems import single_index as model
from lpfl.problems.links import LINKS
from lpfl.problems.single_index import directions
from lpfl.problems.single_index import moments as sampler
from lpfl.problems.single_index.inputs import LAWS, independent_sample
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import alignment as compare
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Axis, Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, truncation
from lpfl.verify.trial import Trial
from theory import Spectrum
from theory.core.resolvent import resolvent
from theory.single_index import alignment as alignment_of
from theory.single_index.teacher import energy_per_eigenspace
from theory.single_index.variants.input_law import Regression, regression

SMOOTH = ("tanh", "erf", "identity", "he12")  # the regression of a mixed teacher is exact for them
MIXED_TERM, MIXED_SPREAD = 3.0, 0.6  # over d, and over sqrt(d): seen up to 1 and 0.4
AXES: tuple[Axis, ...] = (
    Integers("input_dim", 40, 60, log=True),
    setup.COVARIANCE,
    Reals("aspect", 0.3, 1.5, log=True),
    Choice("link", ("tanh", "erf", "relu", "he12", "identity", "sign")),
    setup.NOISE_STD,
    Reals("damping", 0.1, 3.0, log=True, easy="high"),
    Choice("law", tuple(LAWS)),
    Reals("teacher_share", 0.3, 0.7),
)


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Say which law the entries have; the teacher is given where it is localised."""
    return {**setup.facts(scenario), "input_law": scenario["law"], "teacher_law": "given"}


def heavy(scenario: Scenario) -> bool:
    """Say whether squares of an exponential coordinate enter the labels: no limit in sight."""
    return bool(scenario["law"] == "exponential" and scenario["link"] == "he12")


ANCHORS = (
    setup.scenario(60, n=150, link="he12", damping=0.1, law="rademacher", teacher_share=0.6),
    setup.scenario(
        50,
        n=100,
        covariance=setup.two_atom(50, 0.8),
        link="tanh",
        damping=0.3,
        law="exponential",
        teacher_share=0.5,
    ),
)
# Skewed inputs and a quadratic link: the least-squares vector is 15 degrees away from the teacher.
SKEWED = setup.scenario(120, n=720, link="he12", damping=0.1, law="exponential", teacher_share=0.5)


FARTHEST = 60.0  # where an exponential tail is below rounding
INTEGRALS = truncation(1e-7, "nodes and adaptive quadrature agree to 1e-8 for smooth links")


@check(
    "SI-25",
    AXES,
    anchors=ANCHORS,
    decisions=8,
    facts=facts,
)
def input_law(trial: Trial) -> Iterator[Comparison]:
    """The same formulas, with the moments that the teacher sees."""
    yield from dense(trial)
    yield from coefficients(trial)
    diagonal = setup.covariance(trial).ndim == 1
    if diagonal and not heavy(trial.scenario):
        yield one_coordinate(trial)
    if trial.link in SMOOTH:
        yield from mixed(trial)


def coefficients(trial: Trial) -> Iterator[Same]:
    """Slope and residual of the link on one coordinate of every law, integrated over its density.

    Densities and quadrature are SciPy's, the link is that of the runs.
    """
    root = 3.0**0.5
    densities = {"uniform": stats.uniform(-root, 2.0 * root), "exponential": stats.expon(-1.0)}

    def values(z: float) -> float:
        return float(LINKS[trial.link](torch.tensor(z, dtype=torch.float64, device="cpu")))

    def mean(law: str, power: int, slope: int) -> float:
        if law == "rademacher":
            return sum(0.5 * values(z) ** power * z**slope for z in (-1.0, 1.0))
        density = densities[law]
        halves = [(density.ppf(0.0), 0.0), (0.0, min(density.ppf(1.0), FARTHEST))]
        return sum(
            integrate.quad(lambda z: values(z) ** power * z**slope * density.pdf(z), *half)[0]
            for half in halves
        )

    for law in (*densities, "rademacher"):
        fit = regression(trial.link, law, share=1.0, noise_std=trial.noise_std)
        slope = mean(law, 1, 1)
        yield Same(
            part="one_coordinate",
            measured=np.array([slope, mean(law, 2, 0) - slope**2 + trial.noise_std**2]),
            predicted=np.array([fit.coordinate, fit.residual_var]),
            tolerance=INTEGRALS,
            scale=1.0,
            label=f"c_1 and s_2 under the {law} law",
        )


def batch_of(trial: Trial, problem: model.SingleIndexProblem, *name: Any) -> sampler.Moments:
    """Draw the moments of a batch of the scenario's law, and admit it."""
    n = setup.batch_size(trial.scenario)
    stream = trial.stream(*name)
    rows = independent_sample(problem, n, law=trial.law, generator=stream)
    setup.admit(trial, problem, n, damping=float(trial.damping), input_law=trial.law)
    return sampler.moments(sampler.plain_rows(rows))


def seen_by(
    trial: Trial, name: str, teacher: Any, replicates: int
) -> dict[str, NDArray[np.float64]]:
    """Return squared cosines of SGD and KFAC (R,) for teachers ``teacher(problem, block)``."""
    damping = float(trial.damping)

    def measure(problem: model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        problem = teacher(problem, block)
        batch = batch_of(trial, problem, name, block)
        trial.memory.setdefault("batch", batch)
        beta = directions.kfac_direction(batch, damping=damping)
        return {
            "kfac": compare.signed(trial, beta, problem),
            "sgd": compare.signed(trial, directions.sgd_direction(batch), problem),
        }

    entries = setup.batch_size(trial.scenario) * int(trial.input_dim)
    return setup.replicated(trial, replicates, measure, name=f"{name} teacher", entries=entries)


def dense(trial: Trial) -> Iterator[Comparison]:
    """Isotropic teachers: the Gaussian formulas."""
    seen = seen_by(trial, "dense", lambda problem, block: problem, wide(trial))
    known = setup.limits(trial.scenario)
    limit = {
        "dense": setup.predicted(trial, "dense"),
        "dense_sgd": setup.predicted(trial, "dense_sgd"),
    }
    rivals = {
        "dense": {"SGD": limit["dense_sgd"]},
        "dense_sgd": {"KFAC": alignment_of("kfac", damping=float(trial.damping), **known)},
    }
    for part, way in (("dense", "kfac"), ("dense_sgd", "sgd")):
        allowed = margin(trial, limit[part])
        yield compare.near(
            trial, part, seen[way], limit[part], rivals=rivals[part], tolerance=allowed
        )
    yield compare.fixed_point(trial, "fixed_point", trial.memory["batch"], float(trial.damping))


def one_coordinate(trial: Trial) -> Comparison:
    """Teachers along the first coordinate: moments of the law of that coordinate."""
    s = setup.spectrum(trial.scenario)
    fit = regression(trial.link, trial.law, share=1.0, noise_std=trial.noise_std)

    def first(problem: model.SingleIndexProblem, block: int) -> model.SingleIndexProblem:
        e = torch.zeros_like(problem.teacher)
        e[:, 0] = 1.0
        return with_teacher(problem, e)

    seen = seen_by(trial, "coordinate", first, wide(trial))
    energy = energy_per_eigenspace(s, np.eye(1, s.eigenvalues.size)[0])
    limit = setup.predicted(trial, "one_coordinate", energy=energy, **labels(fit))
    gaussian = setup.predicted(trial, "one_coordinate", energy=energy)
    return compare.near(
        trial,
        "one_coordinate",
        seen["kfac"],
        limit,
        rivals={"the moments of Gaussian inputs": gaussian},
        tolerance=margin(trial, limit),
    )


@input_law.extra("skewed inputs", on=ANCHORS[:1])
def skewed(trial: Trial) -> Iterator[Comparison]:
    """The same where the least-squares vector is clearly another one than the teacher."""
    yield from mixed(replace(trial, scenario=SKEWED), label="skewed inputs")


def mixed(trial: Trial, label: str = "") -> Iterator[Comparison]:
    """White inputs, part of the teacher on one coordinate: the least-squares vector is learned."""
    share = float(trial.teacher_share)
    fit = regression(trial.link, trial.law, share=share, noise_std=trial.noise_std)

    def split(problem: model.SingleIndexProblem, block: int) -> model.SingleIndexProblem:
        white = replace(problem, covariance=torch.ones_like(problem.teacher[0]))
        size = problem.teacher.shape
        rest = standard_normal(*size, generator=trial.stream("rest", block), dtype=trial.dtype)
        rest[:, 0] = 0.0
        rest = (1.0 - share) ** 0.5 * rest / torch.linalg.vector_norm(rest, dim=-1, keepdim=True)
        rest[:, 0] = share**0.5
        return with_teacher(white, rest)

    one = Spectrum.isotropic()
    known = {**labels(fit), "target_cosine2": fit.cosine2, "spectrum": one}
    v = resolvent(one, aspect=setup.aspect(trial.scenario), damping=float(trial.damping)).v
    limit = setup.predicted(trial, "mixed", resolvent_v=float(v), **known)
    allowed = close(trial, limit)
    replicates = compare.replicates_for(trial, allowed.value, spread=MIXED_SPREAD)
    seen = seen_by(trial, "mixed", split, replicates)["kfac"]
    yield compare.near(
        trial,
        "mixed",
        seen,
        limit,
        rivals={
            "Gaussian inputs": alignment_of(
                "kfac",
                damping=float(trial.damping),
                **{**setup.limits(trial.scenario), "spectrum": one},
            ),
            "the least-squares vector": limit / fit.cosine2,
        },
        tolerance=allowed,
        label=label,
    )
    cap = setup.predicted(trial, "unreached", **known)
    yield compare.ordered(
        trial, "unreached", np.full_like(seen, cap), seen, cap - limit, label=label
    )


def wide(trial: Trial) -> int:
    """Return the replicates for the margin of a small squared cosine."""
    return compare.replicates_for(trial, margin(trial, 0.0).value, spread=compare.WIDE_SPREAD)


def close(trial: Trial, predicted: float) -> Tolerance:
    """Return the margin for white inputs, close enough to tell beta* from the regression."""
    term = finite_size(MIXED_TERM / trial.input_dim, "3/d: up to 1/d was seen at d = 60 and 200")
    return term + judgement(0.01 * predicted, "1 % of the limit, below the distance to the rival")


def with_teacher(problem: model.SingleIndexProblem, teacher: Tensor) -> model.SingleIndexProblem:
    """Return the problem with a given teacher, rescaled to beta' Sigma beta = 1."""
    scaled = model.normalised_teacher(teacher, problem.covariance)
    return replace(problem, teacher=scaled, teacher_law="given")


def labels(fit: Regression) -> dict[str, float]:
    """Return the moments that take the place of those of Gaussian inputs."""
    return {"c1": fit.slope, "residual_var": fit.residual_var}


def margin(trial: Trial, predicted: float) -> Tolerance:
    """Return the margin of a squared cosine: the finite-size term of wide scenarios everywhere."""
    share = judgement(compare.RELATIVE * abs(predicted), "3 % of the limit, as for Gaussian inputs")
    term = compare.WIDE_TERM / trial.input_dim
    return finite_size(term, "6/d, as in wide scenarios with Gaussian inputs") + share
