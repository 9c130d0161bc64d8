"""LR-42: inputs that are not Gaussian: mean inverses, the floor, the population's covariance."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import linalg
from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import input_laws as laws
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import other_inputs as inputs
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
# Next orders, over d/n^2 or those below: larger than any seen at d = 4 to 16, n = 40 to 96.
COMPONENTS_NEXT = 0.8
SCALES_NEXT = 3.0
NEXT = {"population": (1.1, 1.8), "scaled": (1.6, 3.2)}
NEXT_ORDER = {"population": "g k/n^2", "scaled": "(kappa_w - 1) k^2/n^2"}
BURN_IN, MEASURED_STEPS = 2, 8
NOISE_STD = 0.003
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
    decisions=9,
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
        white = inputs.white_rows(trial, name, (min(left, CHUNK), *sizes), stream)
        moment = linalg.second_moment(white)
        inverse, size = (
            A.diagonal(dim1=-2, dim2=-1).mean(-1) for A in (torch.linalg.inv(moment), moment)
        )
        found.append(inverse + steer * (size - 1.0))
        left -= CHUNK
    return as_numpy(torch.cat(found))


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
        scales = inputs.scales_of(trial, name)
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
        batch = inputs.drawn_batch(trial, problem, trial.component_law, stream)
        weights, memory = method.step(weights, memory, batch)
        if t >= BURN_IN:
            total = total + observe(weights)
    return total


def population(trial: Trial, truth: model.LinearRepresentation) -> Iterator[Near]:
    """Mean and mean square of a small random T after a step with the population's covariance."""
    n, k, d = trial.batch_size, trial.rank, trial.input_dim
    kurtosis = laws.EXCESS_KURTOSIS[trial.component_law]
    eye = torch.eye(d, dtype=trial.dtype, device=truth.cov_x.device)
    isotropic = replace(truth, cov_x=eye, root=eye)
    share = complement_share(as_numpy(truth.representation_star[0]))
    known = [{"excess_kurtosis": g, "complement_share": share} for g in (kurtosis, 0.0)]
    # A steered response moves by eta times what the fitted head takes of a row of T.
    spread2 = trial.step_size**2 * (5.0 + kurtosis) / (6.0 * n * k)
    size = abs(kurtosis) * k / n**2
    yield from stepped(trial, isotropic, "population", trial.component_law, known, spread2, size)
    scale_square = 1.0 + trial.scale_spread**2
    known = [{"scale_square": value} for value in (scale_square, 1.0)]
    spread2 = trial.step_size**2 * k / (2.0 * n * (d - k))
    size = (scale_square - 1.0) * k**2 / n**2
    yield from stepped(trial, truth, "scaled", "two", known, spread2, size)


def stepped(
    trial: Trial,
    truth: model.LinearRepresentation,
    part: str,
    law: str,
    known: Sequence[dict[str, float]],
    spread2: float,
    size: float,
) -> Iterator[Near]:
    """Compare multiplier and square after a step with what is known of a law and of Gaussian rows.

    spread2: of a steered response. size: of the next order over the step size.
    """
    parts = (f"{part}_multiplier", f"{part}_square")
    pairs = [[trial.number(name, **values) for values in known] for name in parts]
    distance = abs(pairs[0][0] - pairs[0][1])
    replicates = trial.replicates(floors.replicates_for(spread2, HALF_WIDTH * distance))
    stream, found = trial.stream("responses", part), []
    for first in range(0, replicates, CHUNK):
        some = setup.repeated(truth, min(CHUNK, replicates - first))
        found.append(inputs.responses(trial, some, law, stream))
    samples = torch.cat(found, dim=-1)
    for row, (name, coefficient) in enumerate(zip(parts, NEXT[part], strict=True)):
        predicted, gaussian = pairs[row]
        why = f"{coefficient} eta {NEXT_ORDER[part]}, the next order"
        next_order = finite_size(coefficient * trial.step_size * size, why)
        label = f"{law} scales" if part == "scaled" else f"{law} components"
        yield compared(name, as_numpy(samples[row]), predicted, gaussian, next_order, label)
