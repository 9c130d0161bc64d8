"""Scenarios of linear representation learning: axes, the paper's sizes, the drawn truth."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg import complement_rows
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Trial
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import Axis, Choice, Covariances, Integers, Reals
from theory.core import exact

INPUT_DIM = Integers("input_dim", 3, 24, log=True)
RANK = Integers("rank", 1, lambda v: min(6, v["input_dim"] - 1))
OUTPUT_DIM = Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 6)
# With +-1 inputs X'X is singular with probability about d^2 / 2^n: 56 rows make it 1e-14.
BATCH_SIZE = Integers(
    "batch_size",
    lambda v: max(3 * v["input_dim"], 56),
    lambda v: max(12 * v["input_dim"], 72),
    log=True,
)
COVARIANCE = Covariances()
HEAD_COND = Reals("head_log10_cond", 0.0, 2.0)
STEP_SIZE = Reals("step_size", 0.01, 1.0, easy="high")
NOISE_STD = Reals("noise_std", 0.01, 1.0, log=True)
INPUT_LAW = Choice("input_law", model.INPUT_LAWS)
SIZES: tuple[Axis, ...] = (INPUT_DIM, RANK, OUTPUT_DIM)
NOISY_BATCH: tuple[Axis, ...] = (
    *SIZES,
    BATCH_SIZE,
    COVARIANCE,
    HEAD_COND,
    STEP_SIZE,
    INPUT_LAW,
    NOISE_STD,
)


def paper(**fields: Any) -> Scenario:
    """Return a scenario at the paper's sizes (d = 100, m = 15, k = 8) with the given fields."""
    values: dict[str, Any] = {"input_dim": 100, "rank": 8, "output_dim": 15}
    return Scenario({**values, **fields})


def paper_batches(**fields: Any) -> tuple[Scenario, ...]:
    """Return the paper's sizes and batch (n = 1024) once for every input law."""
    covariance = paper_covariance()
    return tuple(
        paper(batch_size=1024, covariance=covariance, head_log10_cond=1.0, input_law=law, **fields)
        for law in model.INPUT_LAWS
    )


def paper_covariance(log10_cond: float = 2.0) -> CovarianceSpec:
    """Return our stand-in for the paper's covariance, which is not known to us."""
    return CovarianceSpec(100, "geometric", log10_cond, "haar", 0)


def head_eigenvalues(scenario: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the eigenvalues of F*'F*, descending from 1, geometric (k,)."""
    k = scenario["rank"]
    return np.logspace(0.0, -scenario["head_log10_cond"], k) if k > 1 else np.ones(1)


def draw_truth(
    trial: Trial, *, replicates: int, noise_std: float = 0.0
) -> model.LinearRepresentation:
    """Draw F*, G* per replicate for the scenario's spectrum and covariance (identity if none)."""
    scenario = trial.scenario
    d = scenario.input_dim
    covariance = scenario.get("covariance", CovarianceSpec(d))
    spectrum = trial.tensor(head_eigenvalues(scenario))
    return model.LinearRepresentation(
        head_star=model.draw_head(replicates, spectrum, scenario.output_dim, trial.stream("head")),
        representation_star=model.draw_representation(
            replicates, scenario.rank, d, trial.stream("representation"), trial.dtype
        ),
        cov_x=covariance.matrix(device=trial.device, dtype=trial.dtype),
        root=covariance.root(device=trial.device, dtype=trial.dtype),
        noise_std=noise_std,
        input_law=scenario.get("input_law", "gaussian"),
    )


def repeated(problem: model.LinearRepresentation, count: int) -> model.LinearRepresentation:
    """Return the single problem once per replicate."""
    return replace(
        problem,
        head_star=problem.head_star.expand(count, -1, -1),
        representation_star=problem.representation_star.expand(count, -1, -1),
    )


def draw_batch(
    trial: Trial, problem: model.LinearRepresentation, *, name: str = "batch"
) -> model.Batch:
    """Draw a batch of the scenario's size and admit the run with the facts of what was drawn."""
    batch = model.sample(problem, trial.batch_size, trial.stream(name))
    assert batch.inputs is not None
    admit(trial, problem, batch_size=batch.inputs.shape[-2], input_law=problem.input_law)
    return batch


def admit(trial: Trial, problem: model.LinearRepresentation, **facts: Any) -> None:
    """Test the domain on what the problem is: sizes, noise, conditioning, and further facts."""
    spread = torch.linalg.eigvalsh(problem.cov_x)
    m, k = problem.head_star.shape[-2:]
    known = {
        "input_dim": problem.cov_x.shape[-1],
        "output_dim": m,
        "rank": k,
        "noise_std": problem.noise_std,
        "condition_number": max(float((spread[..., -1] / spread[..., 0]).max()), 1.0),
    }
    trial.admit(**{**known, **facts})


def draw_head(trial: Trial, *, replicates: int, name: str = "other head") -> Tensor:
    """Draw a head unrelated to F*, condition number of F'F 4, (R, m, k)."""
    spectrum = trial.tensor(np.logspace(0.0, -0.6, trial.scenario.rank))
    return model.draw_head(replicates, spectrum, trial.scenario.output_dim, trial.stream(name))


def frame_covariance(problem: model.LinearRepresentation, replicate: int = 0) -> Tensor:
    """Return Sigma in coordinates where G* = [I_k 0], (d, d)."""
    G_star = problem.representation_star[replicate]
    frame = torch.cat([G_star, complement_rows(G_star)], dim=0)
    cov_x = problem.cov_x if problem.cov_x.dim() == 2 else problem.cov_x[replicate]
    turned = frame @ cov_x @ frame.mT
    return (turned + turned.mT) / 2


def evaluate_definition(trial: Trial, name: str, values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Evaluate in float64 the claim's definition of the symbol called ``name``."""
    scenario = trial.scenario
    sizes = {"d": scenario.input_dim, "m": scenario.output_dim, "k": scenario.rank}
    sizes["n"] = scenario.get("batch_size", 1)
    for symbol in trial.claim.definitions:
        if str(symbol.name) == name:
            return exact.evaluate_float(
                symbol, values, sizes=sizes, definitions=trial.claim.definitions
            )
    raise KeyError(f"{trial.claim.id} defines no {name}")
