"""What one step does to the first layer of a two-layer network on single-index data.

y = tanh(beta*.x) + noise, x ~ N(0, S), S of two eigenvalues in general position; the network is
f(x) = N^{-1/2} f' tanh(G x), of which only G (N, d) is trained; it starts with entries N(0, 1/d).
The teacher has the same energy per dimension in both eigenspaces, and beta*' S beta* = 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.learning.layers import FixedHead, opened, squared_loss
from lpfl.conformance.learning.transforms import haar
from lpfl.conformance.oracles.layer_axes import LayerSeen
from lpfl.conformance.oracles.layer_steps import precondition
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.subject import Subject
from lpfl.seeding import generator

DIM, WIDTH, ROWS = 48, 128, 384
EIGENVALUES = (0.2, 1.8)
NOISE_STD = 0.3
STRENGTH = 2.5
"""Largest singular value of the update when spikes are looked for; the start's edge is 2.6."""
PATIENCE = 12


@dataclass(frozen=True)
class FirstStep:
    """start G0 (N, d), the update G1 - G0, teacher beta* (d,), covariance S (d, d), head f (N,)."""

    start: Tensor
    update: Tensor
    teacher: Tensor
    cov: Tensor
    head: Tensor

    def direction(self, by: str) -> Tensor:
        """Return the direction in the inputs that the step learned, (d,).

        by: "head" weighs the neurons' updates with the head; "spike" takes the top right singular
        vector of the update.
        """
        if by == "head":
            return self.head @ self.update
        return torch.linalg.svd(self.update, full_matrices=False)[2][0]

    def alignment(self, by: str = "head") -> float:
        """Return the squared cosine of the learned direction and beta*."""
        return _squared_cosine(self.direction(by), self.teacher)

    def bias(self, by: str = "head") -> float:
        """Return the squared cosine of the learned direction and S beta*."""
        return _squared_cosine(self.direction(by), self.cov @ self.teacher)

    def spike(self) -> tuple[float, float]:
        """Return the two largest singular values of G0 plus the update at size ``STRENGTH``."""
        top = torch.linalg.matrix_norm(self.update, 2)
        values = torch.linalg.svdvals(self.start + STRENGTH / top * self.update)
        return float(values[0]), float(values[1])


def _squared_cosine(a: Tensor, b: Tensor) -> float:
    return float((a @ b) ** 2 / (a @ a) / (b @ b))


@dataclass(frozen=True)
class Problem:
    """start G0 (N, d), head f (N,), rows X (n, d), labels Y (n, 1), teacher (d,), S (d, d)."""

    start: Tensor
    head: Tensor
    inputs: Tensor
    labels: Tensor
    teacher: Tensor
    cov: Tensor

    def seen(self) -> LayerSeen:
        """Return what the first layer sees in the first step."""
        hidden = torch.tanh(self.inputs @ self.start.mT)
        scale = self.head / math.sqrt(WIDTH)
        jacobian = (1 - hidden**2) * scale
        away = hidden @ scale[:, None] - self.labels
        return LayerSeen(self.inputs, away * jacobian, jacobian[None], has_bias=False)


@lru_cache(maxsize=64)
def problem(seed: int, replicate: int) -> Problem:
    """Return one problem, kept for the next optimizer; nobody changes it."""
    stream = generator(seed, "conformance", "single index", replicate)
    normal = lambda *shape: torch.randn(shape, generator=stream, dtype=torch.float64)  # noqa: E731
    half = DIM // 2
    basis = haar(DIM, stream)
    scales = torch.tensor(EIGENVALUES, dtype=torch.float64).repeat_interleave(half)
    parts = [normal(half), normal(half)]
    teacher = basis @ torch.cat([part / part.norm() for part in parts]) / math.sqrt(2)
    X = normal(ROWS, DIM) * scales.sqrt() @ basis.mT
    cov = basis * scales @ basis.mT
    Y = torch.tanh(X @ teacher * math.sqrt(1 / (teacher @ cov @ teacher)))
    Y = (Y + NOISE_STD * normal(ROWS))[:, None]
    start, head = normal(WIDTH, DIM) / math.sqrt(DIM), normal(WIDTH) / math.sqrt(WIDTH)
    return Problem(start, head, X, Y, teacher, cov)


def first_step(
    subject: Subject, replicate: int, *, options: Mapping[str, Any] | None = None
) -> FirstStep:
    """Return the first step that moves anything, on one batch.

    Raises: Undrivable if nothing moves, or not to finite values.
    """
    drawn = problem(subject.seed, replicate)
    start, head = drawn.start, drawn.head
    model = FixedHead(start, head[None, :] / math.sqrt(WIDTH), torch.tanh)
    session = opened(subject, model, options=dict(options or {}))
    for _ in range(PATIENCE):
        session.advance(squared_loss(model, drawn.inputs, drawn.labels))
        update = session.values()[0] - start
        if float(update.norm()) > 0:
            break
    if not bool(update.isfinite().all()) or float(update.norm()) == 0:
        raise Undrivable("the first steps do not move the first layer, or not to finite values")
    return FirstStep(start, update, drawn.teacher, drawn.cov, head)


def kfac_steps(subject: Subject, count: int, damping: float, kind: str) -> list[FirstStep]:
    """Return the first steps of KFAC itself on the same problems, with a kind of damping."""
    steps = []
    for replicate in range(count):
        drawn = problem(subject.seed, replicate)
        seen = drawn.seen()
        A, G = seen.input_moment, seen.exact_moment
        update = -precondition(seen.gradient, A, G, damping, kind)
        steps.append(FirstStep(drawn.start, update, drawn.teacher, drawn.cov, drawn.head))
    return steps


def first_steps(
    subject: Subject, count: int, *, options: Mapping[str, Any] | None = None
) -> list[FirstStep]:
    """Return first steps on independent problems, kept for the other checks."""
    key = ("first steps", count, repr(options))
    if key not in subject.memory:
        steps = [first_step(subject, r, options=options) for r in range(count)]
        subject.memory[key] = steps
    found: list[FirstStep] = subject.memory[key]
    return found
