"""LR-42: inputs that are not Gaussian: mean inverses, the floor, the population's covariance."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.linalg import standard_normal
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import input_laws as laws
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.space import Choice, Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import complement_share, inverse_scale

Array = NDArray[np.float64]

# Shares of what the law of the inputs changes, which is the distance of the Gaussian rival.
QUARTER = judgement(0.25, "a quarter of the distance of the Gaussian rival, for the sampling")
HALF_WIDTH = 0.2
FLOOR_SHARE = judgement(0.4, "under half of the distance of the Gaussian rival, for the sampling")
FLOOR_HALF_WIDTH = 0.33
# Next orders, over d/n^2 or g_4 k/n^2: larger than any seen at d = 4 to 16, n = 40 to 96.
COMPONENTS_NEXT = 0.8
SCALES_NEXT = 3.0
MULTIPLIER_NEXT, SQUARE_NEXT = 1.1, 1.8
BURN_IN, MEASURED_STEPS = 2, 8
NOISE_STD = 0.003
SMALL_TANGENT = 1e-4
CHUNK = 2000  # replicates at a time


@check(
    "LR-42",
    (
        Integers("input_dim", 10, 12),
        Integers("rank", 4, 5),
        Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 2),
        Integers("batch_size", 42, 54),
        Covariances(max_log10_cond=0.7),
        Reals("head_log10_cond", 0.0, 0.2),
        Reals("step_size", 0.8, 1.2),
        Reals("scale_spread", 0.4, 0.55),
        Choice("component_law", ("rademacher", "laplace")),
    ),
    decisions=7,
)
def other_inputs(trial: Trial) -> Iterator[Comparison]:
    """Mean inverses of batches of four laws, the noise floor, responses to the population."""
    truth = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, truth, batch_size=trial.batch_size, input_law=trial.component_law)
    for law in (trial.component_law, "uniform"):
        yield mean_inverse(trial, law)
    yield from elliptical(trial)
    yield floor(trial, truth)
    yield from population(trial, truth)


def inverse_samples(trial: Trial, name: str, replicates: int) -> Array:
    """Return tr(Sh^{-1} Sigma)/d of batches of a law or of rows of drawn scales.

    A multiple of tr(Sh Sigma^{-1})/d - 1, whose mean is exactly 0, is added: most of the spread of
    the inverse is that of the size of the batch, which it takes away.
    """
    steer = inverse_scale(n=trial.batch_size, d=trial.input_dim)
    stream, sizes = trial.stream("rows", name), (trial.batch_size, trial.input_dim)
    found, left = [], trial.replicates(replicates)
    while left > 0:
        shape = (min(left, CHUNK), *sizes)
        if name in laws.EXCESS_KURTOSIS:
            white = laws.component_rows(name, *shape, generator=stream, dtype=trial.dtype)
        else:
            white = laws.scaled_rows(
                scales_of(trial, name), *shape, generator=stream, dtype=trial.dtype
            )
        moment = linalg.second_moment(white)
        inverse, size = (
            A.diagonal(dim1=-2, dim2=-1).mean(-1) for A in (torch.linalg.inv(moment), moment)
        )
        found.append(inverse + steer * (size - 1.0))
        left -= CHUNK
    return as_numpy(torch.cat(found))


def scales_of(trial: Trial, name: str) -> tuple[float, ...]:
    """Return two or three equally likely squared scales of a row, with mean 1."""
    spread = trial.scale_spread
    return (1 - spread, 1.0, 1 + spread) if name == "three" else (1 - spread, 1 + spread)


def compared(
    part: str,
    samples: Array,
    predicted: float,
    gaussian: float,
    next_order: Tolerance,
    label: str,
    share: Tolerance = QUARTER,
) -> Near:
    """Compare a mean with its prediction; the rival is what Gaussian inputs would give."""
    return Near(
        part=part,
        label=label,
        samples=samples,
        predicted=predicted,
        tolerance=next_order + share.times(abs(predicted - gaussian), "of it"),
        rival=Rival("Gaussian inputs", gaussian),
    )


def planned(relative_spread2: float, predicted: float, gaussian: float) -> int:
    """Return how many replicates see the distance of the Gaussian value."""
    width = HALF_WIDTH * abs(predicted - gaussian) / predicted
    return floors.replicates_for(relative_spread2, width)


def inverse_spread2(trial: Trial) -> float:
    """Return the squared relative spread of a steered inverse: twice that of a Wishart matrix."""
    n, d = trial.batch_size, trial.input_dim
    return 2.4 / ((n - d) * d)


def mean_inverse(trial: Trial, law: str) -> Near:
    """The mean inverse for independent components."""
    n, d = trial.batch_size, trial.input_dim
    kurtosis = laws.EXCESS_KURTOSIS[law]
    predicted = trial.number("mean_inverse", excess_kurtosis=kurtosis)
    gaussian = inverse_scale(n=n, d=d)
    return compared(
        "mean_inverse",
        inverse_samples(trial, law, planned(inverse_spread2(trial), predicted, gaussian)),
        predicted,
        gaussian,
        next_order(trial, COMPONENTS_NEXT),
        f"{law} components",
    )


def next_order(trial: Trial, coefficient: float) -> Tolerance:
    """Return the term of order d/n^2 that a multiple of the inverse leaves out."""
    n, d = trial.batch_size, trial.input_dim
    return finite_size(coefficient * d / n**2, f"{coefficient} d/n^2, the next order")


def elliptical(trial: Trial) -> Iterator[Near]:
    """The mean inverse for Gaussian rows of two and of three scales."""
    n, d = trial.batch_size, trial.input_dim
    gaussian = inverse_scale(n=n, d=d)
    for name, part in (("two", "two_scales"), ("three", "elliptical")):
        scales = scales_of(trial, name)
        predicted = (
            trial.number("two_scales") if name == "two" else inverse_scale(n=n, d=d, scales=scales)
        )
        yield compared(
            part,
            inverse_samples(trial, name, planned(inverse_spread2(trial), predicted, gaussian)),
            predicted,
            gaussian,
            next_order(trial, SCALES_NEXT),
            f"{name} scales",
        )


def floor(trial: Trial, truth: model.LinearRepresentation) -> Near:
    """The time average of |T|^2 under label noise, from the truth, in independent trajectories."""
    eta, n, d, k = trial.step_size, trial.batch_size, trial.input_dim, trial.rank
    noisy = replace(truth, noise_std=NOISE_STD)
    values = {
        "eta": eta,
        "sigma": NOISE_STD,
        "F^*": as_numpy(truth.head_star[0]),
        "B": as_numpy(truth.complement[0]),
        "Sigma": as_numpy(truth.cov_x),
    }
    sizes = {"d": d, "m": trial.output_dim, "k": k, "n": n}
    predicted, gaussian = (
        float(trial.claim["floor"].matrix({**values, "g_4": g}, sizes=sizes))
        for g in (laws.EXCESS_KURTOSIS[trial.component_law], 0.0)
    )
    heads, schurs = setup.head_eigenvalues(trial.scenario), schur_spectrum(truth)
    spread2 = 1.5 * (
        2.0 * floors.share(1.0 / heads) * floors.share(1.0 / schurs)
        + (4.0 + laws.EXCESS_KURTOSIS[trial.component_law]) / (n * d)
    )
    width = FLOOR_HALF_WIDTH * abs(predicted - gaussian) / predicted
    replicates = trial.replicates(floors.replicates_for(spread2 / MEASURED_STEPS, width))
    stream, totals = trial.stream("noisy"), []
    for first in range(0, replicates, CHUNK):
        count = min(CHUNK, replicates - first)
        totals.append(squares(trial, setup.repeated(noisy, count), stream) / MEASURED_STEPS)
    relative = next_order(trial, COMPONENTS_NEXT).times(
        predicted / inverse_scale(n=n, d=d), "of the floor"
    )
    return compared(
        "floor",
        as_numpy(torch.cat(totals)),
        predicted,
        gaussian,
        relative,
        f"{trial.component_law} components",
        FLOOR_SHARE,
    )


def squares(trial: Trial, problem: model.LinearRepresentation, stream: torch.Generator) -> Tensor:
    """Return the sum of |T|^2 over the measured steps, one value per replicate."""
    method = kfac.kfac(step_size=trial.step_size)
    weights = model.Weights(problem.head_star, problem.representation_star)
    memory = method.init(weights)
    observe = floors.squared_tangents(problem)
    total = torch.zeros(len(problem.head_star), dtype=trial.dtype, device=trial.device)
    for t in range(BURN_IN + MEASURED_STEPS):
        weights, memory = method.step(weights, memory, component_batch(trial, problem, stream))
        if t >= BURN_IN:
            total = total + observe(weights)
    return total


def component_batch(
    trial: Trial, problem: model.LinearRepresentation, stream: torch.Generator
) -> model.Batch:
    """Return a batch with the scenario's law of components."""
    shape = (len(problem.head_star), trial.batch_size, trial.input_dim)
    white = laws.component_rows(trial.component_law, *shape, generator=stream, dtype=trial.dtype)
    return laws.batch_of_white(problem, white, stream)


def population(trial: Trial, truth: model.LinearRepresentation) -> Iterator[Near]:
    """Mean and mean square of a small random T after a step with the population's covariance."""
    n, k, d = trial.batch_size, trial.rank, trial.input_dim
    kurtosis = laws.EXCESS_KURTOSIS[trial.component_law]
    eye = torch.eye(d, dtype=trial.dtype, device=truth.cov_x.device)
    isotropic = replace(truth, cov_x=eye, root=eye)
    share = complement_share(as_numpy(truth.representation_star[0]))
    pairs = {
        part: [
            trial.number(part, excess_kurtosis=g, complement_share=share) for g in (kurtosis, 0.0)
        ]
        for part in ("population_multiplier", "population_square")
    }
    # A steered response moves by eta times what the fitted head takes of a row of T.
    spread2 = trial.step_size**2 * (5.0 + kurtosis) / (6.0 * n * k)
    distance = abs(pairs["population_multiplier"][0] - pairs["population_multiplier"][1])
    replicates = trial.replicates(floors.replicates_for(spread2, HALF_WIDTH * distance))
    stream, found = trial.stream("responses"), []
    for first in range(0, replicates, CHUNK):
        found.append(
            responses(trial, setup.repeated(isotropic, min(CHUNK, replicates - first)), stream)
        )
    samples = torch.cat(found, dim=-1)
    for row, (part, coefficient) in enumerate(
        (("population_multiplier", MULTIPLIER_NEXT), ("population_square", SQUARE_NEXT))
    ):
        predicted, gaussian = pairs[part]
        size = coefficient * trial.step_size * abs(kurtosis) * k / n**2
        why = f"{coefficient} eta g k/n^2, the next order"
        yield compared(
            part,
            as_numpy(samples[row]),
            predicted,
            gaussian,
            finite_size(size, why),
            f"{trial.component_law} components",
        )


def responses(trial: Trial, problem: model.LinearRepresentation, stream: torch.Generator) -> Tensor:
    """Return <T_+, T>/|T|^2 and |T_+|^2/|T|^2 (2, R) of one noiseless step from random T.

    To the first, eta times the batch's own moment along T less its mean 1 is added, which has mean
    0 and takes away most of the spread.
    """
    G_star, B = problem.representation_star, problem.complement
    count, k, d = G_star.shape
    T = SMALL_TANGENT * standard_normal(count, k, d - k, generator=stream, dtype=trial.dtype)
    start = model.Weights(problem.head_star, G_star + T @ B)
    method = kfac.kfac(step_size=trial.step_size, input_factor="separate")
    batches = (component_batch(trial, problem, stream), model.population_batch(problem))
    after, _ = method.step(start, method.init(start), batches)
    T_next = linalg.tangent_matrix(after.representation, G_star, B)
    size = T.square().sum((-2, -1))
    along = (T_next * T).sum((-2, -1)) / size
    own = (T @ B @ batches[0].cov_x @ B.mT * T).sum((-2, -1)) / size
    steered = along + trial.step_size * (own - 1.0)
    return torch.stack([steered, T_next.square().sum((-2, -1)) / size])
