"""How often the factor of one batch, never renewed, makes tangents grow (LR-31)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim.kfac import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.expect import UniformLaw
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.tolerance import judgement
from lpfl.verify.trial import Trial, as_numpy

PARTS = {1: "growing_one", 2: "growing_two"}  # by the dimensions of the complement
FREEDOM = 10  # rows beyond the rank: few, so that one more or less shows
FACTORS = 9000
WORTH = judgement(0.055, "a degree of freedom more or less moves the law by 0.09 or more")


def growing(trial: Trial) -> Iterator[UniformLaw]:
    """The step size beyond which the factor of one batch makes T grow, for many batches.

    The share that grows is the distribution function of that step size.
    """
    for complement, part in PARTS.items():
        limits = largest_stable(small(trial, complement), complement)
        shares = trial.number(part, batch_size=trial.rank + FREEDOM, step_size=limits)
        yield UniformLaw(part=part, transforms=shares, distance=WORTH)


def small(trial: Trial, complement: int) -> Trial:
    """Return the trial with few inputs and few rows."""
    dim = int(trial.rank) + complement
    sizes = {"input_dim": dim, "batch_size": int(trial.rank) + FREEDOM}
    covariance = CovarianceSpec(dim, "geometric", 0.5, "haar", 0)
    scenario = Scenario({**trial.scenario, **sizes, "covariance": covariance})
    return replace(trial, scenario=scenario, memory={})


def largest_stable(trial: Trial, complement: int) -> np.ndarray:
    """Return where the least multiplier of a step on the population, 1 - eta w, reaches -1."""
    problem = factors.one_truth(trial, FACTORS)
    frame, eta = factors.Frame.of(problem), trial.step_size
    method = kfac(step_size=eta, factor_every=2)
    at_rest = model.Weights(problem.head_star, problem.representation_star)
    batch = sample_moments(problem, trial.batch_size, trial.stream("factors"))
    _, memory = method.step(at_rest, method.init(at_rest), batch)
    rows = []
    for direction in range(complement):
        start = torch.zeros_like(problem.representation_star[:, :, :complement])
        start[:, 0, direction] = 1.0
        weights = factors.at_truth(problem, frame.tangents(start))
        after, _ = method.step(weights, memory, model.population_batch(problem))
        rows.append((factors.tangents_of(problem, after) @ frame.complement_root)[:, 0])
    moved = torch.stack(rows, dim=-2)
    least = as_numpy(torch.linalg.eigvalsh((moved + moved.mT) / 2)[:, 0])
    return np.asarray(2.0 * eta / (1.0 - least))
