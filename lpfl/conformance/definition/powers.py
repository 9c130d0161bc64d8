"""Which powers of which statistics a step puts on the left and on the right of a gradient.

A subject sees one matrix G for some steps. Then a gradient too small to count in any statistic
is put in, and the response is read off: for a Kronecker-factored method it is A E B, and A and B
are powers of G G' and G'G, damped.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lpfl.conformance.subject import Subject

SIDE = 4
STEPS = 4
PROBE = 1e-6
RANK_ONE = 1e-3
FITS = 5e-3
CORRECTED = 1.65
"""Below, the weight gathered is that of a bias-corrected average, whatever its memory."""
DAMPINGS = np.concatenate([[0.0], np.logspace(-9, 1, 101)])


@dataclass(frozen=True)
class Powers:
    """u = A E B with A = (G G' + damping)^-left, B = (G'G + damping)^-right, up to a factor.

    The dampings are in units of G G'. gathered: weight of G in the statistic after ``STEPS``
    steps over that after one, from 1 (one step is like many) to ``STEPS`` (a sum).
    """

    left: float
    right: float
    left_damping: float
    right_damping: float
    gathered: float

    def average(self) -> tuple[str, float]:
        """Return how the statistic is averaged, and the weight of G G' in it after ``STEPS``.

        The small gradient that is put in last counts as one more step, of weight zero.
        """
        if abs(self.gathered - STEPS) < FITS * STEPS:
            return "statistics summed", float(STEPS)
        beta = np.linspace(0.0, 1.0, 2001)[1:-1]
        plain = beta * (1 - beta**STEPS)
        corrected = plain / (1 - beta ** (STEPS + 1))
        ratios = {
            "no bias correction": (plain, plain / (beta * (1 - beta))),
            "bias corrected": (corrected, corrected / (beta * (1 - beta) / (1 - beta**2))),
        }
        words = "bias corrected" if self.gathered < CORRECTED else "no bias correction"
        weights, ratio = ratios[words]
        return words, float(weights[np.abs(ratio - self.gathered).argmin()])

    def damping(self) -> float:
        """Return the damping in the units of the statistic."""
        return self.average()[1] * max(self.left_damping, self.right_damping)

    def words(self) -> str:
        """Return the powers as a phrase."""
        parts = [f"left power {self.left:.3g}", f"right power {self.right:.3g}"]
        if self.damping() > 0:
            parts.append(f"damping {self.damping():.2g} added to the statistic")
        if self.left or self.right:
            parts.append(self.average()[0])
        return ", ".join(parts)


def powers(subject: Subject) -> Powers | None:
    """Return the powers of a subject, or None if its response is not a Kronecker product."""
    draw = subject.stream("powers")
    start = torch.randn(SIDE, SIDE, generator=draw, dtype=torch.float64)
    G = torch.randn(SIDE, SIDE, generator=draw, dtype=torch.float64)
    late, early = response(subject, start, G, STEPS), response(subject, start, G, 1)
    if late is None or early is None:
        return None
    sides = {steps: both_sides(K, G) for steps, K in ((STEPS, late), (1, early))}
    now, first = sides[STEPS], sides[1]
    if now is None or first is None:
        return None
    (left, left_damping), (right, right_damping) = now
    gathered = 1.0
    if left_damping or right_damping:
        side = 0 if left_damping >= right_damping else 1
        gathered = first[side][1] / now[side][1]
    elif left + right > 0:
        gathered = float(late.norm() / early.norm()) ** (-1 / (left + right))
    return Powers(left, right, left_damping, right_damping, gathered)


def both_sides(K: Tensor, G: Tensor) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return power and damping on the left and on the right of a response, or None."""
    parts = kronecker(K)
    if parts is None:
        return None
    left, right = (fitted(part, S) for part, S in zip(parts, (G @ G.T, G.T @ G), strict=True))
    return None if left is None or right is None else (left, right)


def response(subject: Subject, start: Tensor, G: Tensor, steps: int) -> Tensor | None:
    """Return the change of the step per unit of each entry of a small gradient, (n n, n n)."""
    columns = []
    still = last_step(subject, start, [G] * steps + [torch.zeros_like(G)])
    for i in range(G.numel()):
        E = torch.zeros(G.numel(), dtype=G.dtype)
        E[i] = PROBE
        moved = last_step(subject, start, [G] * steps + [E.reshape(G.shape)])
        columns.append((moved - still).reshape(-1) / PROBE)
    found = torch.stack(columns, 1)
    return found if bool(found.isfinite().all()) and float(found.norm()) > 0 else None


def last_step(subject: Subject, start: Tensor, gradients: list[Tensor]) -> Tensor:
    """Return the update of the last of these gradients, without weight decay where it can be."""
    options = {"weight_decay": 0.0} if subject.accepts("weight_decay") else {}
    values = subject.run([start], [[g] for g in gradients], options=options).values
    return values[-1][0] - values[-2][0]


def kronecker(K: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return A and B with K vec(E) = vec(A E B), or None if there are none."""
    n = SIDE
    blocks = K.reshape(n, n, n, n).permute(0, 2, 3, 1).reshape(n * n, n * n)
    U, s, Vh = torch.linalg.svd(blocks)
    if float(s[1]) > RANK_ONE * float(s[0]):
        return None
    return U[:, 0].reshape(n, n), Vh[0].reshape(n, n)


def candidates(unit: float, values: np.ndarray, sizes: np.ndarray) -> list[float]:
    """Return dampings to try: a coarse grid, and a fine one about its best."""

    def bend(damping: float) -> float:
        x = np.log(values + damping)
        slope, offset = np.polyfit(x, np.log(sizes), 1)
        return float(np.abs(slope * x + offset - np.log(sizes)).max())

    coarse = [float(d) * unit for d in DAMPINGS]
    best = min(coarse, key=bend)
    return [*coarse, *(float(best * 10**e) for e in np.linspace(-0.1, 0.1, 41))]


def fitted(A: Tensor, S: Tensor) -> tuple[float, float] | None:
    """Return power and damping with A proportional to (S + damping I)^-power, or None."""
    values, vectors = torch.linalg.eigh(S)
    turned = vectors.T @ A @ vectors
    off = turned - torch.diag(turned.diagonal())
    if float(off.norm()) > 10 * RANK_ONE * float(turned.norm()):
        return None
    sizes = turned.diagonal().abs().numpy()
    best: tuple[float, float, float] = (float("inf"), 0.0, 0.0)
    for damping in candidates(float(values.mean()), values.numpy(), sizes):
        x = np.log(values.numpy() + damping)
        slope, offset = np.polyfit(x, np.log(sizes), 1)
        away = float(np.abs(slope * x + offset - np.log(sizes)).max())
        power = round(-slope * 24) / 24
        if away < FITS and abs(-slope - power) < FITS:
            away += 1e-6 * (damping > 0)
            best = min(best, (away, power, float(damping)))
    return None if best[0] == float("inf") else (abs(best[1]), best[2] if best[1] else 0.0)
