"""LR-34: steps with the empirical output factor on batches that are their own population."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import linalg
from lpfl.optim import kfac
from lpfl.optim.kfac.joint import kfac_joint
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same, UniformLaw
from lpfl.verify.setups.linear import jacobian
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.exact_batch import Truth, draw
from lpfl.verify.space import Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, judgement, rounding, truncation
from lpfl.verify.trial import Trial, as_numpy, condition_of

Array = NDArray[np.float64]
NEAR, FAR = 3e-3, 30.0  # values over the noise
RATIOS = np.logspace(-1.0, 0.7, 6)  # the same, where the whole map is seen
CYCLE_STEPS = 240  # the slowest cycle drawn keeps 0.9 of a distance per step
OFF_CYCLE, HALF_WIDTH = 0.05, 1e-5
CAUCHY_RUNS, CAUCHY_STEPS = 30_000, 12
CAUCHY_SIZE = 1e-3  # tangents without noise: one in a thousand leaves the linear regime
CAUCHY_DISTANCE = judgement(
    0.05, "a scale wrong by a fifth, as without the 2-cycle's kick, is farther than that"
)


@check(
    "LR-34",
    (
        Integers("input_dim", 4, 10, log=True),
        Integers("rank", 1, lambda v: min(3, v["input_dim"] // 2)),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3),
        Covariances(max_log10_cond=1.0),
        Reals("head_log10_cond", 0.0, 0.5),
        Reals("noise_std", 1e-6, 1e-5, log=True),
        Reals("share", 0.3, 1.5),
        Reals("cycle_share", 2.3, 3.7),
        Reals("start_tangent", 0.1, 3.0, log=True),
        Reals("loud_noise", 0.05, 1.0, log=True),
    ),
    decisions=2,
    facts=lambda scenario: {
        **{name: scenario[name] for name in ("input_dim", "rank", "output_dim", "noise_std")},
        "damping": 0.0,
        "step_size": scenario.share * scenario.noise_std**2,
    },
)
def empirical_far(trial: Trial) -> Iterator[Comparison]:
    """The map at values around the noise, its two ends, its cycle, one row, and no noise."""
    truth = draw(trial, trial.noise_std)
    eta = trial.share * trial.noise_std**2
    setup.admit(trial, truth.problem, step_size=eta)
    yield from whole_map(trial, truth, eta)
    yield from ends(trial, truth, eta)
    yield from cycle(trial, truth)
    yield one_row(trial)
    yield from without_noise(trial)
    yield from loud(trial)


def tolerance_of(trial: Trial, truth: Truth, largest: float) -> Tolerance:
    """Return the relative error of what a step moves: the next order in T, and rounding.

    The head follows the part of x that correlates with G*x, to first order in T.

    Residuals as small as the noise are differences of outputs of order one.
    """
    condition = condition_of(truth.left, truth.right)
    smallest = 1.0 / float(torch.linalg.matrix_norm(torch.linalg.inv(truth.left), ord=2))
    smallest /= float(torch.linalg.matrix_norm(torch.linalg.inv(truth.right), ord=2))
    noise = rounding(trial.dtype, dim=trial.input_dim, condition=condition**2)
    linear = truncation(
        4.0 * largest / smallest, "four times the largest tangent: G⋆x and the rest correlate"
    )
    return linear + noise.times(1.0 / (NEAR * trial.noise_std), "over the smallest value")


def whole_map(trial: Trial, truth: Truth, eta: float) -> Iterator[Comparison]:
    """Every value moves by itself: starts with different values side by side."""
    sigma = trial.noise_std
    r = truth.U.shape[-1]
    values = sigma * np.stack([np.roll(RATIOS, shift)[:r] for shift in range(len(RATIOS))])
    stated = trial.number("map", step_size=eta, singular_tangent=values)
    yield Same(
        part="map",
        measured=truth.after(values, eta),
        predicted=stated,
        scale=sigma,
        tolerance=tolerance_of(trial, truth, float(values.max())),
    )


def ends(trial: Trial, truth: Truth, eta: float) -> Iterator[Comparison]:
    """Values far below the noise, where the boundary is, and values far above it."""
    sigma, r = trial.noise_std, truth.U.shape[-1]
    small, large = (np.full((1, r), ratio * sigma) for ratio in (NEAR, FAR))
    limit = trial.number("boundary")
    kept = [truth.after(small, step)[0] / small[0] for step in (eta, limit)]
    error = tolerance_of(trial, truth, NEAR * sigma)
    error = error + truncation(4.0 * NEAR**2, "square of the value over the noise")
    yield Same(
        part="near",
        measured=kept[0],
        predicted=trial.number("near", step_size=eta),
        scale=1.0,
        tolerance=error,
    )
    yield Same(
        part="boundary",
        label="where the multiplier is −1, from the step of this size",
        measured=limit * (1.0 - kept[1]) / 2.0,
        predicted=limit,
        tolerance=error,
    )
    lost = large**2 - truth.after(large, eta) ** 2
    yield Same(
        part="far",
        measured=lost[0] / sigma**2,
        predicted=trial.number("far", step_size=eta) / sigma**2,
        tolerance=tolerance_of(trial, truth, FAR * sigma)
        + truncation((1.0 + trial.share) / FAR**2, "noise and step over the square of the value"),
    )


def cycle(trial: Trial, truth: Truth) -> Iterator[Comparison]:
    """The 2-cycle from a start off it; then the slope of the map on it."""
    sigma, r = trial.noise_std, truth.U.shape[-1]
    eta = trial.cycle_share * sigma**2
    square = trial.number("two_cycle", step_size=eta)
    at = np.full((1, r), np.sqrt(square))
    settled = truth.after((1.0 + OFF_CYCLE) * at, eta, CYCLE_STEPS)
    back = truth.after(settled, eta)
    error = tolerance_of(trial, truth, float(at.max()))
    yield Same(
        part="two_cycle",
        label="minus a value times the next",
        measured=-(settled * back)[0] / sigma**2,
        predicted=square / sigma**2,
        tolerance=error.times(20.0, "over 1 minus the multiplier of the cycle"),
    )
    either = truth.after(np.concatenate([(1 + HALF_WIDTH) * at, (1 - HALF_WIDTH) * at]), eta)
    yield Same(
        part="cycle_multiplier",
        measured=(either[0] - either[1]) / (2.0 * HALF_WIDTH * at[0]),
        predicted=trial.number("cycle_multiplier", step_size=eta),
        scale=1.0,
        tolerance=error
        + rounding(trial.dtype, dim=trial.input_dim).times(
            1.0 / (HALF_WIDTH * sigma), "over the distance of the two starts"
        ),
    )


def one_row(trial: Trial) -> Comparison:
    """One row at any angle and any noise: tangents in the metric of Sigma before and after."""
    truth = draw(trial, trial.loud_noise, rank=1)
    whitened = truth.problem.representation_star[0] @ truth.problem.root
    signal = truth.problem.head_star.square().sum() * whitened.square().sum()
    u = whitened / torch.linalg.vector_norm(whitened)
    off = linalg.standard_normal(
        1, trial.input_dim, generator=trial.stream("off"), dtype=trial.dtype
    )
    v = linalg.orthonormal_rows(off - (off @ u.mT) * u)
    eta = trial.share * trial.loud_noise**2
    G = torch.linalg.solve(truth.problem.root, (u + trial.start_tangent * v).mT).mT
    method = kfac.kfac(step_size=eta, output_factor="empirical")
    start = model.Weights(truth.problem.head_star, G.unsqueeze(0))
    end, _ = method.step(start, method.init(start), truth.batch)
    after = end.representation[0] @ truth.problem.root
    predicted = trial.number(
        "one_row",
        metric_tangent=trial.start_tangent,
        head_signal=float(signal),
        noise_std=trial.loud_noise,
        step_size=eta,
    )
    return Same(
        part="one_row",
        measured=float((after @ v.mT) / (after @ u.mT)),
        predicted=predicted,
        scale=trial.start_tangent,
        tolerance=rounding(
            trial.dtype, dim=trial.input_dim, condition=condition_of(truth.problem.root) ** 2
        ).times(
            (1.0 + trial.start_tangent**2) / trial.start_tangent**2,
            "a misfit against outputs of order one",
        ),
    )


def without_noise(trial: Trial) -> Iterator[Comparison]:
    """One row, no noise, starts from a Cauchy law: the law after one step and after twelve."""
    truth = draw(trial, 0.0, rank=1)
    smallest = 1.0 / float(torch.linalg.matrix_norm(torch.linalg.inv(truth.right), ord=2))
    scale = CAUCHY_SIZE * float(truth.left.sum()) * smallest
    eta = trial.share * scale**2
    runs = trial.replicates(CAUCHY_RUNS)
    uniform = torch.rand(
        runs, 1, generator=trial.stream("cauchy"), dtype=trial.dtype, device=trial.device
    )
    values = scale * np.tan(np.pi * (as_numpy(uniform) - 0.5))
    for steps in (1, CAUCHY_STEPS - 1):
        values = truth.after(values, eta, steps)
        for _ in range(steps):
            scale = trial.number("cauchy", step_size=eta, cauchy_scale=scale)
        yield UniformLaw(
            part="cauchy",
            label="one step" if steps == 1 else f"{CAUCHY_STEPS} steps",
            transforms=0.5 + np.arctan(values[:, 0] / scale) / np.pi,
            distance=CAUCHY_DISTANCE,
        )


def loud(trial: Trial) -> Iterator[Comparison]:
    """All multipliers at the truth, with loud noise: output damping, and both layers moved."""
    truth, k = draw(trial, trial.loud_noise), trial.rank
    sigma2 = trial.loud_noise**2
    eta = trial.share * sigma2
    known = {"step_size": eta, "noise_std": trial.loud_noise}
    lam = as_numpy(torch.linalg.eigvalsh(truth.left[0] @ truth.left[0]))
    damping = (trial.cycle_share - 2.0) * sigma2 * float(lam.mean())
    error = jacobian.difference_tolerance(trial, trial.input_dim, truth.left, truth.right).times(
        1.0 + 1.0 / sigma2, "a difference over the noise, squared"
    )
    method = kfac.kfac(step_size=eta, output_factor="empirical", output_damping=damping)
    found = np.linalg.eigvals(jacobian.tangent_jacobian(method, truth.problem, truth.batch))
    stated = trial.number("damped", head_eigenvalue=lam, left_damping=damping, **known)
    yield Same(
        part="damped",
        measured=np.sort(found.real),
        predicted=np.sort(np.repeat(stated, trial.input_dim - k)),
        scale=1.0,
        tolerance=error,
    )
    both = kfac_joint(step_size=eta, head_step_size=eta, output_factor="empirical")
    solution = model.Weights(truth.problem.head_star, truth.problem.representation_star)
    moving = jacobian.moving_eigenvalues(
        jacobian.update_jacobian(both, solution, truth.batch), solution
    )
    shared = np.full(k**2, trial.number("joint", **known))
    alone = np.full(moving.size - k**2, trial.number("near", **known))
    yield Same(
        part="joint",
        measured=np.sort(moving.real),
        predicted=np.sort(np.concatenate([shared, alone])),
        scale=1.0,
        tolerance=error,
    )
