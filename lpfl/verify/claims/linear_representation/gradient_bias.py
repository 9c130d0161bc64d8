"""LR-17: when label noise biases the gradient of the representation.

Every gradient is projected on the bias that an independent batch would cause, in units of it: the
statistic has mean 1 where that bias is present and 0 where there is none.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import decide
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import foof
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Choice, Integers, Reals, ScenarioSpace
from theory.linear_representation import gradient_bias

TOLERANCE = 0.25  # the means are exact; the rivals are 0 and 1
LEADING_ORDER_TOLERANCE = 0.3  # with 200 rows the next order is about 5/200 of the bias
RIVAL = 1.0
HALF_WIDTH_SHARE = 0.6
QUANTILE = 7.0  # above the t quantile of one decision
PILOT = 512
BLOCK = 8
HETEROSCEDASTIC_ROWS = 200
VARIANCE_GROWTH = 4.0
START_TANGENT = 0.5
Draw = Callable[[int, str], Tensor]


class Setting:
    """One truth, and the biases that theory predicts for it at G = G* (frame coordinates)."""

    def __init__(self, trial: Trial) -> None:
        scenario = trial.scenario
        covariance = CovarianceSpec(
            scenario.input_dim, "geometric", scenario.cov_log10_cond, "haar", scenario.cov_seed
        )
        self.trial = replace(trial, scenario=Scenario({**scenario, "covariance": covariance}))
        noise = scenario.noise_scale * math.sqrt(scenario.head_batch_size / scenario.output_dim)
        self.truth = setup.draw_truth(self.trial, replicates=1, noise_std=noise)
        self.cov_frame = as_numpy(setup.frame_covariance(self.truth))
        self.sizes = {"rank": scenario.rank, "output_dim": scenario.output_dim}

    def wide(self, replicates: int) -> model.LinearRepresentation:
        """Return the truth for ``replicates`` independent batches."""
        return replace(
            self.truth,
            head_star=self.truth.head_star.expand(replicates, -1, -1),
            representation_star=self.truth.representation_star.expand(replicates, -1, -1),
        )

    def on_complement(self, gradient: Tensor) -> Tensor:
        """Return gradient B' (R, k, d-k)."""
        return gradient @ self.truth.complement.mT

    def predicted(self, setting: str, n: int) -> NDArray[np.float64]:
        """Return theory's mean gradient on the complement."""
        return gradient_bias(
            setting,
            cov_x=self.cov_frame,
            n=n,
            noise_std=self.truth.noise_std if setting == "independent_batch" else 0.0,
            **self.sizes,
        )


def score(trial: Trial, gradients: Tensor, direction: NDArray[np.float64]) -> Tensor:
    """Return <gradient, direction> / |direction|^2 per replicate."""
    unit = trial.tensor(direction / (direction**2).sum())
    return (gradients * unit).sum((-2, -1))


def decide_mean(
    trial: Trial, part: str, draw: Draw, *, predicted: float, tolerance: float = TOLERANCE
) -> Finding:
    """Decide the mean of scores; an independent pilot fixes the number of replicates."""
    pilot = float(draw(PILOT, "pilot").std())
    wanted = (QUANTILE * pilot / (HALF_WIDTH_SHARE * tolerance)) ** 2
    blocks = max(96, math.ceil(wanted / BLOCK))
    means = as_numpy(draw(blocks * BLOCK, "scores").reshape(blocks, BLOCK).mean(-1))
    verdict = decide.equivalence(
        means, predicted=predicted, tolerance=tolerance, alpha=trial.alpha, matters=RIVAL
    )
    return Finding(part, verdict)


def measure_bias(trial: Trial) -> list[Finding]:
    """Same batch, independent batch with and without whitening, and noise that depends on x."""
    scenario = trial.scenario
    case = Setting(trial)
    n, n_head = scenario.batch_size, scenario.head_batch_size
    rival = case.predicted("independent_batch", n_head)

    def same_batch(replicates: int, name: str) -> Tensor:
        problem = case.wide(replicates)
        G = model.tilt(case.truth.representation_star, START_TANGENT, trial.stream("tilted"))
        noisy, clean = (
            model.gradients(
                model.Weights(model.least_squares_head(G, batch), G), batch
            ).representation
            for batch in (
                sample_moments(p, n_head, trial.stream("same batch", name))
                for p in (problem, replace(problem, noise_std=0.0))
            )
        )
        return score(trial, case.on_complement(noisy - clean), rival)

    def independent(replicates: int, name: str, whiten: bool) -> Tensor:
        problem = case.wide(replicates)
        G = problem.representation_star
        stream = trial.stream("independent", int(whiten), name)
        head = model.least_squares_head(G, sample_moments(problem, n_head, stream))
        batch = sample_moments(problem, n, stream)
        gradient = model.gradients(model.Weights(head, G), batch).representation
        if whiten:
            gradient = G - foof.foof_step(G, gradient, batch.cov_x, step_size=1.0)
        return score(trial, case.on_complement(gradient), rival)

    def mean_of(setting: str) -> float:
        return float((case.predicted(setting, n_head) * rival).sum() / (rival**2).sum())

    return [
        *setup.exact_findings(trial, only=("decomposition",)),
        decide_mean(trial, "same batch", same_batch, predicted=mean_of("same_batch")),
        decide_mean(
            trial,
            "independent batch",
            lambda count, name: independent(count, name, False),
            predicted=mean_of("independent_batch"),
        ),
        decide_mean(
            trial,
            "independent batch, whitened",
            lambda count, name: independent(count, name, True),
            predicted=mean_of("independent_batch_whitened"),
        ),
        heteroscedastic(trial, case),
    ]


def heteroscedastic(trial: Trial, case: Setting) -> Finding:
    """Noise variance proportional to 1 + a (v.x)^2 / E(v.x)^2: the same batch is biased."""
    scenario = trial.scenario
    n = HETEROSCEDASTIC_ROWS
    k, d = scenario.rank, scenario.input_dim
    variance = scenario.noise_scale**2 * n / scenario.output_dim / (1.0 + VARIANCE_GROWTH)
    v = np.zeros(d)
    v[[0, k]] = 1.0  # one direction of the truth, one of its complement
    image = case.cov_frame @ v
    # E[(v.x)^2 x x'] for Gaussian x
    fourth = case.cov_frame + 2.0 * np.outer(image, image) / (v @ image)
    weighted = variance * (case.cov_frame + VARIANCE_GROWTH * fourth)
    bias = gradient_bias(
        "heteroscedastic",
        cov_x=case.cov_frame,
        n=n,
        variance_weighted_cov=(weighted + weighted.T) / 2,
        **case.sizes,
    )
    truth = case.truth
    direction = truth.representation_star[0, 0] + truth.complement[0, 0]

    def draw(replicates: int, name: str) -> Tensor:
        stream = trial.stream("heteroscedastic", name)
        problem = replace(case.wide(replicates), noise_std=0.0)
        rows = model.sample(problem, n, stream)
        assert rows.inputs is not None
        assert rows.targets is not None
        reach = (rows.inputs @ direction).square() / float(v @ image)
        noise = torch.randn(
            rows.targets.shape, generator=stream, dtype=trial.dtype, device=trial.device
        )
        scale = (variance * (1.0 + VARIANCE_GROWTH * reach)).sqrt()
        batch = model.batch_of_rows(rows.inputs, rows.targets + scale[..., None] * noise)
        G = problem.representation_star
        head = model.least_squares_head(G, batch)
        gradient = model.gradients(model.Weights(head, G), batch).representation
        return score(trial, case.on_complement(gradient), bias)

    return decide_mean(
        trial, "variance depends on x", draw, predicted=1.0, tolerance=LEADING_ORDER_TOLERANCE
    )


BIAS = Check(
    claim_id="LR-17",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 4, 8),
            Integers("rank", 1, 2),
            Integers("output_dim", lambda v: v["rank"] + 1, lambda v: v["rank"] + 6),
            Reals("cov_log10_cond", 1.0, 2.0),
            Integers("cov_seed", 0, 99),
            Reals("head_log10_cond", 0.0, 1.0),
            Integers("batch_size", 40, 80),
            Integers("head_batch_size", 20, 60),
            Reals("noise_scale", 2.0, 4.0),
            Choice("input_law", ("gaussian",)),
        ),
    ),
    measure=measure_bias,
    decisions=4,
)
