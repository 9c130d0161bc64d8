"""LR-15: local contraction of AMGD and KFAC, from the numerically differentiated update map."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lpfl import linalg
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import amgd, kfac
from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Below, ChiSquare, Comparison, Same, Scale
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import variant_functions as functions
from lpfl.verify.setups.linear.jacobian import (
    Array,
    difference_tolerance,
    difference_width,
    schur_complement,
    schur_spectrum,
    tangent_jacobian,
)
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import local_rate

BESIDE_THE_BEST = (0.9, 1.1)  # shares of the best step size that do worse
DISTANCE_TO_RIVAL = 0.8  # share of the distance from n - k to n that must be seen
PAPER = Scenario(
    {
        "input_dim": 16,
        "rank": 4,
        "output_dim": 8,
        "covariance": CovarianceSpec(16, "geometric", 2.0, "haar", 0),
        "head_log10_cond": 1.0,
        "scaled_step": 1.0,
        "step_size": 0.3,
        "batch_size": 24,
        "input_law": "gaussian",
    }
)


def tolerance_of(trial: Trial, problem: model.LinearRepresentation) -> Tolerance:
    """Return the error of a local multiplier; Sigma enters through its root."""
    root = condition_of(problem.cov_x) ** -0.5
    return difference_tolerance(trial, trial.input_dim, problem.cov_x).times(root, "root of Sigma")


def spectrum(method: Method, problem: model.LinearRepresentation) -> Array:
    """Return the eigenvalues of T -> T+ at T = 0, as pairs (real, imaginary), real ascending."""
    batch = model.population_batch(problem)
    values = np.linalg.eigvals(tangent_jacobian(method, problem, batch))
    values = values[np.argsort(values.real)]
    return np.stack([values.real, values.imag], axis=-1)


def radius(eigenvalues: Array) -> float:
    """Return the largest modulus."""
    return float(np.hypot(*eigenvalues.T).max())


@check(
    "LR-15",
    (
        Integers("input_dim", 3, 16, log=True),
        Integers("rank", 1, lambda v: min(4, v["input_dim"] - 1)),
        setup.OUTPUT_DIM,
        Covariances(max_log10_cond=3.0),
        setup.HEAD_COND,
        Reals("scaled_step", 0.1, 1.9),
        setup.STEP_SIZE,
        Integers("batch_size", lambda v: 2 * v["rank"] + 2, lambda v: 6 * v["rank"] + 6),
        Choice("input_law", ("gaussian",)),
    ),
    anchors=(PAPER,),
    decisions=1,
)
def local_rates(trial: Trial) -> Iterator[Comparison]:
    """Eigenvalues of the update map, the best step, and the mean multiplier on batches."""
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem, batch_size=trial.batch_size, input_law=problem.input_law)
    heads, schurs = setup.head_eigenvalues(trial.scenario), schur_spectrum(problem)
    largest, smallest = heads[0] * schurs[-1], heads[-1] * schurs[0]
    tolerance = tolerance_of(trial, problem)
    eta, best = trial.scaled_step / largest, 2.0 / (largest + smallest)
    steps = {"": eta, "at the best step": best}
    for label, step_size in steps.items():
        seen = spectrum(amgd.amgd(step_size=step_size), problem)
        multipliers = trial.number(
            "entry",
            step_size=step_size,
            head_eigenvalue=heads[:, None],
            schur_eigenvalue=schurs,
        )
        yield same(trial, "entry", seen, np.ravel(multipliers), tolerance, label)
        yield Same(
            part="entry",
            label=f"largest modulus {label}".strip(),
            measured=radius(seen),
            predicted=local_rate(
                "amgd", step_size=step_size, head_eigenvalues=heads, schur_eigenvalues=schurs
            ),
            scale=1.0,
            tolerance=tolerance,
        )
    yield from best_step(trial, problem, best, seen, tolerance)
    kfac_seen = spectrum(kfac.kfac(step_size=trial.step_size), problem)
    wanted = np.full(len(kfac_seen), trial.number("kfac"))
    yield same(trial, "kfac", kfac_seen, wanted, tolerance)
    yield batch_multiplier(trial, problem, eta)
    yield functions.on_batches(trial, eta, heads, schurs)


def same(
    trial: Trial, part: str, seen: Array, predicted: Array, tolerance: Tolerance, label: str = ""
) -> Same:
    """Compare sorted eigenvalues with sorted real predictions, absolutely."""
    wanted = np.stack([np.sort(predicted), np.zeros_like(predicted)], axis=-1)
    return Same(
        part=part, label=label, measured=seen, predicted=wanted, axes=1, scale=1.0,
        tolerance=tolerance,
    )  # fmt: skip


def best_step(
    trial: Trial,
    problem: model.LinearRepresentation,
    best: float,
    seen: Array,
    tolerance: Tolerance,
) -> Iterator[Comparison]:
    """Compare the rate at the best step with the statement, and with that of steps beside it."""
    heads, schurs = setup.head_eigenvalues(trial.scenario), schur_spectrum(problem)
    yield Same(
        part="best",
        measured=radius(seen),
        predicted=trial.number(
            "best",
            head_condition_number=heads[0] / heads[-1],
            schur_condition_number=schurs[-1] / schurs[0],
        ),
        scale=1.0,
        tolerance=tolerance,
    )
    beside = [
        radius(spectrum(amgd.amgd(step_size=share * best), problem)) for share in BESIDE_THE_BEST
    ]
    yield Below(
        part="best",
        label="no better step beside it",
        measured=radius(seen),
        limit=np.array(beside),
        tolerance=tolerance,
    )


def batch_multiplier(trial: Trial, problem: model.LinearRepresentation, eta: float) -> ChiSquare:
    """Noiseless Gaussian batches: along an eigen-direction of H and Sigma_s, exactly chi-square.

    There <V, T+ - T> / <V, T> = -eta lambda mu c / n to first order in T, c chi-square with n - k
    degrees of freedom (a Wishart Schur complement), hence the mean (n - k)/n.
    """
    n, k = trial.batch_size, trial.rank
    scale = Scale(
        1.0 + DISTANCE_TO_RIVAL * k / (n - k), "the mean without the correction has n for n - k"
    )
    replicates = trial.replicates(scale.replicates(trial.alpha, n - k))
    _, head_vectors = torch.linalg.eigh((problem.head_star.mT @ problem.head_star)[0])
    schur_values, schur_vectors = torch.linalg.eigh(trial.tensor(schur_complement(problem)))
    direction = head_vectors[:, -1:] @ schur_vectors[:, -1:].mT
    wide = setup.repeated(problem, replicates)
    tiny = difference_width(trial.dtype)
    G = linalg.orthonormal_rows(problem.representation_star + tiny * direction @ problem.complement)
    batch = model.sample(wide, n, trial.stream("multiplier"))
    after = amgd.amgd_step(G.expand(replicates, -1, -1), batch, step_size=eta)
    T_next = linalg.tangent_matrix(
        after.representation, wide.representation_star, problem.complement
    )
    multiplier = as_numpy((T_next * direction).sum((-2, -1)) / tiny)
    mean = trial.number(
        "batch",
        step_size=eta,
        head_eigenvalue=setup.head_eigenvalues(trial.scenario)[0],
        schur_eigenvalue=float(schur_values[-1]),
    )
    return ChiSquare(
        part="batch",
        totals=(n - k) * (1.0 - multiplier) / (1.0 - mean),
        dof=n - k,
        scale=scale,
        origin=1.0,
        unit=mean - 1.0,
    )


@local_rates.picture(on=[PAPER])
def rate_against_condition(trial: Trial) -> dict[str, Any]:
    """Local rate of AMGD at its best step, and of KFAC, over condition numbers of Sigma."""
    spreads = np.linspace(0.0, 3.0, 7)
    conditions, stated, seen, whitened = [], [], [], []
    heads = setup.head_eigenvalues(trial.scenario)
    for spread in spreads:
        covariance = CovarianceSpec(trial.input_dim, "geometric", float(spread), "haar", 0)
        scenario = Scenario({**trial.scenario, "covariance": covariance})
        problem = setup.draw_truth(replace(trial, scenario=scenario), replicates=1)
        schurs = schur_spectrum(problem)
        ends = heads[0] * schurs[-1], heads[-1] * schurs[0]
        conditions.append(float(ends[0] / ends[1]))
        stated.append(
            trial.number(
                "best",
                head_condition_number=heads[0] / heads[-1],
                schur_condition_number=schurs[-1] / schurs[0],
            )
        )
        seen.append(radius(spectrum(amgd.amgd(step_size=2.0 / sum(ends)), problem)))
        whitened.append(radius(spectrum(kfac.kfac(step_size=trial.step_size), problem)))
    kfac_stated = [float(trial.number("kfac"))] * len(spreads)
    series = [
        ("AMGD at its best step, predicted", "line", stated),
        ("AMGD, measured", "points", seen),
        (f"KFAC at step {trial.step_size:g}, predicted", "line", kfac_stated),
        ("KFAC, measured", "points", whitened),
    ]
    return {
        "title": "AMGD pays the product of both condition numbers, KFAC neither",
        "x_label": "product of the condition numbers of H and of the Schur complement",
        "y_label": "largest multiplier per step",
        "x_scale": "log",
        "y_scale": "linear",
        "series": [
            {"name": name, "style": style, "x": conditions, "y": values}
            for name, style, values in series
        ],
        "note": f"d = {trial.input_dim}, k = {trial.rank}; eigenvalues of the differentiated map",
    }
