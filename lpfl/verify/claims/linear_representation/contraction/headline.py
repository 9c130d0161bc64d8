"""LR-10: one noisy KFAC step against the bounds with proved constants."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import decide, linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Exceeds
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Choice, Covariances, Reals
from lpfl.verify.trial import Trial, as_numpy, default_facts
from theory.core.formula import numeric
from theory.linear_representation import headline_admissible, headline_bound
from theory.linear_representation.contraction import headline

_ROWS = numeric(headline.ROWS_MIN)
_START = numeric(headline.POPULATION_START)
_HEAD_NOISE = numeric(headline.HEAD_NOISE.subs(headline.tau, headline.TAIL))

Array = NDArray[np.float64]


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """Derive rows, start and noise, each a stated multiple of what the claim admits."""
    values = default_facts(scenario)
    fail = scenario.failure_probability
    values["batch_size"] = math.ceil(
        scenario.rows_factor * float(_ROWS(input_dim=scenario.input_dim, failure_probability=fail))
    )
    values["cov_min"] = float(scenario.covariance.spectrum()[-1])
    values["head_min_singular"] = math.sqrt(setup.head_eigenvalues(scenario)[-1])
    start = float(_START(condition_number=values["condition_number"]))
    values["angle"] = math.atan(scenario.start_fraction * start)
    noise_of_one = _HEAD_NOISE(
        noise_std=1.0,
        batch_size=values["batch_size"],
        output_dim=scenario.output_dim,
        rank=scenario.rank,
        head_min_singular=values["head_min_singular"],
        cov_batch_min=float(headline.SHRINK) * values["cov_min"],
        failure_probability=fail,
    )
    values["noise_std"] = scenario.noise_fraction * float(
        float(headline.HEAD_NOISE_MAX) / noise_of_one
    )
    return values


def noise_alone(**sizes: int) -> Scenario:
    """Return a full step on white inputs with a flat head: the bound's noise term is all it is."""
    return Scenario(
        {
            **sizes,
            "covariance": CovarianceSpec(sizes["input_dim"]),
            "head_log10_cond": 0.0,
            "step_size": 1.0,
            "rows_factor": 1.0,
            "start_fraction": 0.01,
            "noise_fraction": 0.999,
            "failure_probability": 0.2,
            "input_law": "gaussian",
        }
    )


@check(
    "LR-10",
    (
        *setup.SIZES,
        Covariances(max_log10_cond=4.0),
        setup.HEAD_COND,
        setup.STEP_SIZE,
        Reals("rows_factor", 1.0, 1000.0, log=True),
        Reals("start_fraction", 0.01, 0.999, easy="high"),
        Reals("noise_fraction", 0.001, 0.999, log=True),
        Reals("failure_probability", 0.02, 0.2, log=True),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(
        *(
            setup.paper(
                covariance=setup.paper_covariance(),
                head_log10_cond=1.0,
                step_size=step_size,
                rows_factor=1.0,
                start_fraction=0.999,
                noise_fraction=0.5,
                failure_probability=0.1,
                input_law="gaussian",
            )
            for step_size in (0.01, 1.0)
        ),
        # The noise term is nearest to what it bounds for k near d/2.
        noise_alone(input_dim=100, rank=8, output_dim=15),
        noise_alone(input_dim=200, rank=100, output_dim=100),
    ),
    decisions=5,
    facts=facts,
)
def noisy_step(trial: Trial) -> Iterator[Comparison]:
    """Count replicates above the bound given the inputs, above the Gaussian one, and tails."""
    known, fail = facts(trial.scenario), trial.failure_probability
    problem = setup.draw_truth(trial, replicates=replicates(trial), noise_std=known["noise_std"])
    G = model.tilt(problem.representation_star, math.tan(known["angle"]), trial.stream("start"))
    batch = sample_moments(problem, int(known["batch_size"]), trial.stream("batch"))
    before = linalg.principal_tangents(G, problem.representation_star)[..., 0]
    smallest = torch.linalg.svdvals(problem.head_star)[..., -1]
    setup.admit(
        trial,
        problem,
        batch_size=int(known["batch_size"]),
        angle=math.atan(float(before.max())),
        cov_min=float(torch.linalg.eigvalsh(problem.cov_x)[..., 0].min()),
        head_min_singular=float(smallest.min()),
    )
    start = model.Weights(problem.head_star, G)
    after, _ = kfac.kfac(step_size=trial.step_size).step(start, {}, batch)
    tangents = as_numpy(
        linalg.principal_tangents(after.representation, problem.representation_star)[..., 0]
    )
    spectra = as_numpy(torch.linalg.eigvalsh(batch.cov_x))
    by_batch, by_law = bounds(trial, known, spectra)
    applies = admissible(trial, known, spectra, math.tan(known["angle"]))
    farthest = float(_START(condition_number=known["condition_number"]))
    admitted = admissible(trial, known, spectra, farthest)
    trial.memory["tangents"] = (tangents, by_batch, by_law)
    over = {
        "batch": (tangents[applies] > by_batch[applies], fail),
        "gaussian": (tangents > by_law, 3.0 * fail),
        "tail": (tails(trial, problem, batch), trial.number("tail")),
    }
    for part, (violated, delta) in over.items():
        yield Exceeds(
            part=part, violations=int(violated.sum()), trials=violated.size, delta=float(delta)
        )
    # Of the three events of the Gaussian form two bound the ends of the batch spectrum.
    yield Exceeds(
        part="gaussian",
        label="batches that do not admit the farthest start",
        violations=int((~admitted).sum()),
        trials=admitted.size,
        delta=2.0 * fail,
    )
    noisy_head = head_noise(trial, problem, batch) / as_numpy(smallest)
    yield Exceeds(
        part="tail",
        label="noise of the head",
        violations=int((noisy_head > head_limits(trial, known, spectra)).sum()),
        trials=noisy_head.size,
        delta=fail,
    )


def replicates(trial: Trial) -> int:
    """Return how many batches see three times the stated failures of every part."""
    pairs = trial.output_dim * trial.input_dim / 2  # of noise entries in one batch
    counts = []
    for delta, trials in ((trial.failure_probability, 1.0), (trial.number("tail"), pairs)):
        needed = decide.bound_whp(0, 1, delta=delta, alpha=trial.alpha).samples_needed
        assert needed is not None
        counts.append(math.ceil(1.1 * needed / trials))
    return trial.replicates(max(counts))


def head_noise(trial: Trial, problem: model.LinearRepresentation, batch: model.Batch) -> Array:
    """Return the largest singular value of F - F* for the least-squares head at the true G*."""
    head = model.least_squares_head(problem.representation_star, batch)
    return as_numpy(torch.linalg.matrix_norm(head - problem.head_star, ord=2))


def noise_facts(trial: Trial, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every function of the theory asks about the noise."""
    return {
        "noise_std": known["noise_std"],
        "rank": trial.rank,
        "head_min_singular": known["head_min_singular"],
        "failure_probability": trial.failure_probability,
    }


def admissible(
    trial: Trial, known: Mapping[str, Any], spectra: Array, tan_angle: float
) -> NDArray[np.bool_]:
    """Say of each batch whether it admits a start at this tangent."""
    noise = noise_facts(trial, known)
    return np.array(
        [
            headline_admissible(
                tan_angle,
                n=int(known["batch_size"]),
                output_dim=trial.output_dim,
                cov_batch_min=float(values[0]),
                condition_number_batch=float(values[-1] / values[0]),
                **noise,
            )
            for values in spectra
        ]
    )


def bounds(trial: Trial, known: Mapping[str, Any], spectra: Array) -> tuple[Array, float]:
    """Return the bound of each batch, and the bound for Gaussian inputs."""
    tan_angle = math.tan(known["angle"])
    step = {
        "step_size": trial.step_size,
        "n": int(known["batch_size"]),
        "input_dim": trial.input_dim,
        **noise_facts(trial, known),
    }
    by_batch = [
        headline_bound(tan_angle, cov_batch_min=float(values[0]), **step) for values in spectra
    ]
    by_law = headline_bound(tan_angle, cov_min=known["cov_min"], **step)
    return np.array(by_batch), by_law


def head_limits(trial: Trial, known: Mapping[str, Any], spectra: Array) -> Array:
    """Return the bound on the noise of the head in each batch, over its least singular value."""
    limits = _HEAD_NOISE(
        batch_size=int(known["batch_size"]),
        output_dim=trial.output_dim,
        cov_batch_min=spectra[:, 0],
        **noise_facts(trial, known),
    )
    return np.asarray(limits, dtype=float)


def tails(
    trial: Trial, problem: model.LinearRepresentation, batch: model.Batch
) -> NDArray[np.bool_]:
    """Say which pairs of whitened noise entries are longer than the width tau.

    Given the inputs N has row covariance sigma^2 I and column covariance Sh/n. The length of two
    standard normal numbers exceeds tau with probability exp(-tau^2/2), exactly.
    """
    noise = batch.cross - problem.product_star @ batch.cov_x
    scale = math.sqrt(trial.facts["batch_size"]) / problem.noise_std
    root = torch.linalg.cholesky(batch.cov_x)
    white = torch.linalg.solve_triangular(root, noise.mT * scale, upper=False).flatten()
    pairs = as_numpy(white[: 2 * (white.numel() // 2)]).reshape(-1, 2)
    mass = trial.claim["tail"].left(failure_probability=trial.failure_probability)
    return np.asarray(np.square(pairs).sum(-1) > -2.0 * math.log(mass))


@noisy_step.picture(on=noisy_step.space.anchors)
def distribution(trial: Trial) -> Mapping[str, Any]:
    """Draw how tan theta+ is distributed, and both bounds."""
    tangents, by_batch, by_law = trial.memory["tangents"]
    shares = (np.arange(tangents.size) + 1.0) / tangents.size
    median = float(np.median(by_batch))
    return {
        "title": "The largest tangent after one noisy step, and its bounds",
        "x_label": "tan after the step",
        "y_label": "share of batches at or below",
        "x_scale": "linear",
        "y_scale": "linear",
        "series": [
            {"name": "runs", "style": "points", "x": np.sort(tangents).tolist(),
             "y": shares.tolist()},
            {"name": "bound given the inputs", "style": "line", "x": [median, median],
             "y": [0.0, 1.0]},
            {"name": "bound for Gaussian inputs", "style": "line", "x": [by_law, by_law],
             "y": [0.0, 1.0]},
        ],
        "note": f"step size {trial.step_size}; the bound given the inputs is the median over "
        "batches",
    }  # fmt: skip
