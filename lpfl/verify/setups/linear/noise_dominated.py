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

from lpfl.optim.core.method import Memory, Method
from lpfl.problems import linear_representation as model
from lpfl.verify.expect import Near, Rival, as_array
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding
from lpfl.verify.trial import Trial, default_facts

BATCH_SIZE = Integers("batch_size", 32, 4096, log=True)
FASTEST_RATE = Reals("fastest_rate", 0.005, 0.02)
HEAD_COND = Reals("head_log10_cond", 0.5, 1.0)
INPUT_LAW = Choice("input_law", ("gaussian",))
SMALL_AGAINST_NOISE = 1e-3  # second order drops out of a central difference: errors of 1e-6
ROOM = judgement(0.02, "room for the interval of the mean: the rivals are ten times as far away")
BURNT = judgement(0.03, "share of the start left in a mean square when averaging begins")

Run = tuple[model.Weights, Memory]
Array = NDArray[np.float64]


def facts(scenario: Scenario, *, step_size: float) -> Mapping[str, Any]:
    """Return what a scenario promises before it runs; the run admits what it built."""
    return {
        **default_facts(scenario),
        "step_size": step_size,
        "multiplier": 1.0 - scenario.fastest_rate,
        "trained": "representation",
        "gradient_noise": "additive Gaussian",
    }


def admit(
    trial: Trial, problem: model.LinearRepresentation, method: Method, *, fastest_rate: float
) -> None:
    """Test the domain on the problem, the method, and the fastest rate of the two together."""
    frozen = method.hyperparameters["head"] == "frozen"
    setup.admit(
        trial,
        problem,
        batch_size=trial.batch_size,
        input_law=problem.input_law,
        step_size=method.hyperparameters["step_size"],
        multiplier=1.0 - fastest_rate,
        trained="representation" if frozen else "both layers",
        gradient_noise="additive Gaussian",
    )


def noisy_batch(
    problem: model.LinearRepresentation, batch_size: int, stream: torch.Generator
) -> model.Batch:
    """Return Sigma, and F* G* Sigma plus a noise matrix with the law of E'X/n at large n."""
    R, m, _ = problem.head_star.shape
    d = problem.cov_x.shape[-1]
    dtype = problem.head_star.dtype
    white = torch.randn(R, m, d, generator=stream, device=stream.device, dtype=dtype)
    noise = problem.noise_std / math.sqrt(batch_size) * (white @ problem.root)
    cov_x = problem.cov_x.expand(R, d, d)
    return model.Batch(cov_x, problem.product_star @ cov_x + noise)


def diagonal_truth(
    trial: Trial, heads: Array, inputs: Array, *, replicates: int
) -> model.LinearRepresentation:
    """Return the problem with diagonal H (k,) and Sigma (d,), G* = [I_k 0]."""
    k, m, d = heads.size, trial.output_dim, inputs.size
    eye = torch.eye(max(m, d), dtype=trial.dtype, device=trial.device)
    spectrum = trial.tensor(inputs)
    return model.LinearRepresentation(
        head_star=(eye[:m, :k] * trial.tensor(np.sqrt(heads))).expand(replicates, m, k),
        representation_star=eye[:k, :d].expand(replicates, k, d),
        cov_x=torch.diag(spectrum),
        root=torch.diag(spectrum.sqrt()),
        noise_std=trial.noise_std,
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


def steps_to_forget(slowest_rate: float) -> int:
    """Return after how many steps a mean square holds no more than BURNT of its start."""
    return math.ceil(-math.log(BURNT.value) / (2.0 * slowest_rate))


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


def modes(problem: model.LinearRepresentation) -> tuple[Tensor, Tensor]:
    """Return eigenvectors of H (R, k, k) and of Sigma (d, d), in columns, descending."""
    _, heads = torch.linalg.eigh(problem.head_star.mT @ problem.head_star)
    _, inputs = torch.linalg.eigh(problem.cov_x)
    return heads.flip(-1), inputs.flip(-1)


def mode_responses(
    method: Method, run: Run, problem: model.LinearRepresentation, batch: model.Batch, sizes: Array
) -> tuple[Array, NDArray[np.intp]]:
    """Move one pair of eigenvectors per replicate; return what it loses, and which pair it is.

    sizes (k, d): how far each pair is moved. The pairs, numbered row by row, take turns, so that
    no mode leaks into another.
    """
    left, right = modes(problem)
    R, k, d = left.shape[0], left.shape[-1], right.shape[-1]
    which = torch.arange(R, device=left.device) % (k * d)
    row = left.gather(2, (which // d)[:, None, None].expand(R, k, 1))
    move = row @ right.T[which % d].unsqueeze(1)
    size = torch.as_tensor(sizes, dtype=left.dtype, device=left.device).flatten()[which]
    lost = lost_per_step(method, run, size[:, None, None] * move, batch)
    return as_array((lost * move).sum((-2, -1)) / size), which.cpu().numpy()


def whole_rounds(replicates: int, modes: int) -> int:
    """Return at least this many replicates, the same number for every mode."""
    return modes * math.ceil(replicates / modes)


def small_steps(trial: Trial, curvature: Any) -> Array:
    """Return distances whose gradients are far below the gradient noise.

    curvature: lambda mu of a mode, or the diagonal of the Gauss-Newton matrix for an entry.
    """
    noise = trial.noise_std / np.sqrt(trial.batch_size * as_array(curvature))
    return np.asarray(SMALL_AGAINST_NOISE * noise)


def response_rounding(trial: Trial, rates: Any, sizes: Any) -> Tolerance:
    """Return the largest relative error that rounding leaves in a response.

    Weights of size 1 are rounded; what a mode loses is its rate times the distance moved.
    """
    scale = 1.0 / float((as_array(rates) * as_array(sizes)).min())
    return rounding(trial.dtype, dim=1).times(scale, "over the distance times the rate")


def stated_exponent(law: Callable[[float], Any]) -> float:
    """Return the exponent of a power law that a statement gives as numbers."""
    return round(math.log(law(4.0) / law(1.0)) / math.log(4.0), 12)


def level(
    part: str, ratio: Any, predicted: float, *, unit: float, tolerance: Tolerance, label: str
) -> Near:
    """Decide that measured over predicted (R, ...) is 1 on average.

    predicted: one value of the statement, at which the ratio is shown; unit: what a ratio of one
    stands for in it (minus a rate for a multiplier).
    """
    shares = as_array(ratio)
    means = shares.reshape(shares.shape[0], -1).mean(axis=1)
    return Near(
        part=part,
        samples=predicted + unit * (means - 1.0),
        predicted=predicted,
        tolerance=tolerance.times(abs(unit), "times the predicted value"),
        rival=Rival("half of it", predicted - unit / 2.0),
        label=label,
    )


def exponent(
    part: str,
    ratio: Any,
    variable: Any,
    predicted: float,
    *,
    tolerance: Tolerance,
    rival: Rival,
    label: str,
    carried: float | None = None,
) -> Near:
    """Decide that measured over predicted has no trend along ``variable``: the exponent is right.

    carried: exponent of the numbers by which the measured ones were divided, where it is not
    ``predicted`` by construction.

    ratio and variable (R, modes). The slope of the ratio against log(variable) is the excess of
    the exponent to first order; a mode's ratio may be off by ``tolerance`` either way, a slope by
    what that makes of it if signs conspire.
    """
    shares, x = np.broadcast_arrays(as_array(ratio), np.log(as_array(variable)))
    x = x - x.mean()
    spread = float(np.mean(x**2))
    slopes = ((shares - 1.0) * x).reshape(shares.shape[0], -1).mean(axis=1) / spread
    return Near(
        part=part,
        samples=(predicted if carried is None else carried) + slopes,
        predicted=predicted,
        tolerance=tolerance.times(float(np.abs(x).mean()) / spread, "as a slope"),
        rival=rival,
        label=label,
    )
