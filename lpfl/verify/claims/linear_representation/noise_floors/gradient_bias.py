"""LR-17: when label noise biases the gradient of the representation.

Every gradient is read along the bias that an independent batch would cause: its component there has
the norm of that bias as mean where the bias is present, and 0 where there is none.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.optim import foof
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.scores import Draw, block_means
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import gradient_bias

RELATIVE = judgement(0.25, "the means are exact; the rivals are no bias and the whole bias")
LEADING_ORDER = judgement(0.3, "with 200 rows the next order is about 5/200 of the bias")
SHARP = judgement(0.03, "a quarter of what one degree of freedom does to a head of ten rows")
HALF_WIDTH_SHARE = 0.6
HETEROSCEDASTIC_ROWS = 200
VARIANCE_GROWTH = 4.0
START_TANGENT = 0.5
FEW_HEAD_ROWS = Scenario(
    {
        "input_dim": 4,
        "rank": 1,
        "output_dim": 12,
        "cov_log10_cond": 1.0,
        "cov_seed": 0,
        "head_log10_cond": 0.0,
        "batch_size": 80,
        "head_batch_size": 10,
        "noise_scale": 4.0,
        "input_law": "gaussian",
    }
)


class Setting:
    """One truth, and the biases that theory predicts for it at G = G* (frame coordinates)."""

    def __init__(self, trial: Trial) -> None:
        covariance = CovarianceSpec(
            trial.input_dim, "geometric", trial.cov_log10_cond, "haar", trial.cov_seed
        )
        scenario = Scenario({**trial.scenario, "covariance": covariance})
        noise = trial.noise_scale * math.sqrt(trial.head_batch_size / trial.output_dim)
        self.trial = trial
        self.truth = setup.draw_truth(
            replace(trial, scenario=scenario), replicates=1, noise_std=noise
        )
        self.cov_frame = as_numpy(setup.frame_covariance(self.truth))
        self.sizes = {"rank": trial.rank, "output_dim": trial.output_dim}
        setup.admit(
            trial,
            self.truth,
            input_law=self.truth.input_law,
            batch_size=trial.batch_size,
            head_batch_size=trial.head_batch_size,
        )

    def wide(self, replicates: int) -> model.LinearRepresentation:
        """Return the truth for ``replicates`` independent batches (planned)."""
        replicates = self.trial.replicates(replicates)
        return setup.repeated(self.truth, replicates)

    def component(self, gradient: Tensor, direction: NDArray[np.float64]) -> Tensor:
        """Return the component of gradient B' (R, k, d-k) along ``direction`` (k, d-k)."""
        unit = self.trial.tensor(direction / np.linalg.norm(direction))
        return ((gradient @ self.truth.complement.mT) * unit).sum((-2, -1))

    def stated(self, setting: str, n: int) -> NDArray[np.float64]:
        """Return theory's mean gradient on the complement."""
        return gradient_bias(
            setting,
            cov_x=self.cov_frame,
            n=n,
            noise_std=self.truth.noise_std if setting == "independent_batch" else 0.0,
            **self.sizes,
        )


def near(
    part: str,
    draw: Draw,
    *,
    stated: NDArray[np.float64],
    direction: NDArray[np.float64],
    relative: Tolerance = RELATIVE,
    rival: Rival | None = None,
    label: str = "",
) -> Near:
    """Compare the mean component along ``direction`` with that of the stated bias."""
    size = float(np.linalg.norm(direction))
    predicted = float((stated * direction).sum() / size)
    other = Rival("no bias", 0.0) if predicted else Rival("the bias of an independent batch", size)
    tolerance = relative.times(size, "relative to the bias of an independent batch")
    return Near(
        part=part,
        label=label,
        samples=block_means(draw, half_width=HALF_WIDTH_SHARE * tolerance.value),
        predicted=predicted,
        tolerance=tolerance,
        rival=rival or other,
    )


@check(
    "LR-17",
    (
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
    anchors=(FEW_HEAD_ROWS,),
    decisions=5,
)
def bias_of_the_gradient(trial: Trial) -> Iterator[Comparison]:
    """Same batch, independent batch with and without whitening, and noise that depends on x."""
    yield from exact_parts(trial, only=("decomposition",))
    case = Setting(trial)
    rows = trial.head_batch_size
    rival = case.stated("independent_batch", rows)
    draws = {
        "same_batch": lambda count, name: same_batch(case, rival, count, name),
        "independent_batch": lambda count, name: independent(case, rival, count, name),
        "independent_batch_whitened": lambda count, name: independent(
            case, rival, count, name, whiten=True
        ),
    }
    for part, draw in draws.items():
        yield near(part, draw, stated=case.stated(part, rows), direction=rival)
    yield heteroscedastic(case)


def same_batch(case: Setting, direction: NDArray[np.float64], replicates: int, name: str) -> Tensor:
    """Draw gradients away from G*, noisy minus clean on the same inputs, head of the same batch."""
    trial, problem = case.trial, case.wide(replicates)
    G = model.tilt(case.truth.representation_star, START_TANGENT, trial.stream("tilted"))
    noisy, clean = (
        model.gradients(model.Weights(model.least_squares_head(G, batch), G), batch).representation
        for batch in (
            sample_moments(p, trial.head_batch_size, trial.stream("same batch", name))
            for p in (problem, replace(problem, noise_std=0.0))
        )
    )
    return case.component(noisy - clean, direction)


def independent(
    case: Setting,
    direction: NDArray[np.float64],
    replicates: int,
    name: str,
    *,
    whiten: bool = False,
) -> Tensor:
    """Draw gradients at G* whose head is that of another batch."""
    trial, problem = case.trial, case.wide(replicates)
    G = problem.representation_star
    stream = trial.stream("independent", int(whiten), name)
    head = model.least_squares_head(G, sample_moments(problem, trial.head_batch_size, stream))
    batch = sample_moments(problem, trial.batch_size, stream)
    gradient = model.gradients(model.Weights(head, G), batch).representation
    if whiten:
        gradient = G - foof.foof_step(G, gradient, batch.cov_x, step_size=1.0)
    return case.component(gradient, direction)


def heteroscedastic(case: Setting) -> Near:
    """Noise variance proportional to 1 + a (v.x)^2 / E(v.x)^2: the same batch is biased."""
    trial, truth, n = case.trial, case.truth, HETEROSCEDASTIC_ROWS
    variance = trial.noise_scale**2 * n / trial.output_dim / (1.0 + VARIANCE_GROWTH)
    v = np.zeros(trial.input_dim)
    v[[0, trial.rank]] = 1.0  # one direction of the truth, one of its complement
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
        return case.component(gradient, bias)

    return near("heteroscedastic", draw, stated=bias, direction=bias, relative=LEADING_ORDER)


@bias_of_the_gradient.extra("one degree of freedom", on=[FEW_HEAD_ROWS])
def one_degree_of_freedom(trial: Trial) -> Iterator[Comparison]:
    """A head of few rows: n_2 - k - 1 is told from n_2 - k."""
    case, rows = Setting(trial), trial.head_batch_size
    stated = case.stated("independent_batch", rows)
    more = case.stated("independent_batch", rows + 1)
    yield near(
        "independent_batch",
        lambda count, name: independent(case, stated, count, f"sharp {name}"),
        stated=stated,
        direction=stated,
        relative=SHARP,
        rival=Rival("one degree of freedom more", float(np.linalg.norm(more))),
        label="one degree of freedom",
    )
