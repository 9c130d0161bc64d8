"""OP-31 to OP-33: problems, rows and streams beside what was asked for."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg, special
from torch import Tensor

from lpfl.linalg import haar
from lpfl.linalg.covariance import FAMILIES, ROTATIONS, CovarianceSpec
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.seeding import derive_seed, generator
from lpfl.verify.check import check
from lpfl.verify.expect import Below, ChiSquare, Comparison, Same, Scale, UniformLaw
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.drawing import SIZE
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import scenarios as single_index
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import judgement, rounding
from lpfl.verify.trial import Trial, as_numpy

SHAPE = judgement(0.25, "a basis whose entries have one sign is 0.5 away from Haar")
COPIES = Scale(4.0, "judgement: if all replicates were copies the ratio would be their number")
HEAD_SPECTRUM = (3.0, 2.0, 1.0)  # distinct, so that every eigenvector is one direction
HEAD_ROWS = 4
WIDEST = Scale(1.5, "judgement: the variance that the root of a covariance gives is twice as large")
BATCHES = 32
DIGITS = 10  # to which two replicates that should differ are compared
INPUT_DIM = Integers("input_dim", 3, 8)
BATCH_SIZE = Integers("batch_size", 3, 8)
OUTPUT_DIM = Integers("output_dim", 2, 4)
TILT = Reals("tan_angle", 0.05, 3.0, log=True)
AXES = (INPUT_DIM, Integers("rank", 1, 2), OUTPUT_DIM, setup.COVARIANCE, setup.HEAD_COND, TILT)


@check("OP-31", AXES, decisions=4)
def problems(trial: Trial) -> Iterator[Comparison]:
    """Draw starts, heads, representations, covariances and bases; read what they are."""
    trial.admit()
    problem = setup.draw_truth(trial, replicates=4)
    exact = rounding(trial.dtype, dim=4 * trial.input_dim)
    yield from starts(trial, problem.representation_star)
    spectrum = setup.head_eigenvalues(trial.scenario)
    gram = problem.head_star.mT @ problem.head_star
    yield Same(
        part="head",
        measured=torch.linalg.eigvalsh(gram).flip(-1),
        predicted=spectrum,
        tolerance=exact,
        scale=1.0,
    )
    rows = problem.representation_star
    yield Same(
        part="representation",
        measured=rows @ rows.mT,
        predicted=np.eye(trial.rank),
        tolerance=exact,
        axes=2,
    )
    yield from covariances(trial)
    yield from bases(trial)


def bases(trial: Trial) -> Iterator[Comparison]:
    """Read one entry of many random bases, representations, and eigenvectors of heads."""
    draws = trial.replicates(math.ceil(2.0 * math.log(2.0 / trial.alpha) / SHAPE.value**2))
    d = trial.input_dim
    basis = haar(draws, d, trial.stream("haar"), trial.dtype)
    rows = model.draw_representation(draws, trial.rank, d, trial.stream("row"), trial.dtype)
    for part, entry in (("haar", basis[:, 0, 0]), ("row", rows[:, 0, 0])):
        inside = inside_sphere(entry, d)
        transforms = (1.0 + np.sign(as_numpy(entry)) * inside) / 2.0
        yield UniformLaw(part=part, transforms=transforms, distance=SHAPE)
    eigenvalues = trial.tensor(np.array(HEAD_SPECTRUM))
    heads = model.draw_head(draws, eigenvalues, HEAD_ROWS, trial.stream("head bases"))
    left, _, right = torch.linalg.svd(heads, full_matrices=False)
    for label, entry in (("FᵀF", right[:, 0, 0]), ("FFᵀ", left[:, 0, 0])):
        size = len(HEAD_SPECTRUM) if label == "FᵀF" else HEAD_ROWS
        inside = inside_sphere(entry, size)
        yield UniformLaw(part="head_bases", transforms=inside, distance=SHAPE, label=label)


def inside_sphere(entry: Tensor, dim: int) -> NDArray[np.float64]:
    """Return the share of the unit sphere whose first coordinate is smaller in size."""
    share = special.betainc(0.5, (dim - 1) / 2.0, np.minimum(np.square(as_numpy(entry)), 1.0))
    return np.asarray(share, dtype=np.float64)


def starts(trial: Trial, G_star: Tensor) -> Iterator[Comparison]:
    """Measure the angles of tilted starts, and the gauge of those that have one."""
    tolerance = rounding(
        trial.dtype, dim=4 * trial.input_dim, condition=4.0 * (1.0 + trial.tan_angle**2) ** 1.5
        / min(trial.tan_angle, 1.0),
    )  # fmt: skip
    for gauge in (True, False):
        G = model.tilt(G_star, trial.tan_angle, trial.stream("tilt"), gauge=gauge)
        angles = [
            linalg.subspace_angles(as_numpy(a).T, as_numpy(b).T).max()
            for a, b in zip(G, G_star, strict=True)
        ]
        yield Same(
            part="tilt",
            measured=np.tan(angles),
            predicted=trial.tan_angle,
            tolerance=tolerance,
            label="with a gauge" if gauge else "without",
        )
        s = torch.linalg.svdvals(G @ G_star.mT)
        spread = torch.maximum(s, 1.0 / s).max(-1).values
        yield Below(
            part="gauge",
            measured=spread if gauge else spread.square(),
            limit=trial.number("gauge") if gauge else np.ones(len(G)),
            tolerance=tolerance,
            label="with a gauge" if gauge else "without",
        )


def covariances(trial: Trial) -> Iterator[Comparison]:
    """Read trace, condition number and root of a covariance of every family and rotation."""
    d, asked = trial.input_dim, trial.covariance.log10_cond
    exact = rounding(trial.dtype, dim=4 * d, condition=10.0 ** (2.0 * asked))
    for family, rotation in product(FAMILIES, ROTATIONS):
        spec = CovarianceSpec(d, family, asked, rotation, 1)
        matrix, root = (as_numpy(M) for M in (spec.matrix(), spec.root()))
        label = f"{family}, {rotation} rotation"
        yield Same(
            part="trace",
            measured=np.trace(matrix),
            predicted=trial.number("trace"),
            tolerance=rounding(trial.dtype, dim=d),
            label=label,
        )
        yield Same(
            part="root",
            measured=root @ root,
            predicted=matrix,
            tolerance=rounding(trial.dtype, dim=4 * d),
            axes=2,
            label=label,
        )
        if family in ("ar1", "identity"):
            continue
        values = np.linalg.eigvalsh(matrix)
        yield Same(
            part="condition",
            measured=values[-1] / values[0],
            predicted=10.0**asked,
            tolerance=exact,
            label=label,
        )


@check("OP-32", (INPUT_DIM, BATCH_SIZE, OUTPUT_DIM, Reals("noise_std", 0.1, 2.0)), decisions=8)
def rows_and_moments(trial: Trial) -> Iterator[Comparison]:
    """Whiten what is drawn and add up squares, by rows and by moments."""
    d, m, n = trial.input_dim, trial.output_dim, trial.batch_size
    trial.admit()
    free = min(n * d, n * m, min(n, d) * m)
    replicates = trial.replicates(SIZE.replicates(trial.alpha, free, least=16))
    spec = CovarianceSpec(d, "geometric", 1.0, "haar", 0)
    truth = Scenario({"input_dim": d, "rank": 1, "output_dim": m, "head_log10_cond": 0.0,
                      "covariance": spec})  # fmt: skip
    problem = setup.draw_truth(
        Trial(trial.claim, truth, trial.seed, trial.alpha, trial.device, trial.dtype),
        replicates=replicates,
        noise_std=trial.noise_std,
    )
    precision = torch.linalg.inv(problem.cov_x)
    batch = model.sample(problem, n, trial.stream("rows"))
    drawn = sample_moments(problem, n, trial.stream("moments"))
    square = partial(ChiSquare, scale=SIZE)
    values, vectors = torch.linalg.eigh(problem.cov_x)
    widest, variance = vectors[:, -1], float(values[-1])
    for label, cov_x in (("rows", batch.cov_x), ("moments", drawn.cov_x)):
        free = round(trial.number("widest"))
        totals = n * (widest @ cov_x @ widest) / variance
        yield ChiSquare(
            part="widest", totals=as_numpy(totals), dof=free, scale=WIDEST, unit=free, label=label
        )
        totals = n * (precision @ cov_x).diagonal(dim1=-2, dim2=-1).sum(-1)
        free = round(trial.number("inputs"))
        yield square(part="inputs", totals=as_numpy(totals), dof=free, unit=free, label=label)
    assert batch.inputs is not None
    assert batch.targets is not None
    noise = (batch.targets - batch.inputs @ problem.product_star.mT) / trial.noise_std
    free = round(trial.number("noise"))
    yield square(part="noise", totals=as_numpy(noise.square().sum((-2, -1))), dof=free, unit=free)
    cross = drawn.cross - problem.product_star @ drawn.cov_x
    inner = cross @ torch.linalg.pinv(drawn.cov_x, rtol=1e-9) * cross
    free = round(trial.number("moment_noise"))
    yield square(
        part="moment_noise",
        totals=as_numpy(n * inner.sum((-2, -1)) / trial.noise_std**2),
        dof=free,
        unit=free,
    )
    free = round(trial.number("replicates"))
    sums = []
    for at in range(trial.replicates(BATCHES)):
        inputs = model.sample(problem, n, trial.stream("batch", at)).inputs
        assert inputs is not None
        sums.append((inputs @ torch.linalg.inv(problem.root)).sum(0) / replicates**0.5)
    totals = as_numpy(torch.cat(sums).square().sum(-1))
    yield ChiSquare(part="replicates", totals=totals, dof=free, scale=COPIES, unit=free)
    yield from signs(trial, trial.replicates(SIZE.replicates(trial.alpha, d)))


def signs(trial: Trial, replicates: int) -> Iterator[Comparison]:
    """Draw signs with an identity covariance: their size, and sums over the rows of a batch."""
    d, n = trial.input_dim, trial.batch_size
    eye = trial.tensor(np.eye(d))
    head = model.draw_head(replicates, eye[0, :1], trial.output_dim, trial.stream("head"))
    G = model.draw_representation(replicates, 1, d, trial.stream("star"), trial.dtype)
    problem = model.LinearRepresentation(head, G, eye, eye, 0.0, "rademacher")
    inputs = model.sample(problem, n, trial.stream("signs")).inputs
    assert inputs is not None
    exact = rounding(trial.dtype, dim=1)
    size = trial.number("sign_size")
    yield Same(part="sign_size", measured=inputs.abs(), predicted=size, tolerance=exact)
    free = round(trial.number("sign_mean"))
    totals = as_numpy(inputs.sum(-2).square().sum(-1) / n)
    yield ChiSquare(part="sign_mean", totals=totals, dof=free, scale=SIZE, unit=free)


@check("OP-33", (INPUT_DIM,))
def streams(trial: Trial) -> Iterator[Comparison]:
    """Open many names; draw replicates in blocks and count those that differ."""
    trial.admit()
    exact = rounding(trial.dtype, dim=1)
    names = [("batch", t) for t in range(8)] + [("other", t) for t in range(8)]
    paths = [(seed, *name, *more) for seed in (0, 1) for name in names for more in ((), ("x",))]
    first = [torch.rand(4, generator=generator(*path), device="cpu").tolist() for path in paths]
    again = [
        torch.rand(4, generator=generator(*path), device="cpu").tolist() for path in reversed(paths)
    ]
    yield Same(part="same", measured=again[::-1], predicted=first, tolerance=exact, scale=1.0)
    seeds = {derive_seed(*path) for path in paths}
    yield Same(
        part="distinct",
        measured=[len(seeds), len({tuple(numbers) for numbers in first})],
        predicted=len(paths),
        tolerance=exact,
    )
    own = {
        (path, float(torch.rand(1, generator=trial.stream(*path), device=trial.device)))
        for path in (("a", 0), ("a", 1), ("b", 0))
    }
    yield Same(
        part="distinct",
        measured=len({number for _, number in own}),
        predicted=3,
        tolerance=exact,
        label="of one trial",
    )
    yield from blocks(trial)


def blocks(trial: Trial) -> Iterator[Comparison]:
    """Draw teachers, moments, networks and rows in blocks of eight replicates."""
    d, count = trial.input_dim, 3 * 8
    values = {"input_dim": d, "covariance": CovarianceSpec(d), "aspect": 0.5, "link": "tanh",
              "noise_std": 0.3, "width_ratio": 1.0}  # fmt: skip
    inner = Trial(trial.claim, Scenario(values), trial.seed, trial.alpha, trial.device, trial.dtype)

    def measure(problem: single_index.model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = single_index.draw_moments(inner, problem, block)
        layer = layers.draw(inner, problem, block)
        return {
            "teachers": problem.teacher[:, 0],
            "batches": batch.target_power,  # the same for every teacher
            "networks": layer.network.first_layer[:, 0, 0],
            "rows": layer.batch.inputs[:, 0, 0],
        }

    drawn = single_index.replicated(inner, count, measure, entries=single_index.BLOCK_NUMBERS)
    for name, numbers in drawn.items():
        yield Same(
            part="blocks",
            measured=len(set(numbers.round(DIGITS).tolist())),
            predicted=count,
            tolerance=rounding(trial.dtype, dim=1),
            label=name,
        )
