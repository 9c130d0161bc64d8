"""Monte-Carlo runs of the single-index experiments: numbers per replicate, streams by name."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl import precondition
from lpfl.experiments.core.experiment import Options
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.measure.alignment import alignment, top_singular
from lpfl.one_step import scaled_gradient
from lpfl.problems import single_index as model
from lpfl.problems.single_index import directions
from lpfl.problems.single_index.moments import Moments, sample_moments
from lpfl.problems.single_index.network import TwoLayerNetwork, initialise
from lpfl.seeding import generator

Samples = NDArray[np.float64]
POLAR_STEP = 2.0


def covariance(setting: Setting, options: Options) -> Tensor:
    """Return Sigma (d, d), or its diagonal (d,) where it has no rotation."""
    if setting.covariance.rotation == "none":
        return torch.from_numpy(setting.covariance.spectrum()).to(options.device)
    return setting.covariance.matrix(device=options.device)


def draw(
    setting: Setting, options: Options, *, replicates: int, stream: torch.Generator
) -> model.SingleIndexProblem:
    """Return the problem of a setting, with a teacher for each replicate."""
    return model.draw_problem(
        covariance(setting, options),
        replicates=replicates,
        generator=stream,
        link=setting.link,
        noise_std=setting.noise_std,
    )


def problems(
    setting: Setting, options: Options, *, replicates: int, tag: str
) -> Iterator[tuple[model.SingleIndexProblem, torch.Generator]]:
    """Yield one problem with its own teacher and its own stream for each replicate."""
    for replicate in range(replicates):
        stream = generator(options.seed, tag, setting.dim, replicate, device=options.device)
        yield draw(setting, options, replicates=1, stream=stream), stream


def direction_of(name: str, batch: Moments, *, damping: float | None = None) -> Tensor:
    """Return the direction (R, d) of "sgd", "kfac" (damping needed) or "batch_norm"."""
    if name == "kfac":
        if damping is None:
            raise ValueError("damping=None, needs a number >= 0 for 'kfac'")
        return directions.kfac_direction(batch, damping=damping)
    known = {"sgd": directions.sgd_direction, "batch_norm": directions.centred_direction}
    return known[name](batch)


def direction_alignments(
    setting: Setting,
    options: Options,
    *,
    methods: Mapping[str, tuple[str, float | None]],
    replicates: int,
    tag: str,
) -> dict[str, dict[str, Samples]]:
    """Return label -> weight -> squared alignments (R,), from exact moments of the batch.

    methods: label -> (method, damping); the methods of one replicate share its batch.
    """
    found: list[dict[str, dict[str, float]]] = []
    for problem, stream in problems(setting, options, replicates=replicates, tag=tag):
        batch = sample_moments(problem, setting.samples, generator=stream)
        row = {}
        for label, (name, damping) in methods.items():
            beta = direction_of(name, batch, damping=damping)
            row[label] = both_alignments(beta, problem)
        found.append(row)
    return {
        label: {
            weight: np.array([row[label][weight] for row in found])
            for weight in ("identity", "covariance")
        }
        for label in methods
    }


def both_alignments(beta: Tensor, problem: model.SingleIndexProblem) -> dict[str, float]:
    """Return rho^2 and rho_S^2 of a direction (1, d)."""
    teacher = problem.teacher
    weighted = alignment(beta, teacher, weight=problem.covariance)
    return {"identity": float(alignment(beta, teacher)), "covariance": float(weighted)}


def stepped(
    problem: model.SingleIndexProblem, setting: Setting, stream: torch.Generator
) -> tuple[TwoLayerNetwork, model.Sample, Tensor]:
    """Return a fresh network, a batch of rows, and ``sqrt(N) grad_G`` (1, N, d) on that batch."""
    network = initialise(
        replicates=1,
        dim=setting.dim,
        width=setting.width,
        generator=stream,
        activation=setting.activation,
    )
    rows = model.sample(problem, setting.samples, generator=stream)
    return network, rows, scaled_gradient(network, rows.inputs, rows.targets)


def weight_alignments(
    setting: Setting,
    options: Options,
    *,
    replicates: int,
    tag: str,
    methods: Iterable[str] = ("sign", "polar", "head"),
) -> dict[str, Samples]:
    """Return squared alignments (R,) that need the weights of a real network.

    "sign": top right singular vector of the sign of the gradient (Adam's first step). "polar": of
    the weights after a step of size 2 along the polar factor O (Muon). "head": of O'f.
    """
    found: dict[str, list[float]] = {name: [] for name in methods}
    for problem, stream in problems(setting, options, replicates=replicates, tag=tag):
        network, rows, gradient = stepped(problem, setting, stream)
        polar = precondition.polar(gradient, rows.inputs) if _needs_polar(found) else gradient
        for name, values in found.items():
            if name == "sign":
                beta = top_right(precondition.adam_first(gradient, rows.inputs))
            elif name == "polar":
                beta = top_right(network.first_layer - POLAR_STEP * polar)
            else:
                beta = torch.einsum("rk,rkd->rd", network.second_layer, polar)
            values.append(float(alignment(beta, problem.teacher)))
    return {name: np.array(values) for name, values in found.items()}


def _needs_polar(methods: Iterable[str]) -> bool:
    return not {"polar", "head"}.isdisjoint(methods)


def top_right(matrix: Tensor) -> Tensor:
    """Return the top right singular vector (R, d)."""
    return top_singular(matrix).right[..., 0]
