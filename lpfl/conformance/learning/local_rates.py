"""How fast an optimizer learns the representation of y = F* G x near its solution.

The head is kept at F*; the representation G (k, d) starts at G* plus a small tilt along one
eigenvector of H = F*'F* and one of Sigma. Two runs with and without the tilt see the same
batches and the same noise, so their difference is the tilt alone; its decay per step is the
local rate of that direction.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.learning.cost import require_trainable
from lpfl.conformance.learning.layers import FixedHead, opened, squared_loss
from lpfl.conformance.learning.transforms import haar
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.subject import Subject

OUTPUTS, RANK, INPUTS = 6, 2, 8
Slope = Callable[[int, Tensor], Tensor]
TILT = 0.02
LEAST = 0.05
FAR = 1e6
"""Length of the representation, in that of its start, from which a run counts as not finite."""


@dataclass(frozen=True)
class Task:
    """The problem: condition numbers, noise, sizes, units.

    head_condition, cov_condition: of H and of Sigma on the complement of G*; largest eigenvalue 1.
    output_unit, input_unit: y and x are multiplied by them, with the function unchanged.
    whole: every batch has exactly the covariance Sigma.
    """

    head_condition: float = 16.0
    cov_condition: float = 16.0
    noise_std: float = 6.0
    rows: int = 64
    output_unit: float = 1.0
    input_unit: float = 1.0
    steps: int = 60
    whole: bool = False

    @property
    def head_eigenvalues(self) -> Tensor:
        """Eigenvalues of H, descending, (k,)."""
        return self.output_unit**2 * _even(self.head_condition, RANK)

    @property
    def cov_eigenvalues(self) -> Tensor:
        """Eigenvalues of Sigma, (d,): k in the row space of G*, then the complement, descending."""
        inside = torch.full((RANK,), self.cov_condition**-0.5, dtype=torch.float64)
        outside = _even(self.cov_condition, INPUTS - RANK)
        return self.input_unit**2 * torch.cat([inside, outside])


def _even(condition: float, count: int) -> Tensor:
    return condition ** -torch.linspace(0, 1, count, dtype=torch.float64)


@dataclass(frozen=True)
class Truth:
    """What is drawn once: head F* (m, k), G* (k, d), eigenvectors of H and of Sigma in columns."""

    head: Tensor
    representation: Tensor
    head_basis: Tensor
    cov_basis: Tensor

    def direction(self, i: int, j: int) -> Tensor:
        """Return the tilt along eigenvector i of H and j of Sigma on the complement, (k, d)."""
        return torch.outer(self.head_basis[:, i], self.cov_basis[:, RANK + j])


def draw_truth(subject: Subject, task: Task, replicate: int) -> Truth:
    """Return head and representation in general position."""
    stream = subject.stream("local rate", replicate)
    left, right = haar(OUTPUTS, stream)[:, :RANK], haar(RANK, stream)
    basis = haar(INPUTS, stream)
    turn = haar(RANK, stream)
    head = (left * task.head_eigenvalues.sqrt()) @ right.mT
    representation = turn @ basis[:, :RANK].mT / task.input_unit
    return Truth(head, representation, right, basis)


def draw_batches(
    subject: Subject, task: Task, truth: Truth, replicate: int
) -> list[tuple[Tensor, Tensor]]:
    """Return (inputs, targets) of every step."""
    stream = subject.stream("local rate batches", replicate)
    root = truth.cov_basis * task.cov_eigenvalues.sqrt()
    batches = []
    for _ in range(task.steps):
        Z = torch.randn(task.rows, INPUTS, generator=stream, dtype=torch.float64)
        E = torch.randn(task.rows, OUTPUTS, generator=stream, dtype=torch.float64)
        if task.whole:
            Z = torch.linalg.qr(Z)[0] * math.sqrt(task.rows)
        X = Z @ root.mT
        clean = X @ (truth.head @ truth.representation).mT
        batches.append((X, clean + task.noise_std * task.output_unit * E))
    return batches


def path(
    subject: Subject,
    truth: Truth,
    batches: list[tuple[Tensor, Tensor]],
    rate: float | None,
    *,
    tilt: Tensor | None = None,
    slope: Slope | None = None,
    options: Mapping[str, Any] | None = None,
) -> list[Tensor]:
    """Return the representation before the first step and after each, (k, d) in float64.

    slope: that of the batches, where another path has made it already.
    Raises: Undrivable for an optimizer that is too slow for these runs, or not finite.
    """
    require_trainable(subject)
    start = truth.representation if tilt is None else truth.representation + tilt
    model = FixedHead(start, truth.head)
    session = opened(subject, model, rate=rate, options=dict(options or {}))
    slope = slope or slopes(truth.head, batches)
    values = [session.values()[0]]
    far = FAR * float(start.norm())
    for t, (X, Y) in enumerate(batches):
        if not session.prescribes:
            session.advance(squared_loss(model, X, Y))
        else:
            session.step([slope(t, session.params[0].detach().cpu())])
        values.append(session.values()[0])
        if not float(values[-1].norm()) <= far:
            raise Undrivable("the representation does not stay finite")
    return values


def slopes(head: Tensor, batches: Sequence[tuple[Tensor, Tensor]]) -> Slope:
    """Return the function (batch, G) -> F'(F G X' - Y')X / n, the gradient of the loss in G (k, d).

    An optimizer that takes its gradients from p.grad needs no backward pass to be given them.
    """
    inner = head.mT @ head

    @functools.cache
    def moments(t: int) -> tuple[Tensor, Tensor]:
        X, Y = batches[t]
        return X.mT @ X / len(X), head.mT @ Y.mT @ X / len(X)

    def slope(t: int, G: Tensor) -> Tensor:
        inputs, both = (M.to(G.device) for M in moments(t))
        return inner.to(G.device) @ G @ inputs - both

    return slope


Corner = tuple[int, int]
Decays = dict[Corner, list[float]]


def decays(
    subject: Subject,
    task: Task,
    replicate: int,
    rate: float | None,
    corners: Sequence[Corner],
    *,
    options: Mapping[str, Any] | None = None,
) -> Decays:
    """Return what is left of a tilt after each step, for tilts along eigenvectors (i, j).

    The part along the tilt itself, in units of its start, with its sign.
    """
    truth = draw_truth(subject, task, replicate)
    batches = draw_batches(subject, task, truth, replicate)
    slope = slopes(truth.head, batches)
    plain = path(subject, truth, batches, rate, slope=slope, options=options)
    left = {}
    for i, j in corners:
        way = truth.direction(i, j)
        tilt = TILT / task.input_unit * way
        tilted = path(subject, truth, batches, rate, tilt=tilt, slope=slope, options=options)
        parts = [float(((a - b) * way).sum()) for a, b in zip(tilted, plain, strict=True)]
        left[i, j] = [part / parts[0] for part in parts]
    return left


def local_rate(runs: Sequence[Sequence[float]]) -> float:
    """Return 1 - multiplier per step of the mean over runs of what is left of a tilt.

    The slope of a line through the logarithms after the first third of the steps, as long as
    more than ``LEAST`` is left; NaN if nothing can be fitted.
    """
    mean = [sum(values) / len(runs) for values in zip(*runs, strict=True)]
    points = []
    for t, value in enumerate(mean):
        if value <= LEAST:
            break
        points.append((t, math.log(value)))
    late = [point for point in points if point[0] >= len(mean) // 3]
    points = late if len(late) >= 3 else points[-3:]
    if len(points) < 2:
        return 1.0 if len(mean) > 1 and abs(mean[1]) <= LEAST else math.nan
    mean_t = sum(t for t, _ in points) / len(points)
    mean_v = sum(v for _, v in points) / len(points)
    spread = sum((t - mean_t) ** 2 for t, _ in points)
    return 1.0 - math.exp(sum((t - mean_t) * (v - mean_v) for t, v in points) / spread)
