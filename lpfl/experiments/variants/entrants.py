"""The variants of the race: how each is built at a step size, and the law that predicts it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lpfl.experiments.variants import laws
from lpfl.experiments.variants.truth import Truth
from lpfl.optim import OPTIMIZERS, Method
from lpfl.optim.core.method import Memory
from lpfl.problems.linear_representation import Batch, Weights


@dataclass(frozen=True)
class Entrant:
    """A variant. make(truth, step size, rows of a batch); unit: of the step sizes that are tried.

    population: a step takes the true covariance as a second batch.
    """

    name: str
    colour: int
    law: laws.Law
    make: Callable[[Truth, float, int], Method]
    says: str
    population: bool = False
    scheduled: bool = False
    largest: float = 1.0

    def grid(self, truth: Truth) -> laws.Array:
        """Return the step sizes that are tried, largest first."""
        if self.scheduled:
            return np.ones(1)
        top = self.largest
        if self.law is laws.gradient:
            top *= 2.0 / float(truth.heads.max() * truth.schurs.max())
        return top * 2.0 ** (-np.arange(0, 11, 0.5))


def _kfac(**options: float | str | int) -> Callable[[Truth, float, int], Method]:
    return lambda truth, step_size, n: OPTIMIZERS["kfac"](step_size=step_size, **options)


def _empirical(truth: Truth, step_size: float, n: int) -> Method:
    size = step_size * truth.noise_std**2
    return OPTIMIZERS["kfac"](step_size=size, output_factor="empirical")


def scheduled(truth: Truth, step_size: float, n: int) -> Method:
    """Return KFAC with the step sizes 1/(t + 1 + A_n/|T_0|^2) of LR-40."""
    delay = truth.tangent_noise / (n - truth.input_dim - 1) / truth.start

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        method = OPTIMIZERS["kfac"](step_size=1.0 / (memory["age"] + 1.0 + delay))
        moved, own = method.step(weights, memory["own"], batch)
        return moved, {"age": memory["age"] + 1, "own": own}

    def init(weights: Weights) -> Memory:
        return {"age": 0, "own": OPTIMIZERS["kfac"](step_size=1.0).init(weights)}

    return Method("kfac, scheduled", step, init=init)


ENTRANTS = (
    Entrant("KFAC", 0, laws.same_batch, _kfac(), "both factors of the batch (LR-12)"),
    Entrant(
        "KFAC, Kalman schedule",
        4,
        laws.kalman,
        scheduled,
        "both factors of the batch, step sizes 1/(t + 1 + A_n/|T₀|²) (LR-40)",
        scheduled=True,
    ),
    Entrant(
        "KFAC, true covariance",
        5,
        laws.population,
        _kfac(input_factor="separate"),
        "the input factor is Σ (LR-29)",
        population=True,
    ),
    Entrant(
        "KFAC, average",
        6,
        laws.averaged,
        _kfac(averaging=laws.DECAY),
        f"the input factor is a moving average of decay {laws.DECAY:g} (LR-30)",
        largest=0.99,
    ),
    Entrant(
        "KFAC, heavy ball",
        7,
        laws.heavy_ball,
        _kfac(momentum=laws.MOMENTUM),
        f"momentum {laws.MOMENTUM:g} (LR-38)",
    ),
    Entrant(
        "KFAC, sampled",
        8,
        laws.sampled,
        _kfac(output_factor="sampled", sample_seed=1),
        "the output factor from one sample a row (LR-33)",
    ),
    Entrant(
        "KFAC, empirical",
        9,
        laws.empirical,
        _empirical,
        "the output factor from the residuals of the batch (LR-33)",
    ),
    Entrant(
        "SGD",
        1,
        laws.gradient,
        lambda truth, step_size, n: OPTIMIZERS["sgd"](step_size=step_size, head="least_squares"),
        "refitted head (LR-32)",
    ),
)
