"""Setting of LR-22 to LR-24: head kept at F*, population covariance, Gaussian gradient noise.

Rates are linear responses: two runs with the same memory and the same noise, a tiny distance
apart, so that the additive noise cancels and only the preconditioner's own fluctuations remain.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide
from lpfl.optim.method import Memory, Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Finding, Trial, as_numpy, default_facts
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Integers, Reals

BATCH_SIZE = Integers("batch_size", 32, 4096, log=True)
FASTEST_RATE = Reals("fastest_rate", 0.005, 0.02)
HEAD_COND = Reals("head_log10_cond", 0.5, 1.0)
INPUT_LAW = Choice("input_law", ("gaussian",))
SMALL_AGAINST_NOISE = 1e-3  # second order drops out of a central difference: errors of 1e-6
PROMISED = {
    "trained": "representation",
    "gradient": "mostly noise",
    "gradient_noise": "additive Gaussian",
}
NEAREST_RIVAL = 0.5  # of the rate: the other methods' rates differ by the noise level itself

Run = tuple[model.Weights, Memory]


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """The step size is chosen by the rate of the fastest mode, and positive with it."""
    return {**default_facts(scenario), **PROMISED, "step_size": scenario.fastest_rate}


def noisy_batch(
    problem: model.LinearRepresentation, scenario: Scenario, stream: torch.Generator
) -> model.Batch:
    """Return Sigma, and F* G* Sigma plus a noise matrix with the law of E'X/n at large n."""
    R, m, _ = problem.head_star.shape
    d = problem.cov_x.shape[-1]
    dtype = problem.head_star.dtype
    white = torch.randn(R, m, d, generator=stream, device=stream.device, dtype=dtype)
    noise = scenario.noise_std / math.sqrt(scenario.batch_size) * (white @ problem.root)
    cov_x = problem.cov_x.expand(R, d, d)
    return model.Batch(cov_x, problem.product_star @ cov_x + noise)


def diagonal_truth(trial: Trial, *, replicates: int) -> model.LinearRepresentation:
    """Return the problem with diagonal H and Sigma, G* = [I_k 0]."""
    scenario = trial.scenario
    k, m, d = scenario.rank, scenario.output_dim, scenario.input_dim
    roots = trial.tensor(np.sqrt(setup.head_eigenvalues(scenario)))
    eye = torch.eye(max(m, d), dtype=trial.dtype, device=trial.device)
    spectrum = trial.tensor(scenario.covariance.spectrum())
    return model.LinearRepresentation(
        head_star=(eye[:m, :k] * roots).expand(replicates, m, k),
        representation_star=eye[:k, :d].expand(replicates, k, d),
        cov_x=torch.diag(spectrum),
        root=torch.diag(spectrum.sqrt()),
        noise_std=scenario.noise_std,
    )


def run_to_stationarity(
    method: Method,
    problem: model.LinearRepresentation,
    next_batch: Callable[[], model.Batch],
    *,
    num_steps: int,
    look: Callable[[model.Weights], Tensor] | None = None,
    look_from: int = 0,
) -> tuple[Run, Tensor | None]:
    """Run from the solution; return weights with memory, and the mean of ``look`` from a time on.

    ``lpfl.simulate`` hides the memory, which a response needs.
    """
    weights = model.Weights(problem.head_star, problem.representation_star)
    memory = method.init(weights)
    total: Tensor | None = None
    for t in range(num_steps):
        weights, memory = method.step(weights, memory, next_batch())
        if look is not None and t >= look_from:
            total = look(weights) if total is None else total + look(weights)
    return (weights, memory), None if total is None else total / (num_steps - look_from)


def lost_per_step(method: Method, run: Run, direction: Tensor, batch: model.Batch) -> Tensor:
    """Return ``direction`` minus its image by the update of G, to first order (R, k, d).

    The size of ``direction`` is that of the central difference.
    """
    (F, G), memory = run
    after = [
        method.step(model.Weights(F, G + sign * direction), memory, batch)[0].representation
        for sign in (1.0, -1.0)
    ]
    return direction - (after[0] - after[1]) / 2.0


def small_step(scenario: Scenario) -> float:
    """Return a distance whose gradient is far below the gradient noise in every direction."""
    fastest = setup.head_eigenvalues(scenario)[0] * scenario.covariance.spectrum()[0]
    noise = scenario.noise_std / math.sqrt(scenario.batch_size * fastest)
    return SMALL_AGAINST_NOISE * noise


def response_rounding(trial: Trial, slowest_rate: float) -> float:
    """Return the relative error that rounding leaves in the response of the slowest mode.

    Weights of size 1 are rounded a few times; what a mode loses is step times rate.
    """
    eps = torch.finfo(trial.dtype).eps
    return float(4.0 * eps / (small_step(trial.scenario) * slowest_rate))


def random_signs(trial: Trial, shape: tuple[int, ...]) -> Tensor:
    """Return independent signs: what leaks from one mode into another averages out."""
    stream = trial.stream("signs")
    uniform = torch.rand(shape, generator=stream, device=stream.device, dtype=trial.dtype)
    return uniform.sub(0.5).sign()


def level_finding(trial: Trial, name: str, ratio: Tensor, *, tolerance: float) -> Finding:
    """Decide that measured / predicted (R, ...) is 1 on average."""
    means = as_numpy(ratio).reshape(ratio.shape[0], -1).mean(axis=1)
    verdict = decide.equivalence(
        means, predicted=1.0, tolerance=tolerance, alpha=trial.alpha, matters=NEAREST_RIVAL
    )
    return Finding(name, verdict)


def ratio_findings(
    trial: Trial,
    name: str,
    measured: Tensor,
    predicted: NDArray[np.float64],
    *,
    tolerance: float,
    nearest_exponent: float,
) -> list[Finding]:
    """Decide measured / predicted = 1 on average over modes, and no trend along the modes.

    measured (R, k, d); predicted (k, d). The trend is the slope of the ratio against
    log(predicted), the excess of the exponent to first order; a mode's ratio may be off by
    ``tolerance`` either way, a slope by what that makes of it if signs conspire.
    nearest_exponent: the excess that would make it the law of another method.
    """
    ratio = measured / trial.tensor(predicted)
    level = np.log(predicted) - np.log(predicted).mean()
    slope = ((as_numpy(ratio) - 1.0) * level / np.mean(level**2)).mean(axis=(1, 2))
    verdict = decide.equivalence(
        slope,
        predicted=0.0,
        tolerance=tolerance * float(np.abs(level).mean() / np.mean(level**2)),
        alpha=trial.alpha,
        matters=nearest_exponent,
    )
    return [
        level_finding(trial, name, ratio, tolerance=tolerance),
        Finding(f"{name}: excess of the exponent", verdict),
    ]
