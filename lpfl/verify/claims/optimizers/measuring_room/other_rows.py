"""OP-41: rows with a mean, other laws, links and chains beside their definitions."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special, stats

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems import linear_representation as model
from lpfl.problems import links
from lpfl.problems.linear_representation import affine, chain, input_laws
from lpfl.problems.single_index import draw_problem, inputs
from lpfl.verify.check import check
from lpfl.verify.expect import Above, Below, ChiSquare, Comparison, Same, UniformLaw
from lpfl.verify.setups.drawing import SIZE
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]

NEAR = judgement(0.1, "a component twice too large moves each of these laws by more than 0.1")
FULL = judgement(1e-8, "rounding leaves 1e-15 where a layer has no full rank")
VARIED = 1.1  # how far from 1 some of the singular values of random layers lie
SCALES = (0.4, 1.6)
CHAINS = 24  # replicates whose largest and smallest singular values are looked at together
REFERENCE: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "tanh": np.tanh,
    "erf": special.erf,
    "relu": lambda z: np.where(z > 0.0, z, 0.0),
    "abs": lambda z: np.sqrt(z * z),
    "sign": lambda z: (z > 0.0).astype(float) - (z < 0.0),
    "he2": partial(special.eval_hermitenorm, 2),
    "he3": partial(special.eval_hermitenorm, 3),
    "he12": lambda z: z + special.eval_hermitenorm(2, z) / 2.0,
    "he13": lambda z: z + special.eval_hermitenorm(3, z) / 2.0,
}
LAWS: dict[str, Callable[[Array], Array]] = {
    "uniform": lambda z: 0.5 + z / math.sqrt(12.0),
    "laplace": stats.laplace(scale=math.sqrt(0.5)).cdf,
    "exponential": lambda z: -special.expm1(-(z + 1.0)),
}
"""Distribution functions of components of mean 0 and variance 1."""


@check(
    "OP-41",
    (
        Integers("input_dim", 4, 8),
        Integers("output_dim", 3, 5),
        Integers("batch_size", 3, 8),
        Reals("noise_std", 0.1, 2.0),
        Reals("shift", 0.2, 1.0),
    ),
    decisions=8,
)
def other_rows(trial: Trial) -> Iterator[Comparison]:
    """Draw everything that is not a centred Gaussian row, and read it by its definition."""
    trial.admit()
    yield from with_mean(trial)
    yield from laws(trial)
    yield from functions(trial)
    yield from chains(trial)


def problem_of(trial: Trial, replicates: int) -> model.LinearRepresentation:
    """Draw a problem of rank 2 with a rotated covariance."""
    spec = CovarianceSpec(trial.input_dim, "geometric", 1.0, "haar", 0)
    sigma, root = trial.tensor(spec.matrix()), trial.tensor(spec.root())
    spectrum = trial.tensor([1.0, 0.5])
    return model.LinearRepresentation(
        model.draw_head(replicates, spectrum, trial.output_dim, trial.stream("head")),
        model.draw_representation(
            replicates, 2, trial.input_dim, trial.stream("star"), trial.dtype
        ),
        sigma,
        root,
        trial.noise_std,
    )


def with_mean(trial: Trial) -> Iterator[Comparison]:
    """Whiten the means and the noise of rows with biases; build their population moments."""
    d, n = trial.input_dim, trial.batch_size
    replicates = trial.replicates(SIZE.replicates(trial.alpha, d))
    problem, mean = problem_of(trial, replicates), trial.tensor(np.linspace(0.5, -1.0, d))
    batch = affine.affine_sample(problem, mean, n, trial.stream("rows"))
    assert batch.inputs is not None
    assert batch.targets is not None
    rows, ones = batch.inputs[..., :-1], batch.inputs[..., -1]
    off = rows.mean(-2) - mean
    totals = n * ((off @ torch.linalg.inv(problem.cov_x)) * off).sum(-1)
    square = partial(ChiSquare, scale=SIZE)
    free = round(trial.number("mean"))
    yield square(part="mean", totals=as_numpy(totals), dof=free, unit=free)
    noise = (batch.targets - rows @ problem.product_star.mT) / trial.noise_std
    free = round(trial.number("noise"))
    yield square(part="noise", totals=as_numpy(noise.square().sum((-2, -1))), dof=free, unit=free)
    exact = rounding(trial.dtype, dim=4 * d)
    yield Same(part="constant", measured=ones, predicted=1.0, tolerance=exact)
    few = problem_of(trial, 2)
    seen = affine.affine_population(few, mean)
    mu, S = as_numpy(mean), as_numpy(few.cov_x)
    second = np.block([[S + np.outer(mu, mu), mu[:, None]], [mu[None], np.ones((1, 1))]])
    star = as_numpy(few.head_star) @ as_numpy(few.representation_star)
    for measured, predicted, label in (
        (seen.cov_x, np.stack([second] * 2), "second moment"),
        (seen.cross, star @ second[:-1], "cross moment"),
    ):
        yield Same(
            part="population", measured=measured, predicted=predicted, tolerance=exact, axes=2,
            label=label, scale=1.0 + np.linalg.norm(second),
        )  # fmt: skip


def laws(trial: Trial) -> Iterator[Comparison]:
    """Transform components by their distribution functions, and squared norms by a mixture."""
    d = trial.input_dim
    count = trial.replicates(math.ceil(2.0 * math.log(2.0 / trial.alpha) / NEAR.value**2))
    spread = partial(UniformLaw, distance=NEAR)
    eye = trial.tensor(np.ones(d))
    single = draw_problem(eye, replicates=1, generator=trial.stream("teacher"))
    drawn: dict[str, torch.Tensor] = {}
    for law in ("uniform", "laplace"):
        drawn[f"{law}, linear"] = input_laws.component_rows(
            law, count, 1, generator=trial.stream("component", law), dtype=trial.dtype
        )
    for law in ("uniform", "exponential"):
        drawn[f"{law}, single index"] = inputs.independent_sample(
            single, count, law=law, generator=trial.stream("rows", law)
        ).inputs
    for label, values in drawn.items():
        first = as_numpy(values).reshape(count, -1)[:, 0]
        yield spread(part="component", transforms=LAWS[label.split(",")[0]](first), label=label)
    exact = rounding(trial.dtype, dim=1)
    coins = inputs.independent_sample(
        single, count, law="rademacher", generator=trial.stream("coins")
    ).inputs
    signs = input_laws.component_rows(
        "rademacher", count, d, generator=trial.stream("signs"), dtype=trial.dtype
    )
    for label, values in (("linear", signs), ("single index", coins)):
        yield Same(part="size", measured=values.abs(), predicted=1.0, tolerance=exact, label=label)
    mixed = {
        "linear": input_laws.scaled_rows(
            SCALES, count, d, generator=trial.stream("scales"), dtype=trial.dtype
        ),
        "single index": inputs.elliptical_sample(
            single, count, scales=SCALES, generator=trial.stream("elliptical")
        ).inputs[0],
    }
    for label, values in mixed.items():
        total = np.square(as_numpy(values)).sum(-1)
        chance = np.mean([special.gammainc(d / 2.0, total / (2.0 * s)) for s in SCALES], axis=0)
        yield spread(part="mixed", transforms=chance, label=label)


def functions(trial: Trial) -> Iterator[Comparison]:
    """Evaluate every link and activation; differentiate the activations automatically."""
    z = np.linspace(-2.3, 2.4, 12)
    points = trial.tensor(z).requires_grad_(True)
    exact = rounding(trial.dtype, dim=16)
    shifted = links.tanh_shifted(trial.shift)
    for name, function in (*links.LINKS.items(), (shifted.name, shifted.value)):
        asked = np.tanh(z + trial.shift) if name == shifted.name else REFERENCE[name](z)
        yield Same(
            part="links", measured=function(points), predicted=asked, tolerance=exact, scale=4.0,
            label=name,
        )  # fmt: skip
    for activation in (*links.ACTIVATIONS.values(), shifted):
        (slope,) = torch.autograd.grad(activation.value(points).sum(), points)
        yield Same(
            part="slopes", measured=activation.slope(points), predicted=as_numpy(slope),
            tolerance=exact, scale=1.0, label=activation.name,
        )  # fmt: skip


def chains(trial: Trial) -> Iterator[Comparison]:
    """Multiply the layers of drawn chains; read singular values and ranks."""
    problem = problem_of(trial, CHAINS)
    widths = (2, 3)
    layers = [as_numpy(W) for W in chain.draw_chain(problem, widths, trial.stream("chain"))]
    star = as_numpy(problem.head_star) @ as_numpy(problem.representation_star)
    exact = rounding(trial.dtype, dim=4 * trial.input_dim, condition=256.0)
    yield Same(
        part="product", measured=layers[2] @ layers[1] @ layers[0], predicted=star,
        tolerance=exact, axes=2, scale=1.0,
    )  # fmt: skip
    outside = layers[2] - star @ np.linalg.pinv(layers[1] @ layers[0])
    range_of_head = np.swapaxes(as_numpy(problem.head_star), -1, -2)
    yield Same(
        part="product", measured=range_of_head @ outside, predicted=0.0 * range_of_head @ outside,
        tolerance=exact, axes=2, scale=np.linalg.norm(outside, axis=(-2, -1)),
        label="what no input of the truth reaches lies outside the range of F⋆",
    )  # fmt: skip
    s = np.linalg.svd(layers[0], compute_uv=False)
    limit = trial.number("spread")
    yield Below(
        part="spread", measured=np.maximum(s, 1.0 / s).ravel(), limit=limit, tolerance=exact
    )
    yield Below(
        part="spread", measured=2.0 * VARIED * np.array([s.min(), 1.0 / s.max()]), limit=limit,
        tolerance=exact, label="some singular values below 0.91 and some above 1.1",
    )  # fmt: skip
    yield Above(part="rank", measured=np.linalg.svd(layers[2], compute_uv=False)[:, -1], least=FULL)
