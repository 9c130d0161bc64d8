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
PROBE = 1e-6
RANK_ONE = 1e-3
FITS = 5e-3
DAMPINGS = np.concatenate([[0.0], np.logspace(-9, 1, 101)])


@dataclass(frozen=True)
class Powers:
    """u = A E B with A = (G G' + damping)^-left, B = (G'G + damping)^-right, up to a factor.

    growth: norm of the response after 4 steps over that after 1 step, 1 where statistics are
    bias-corrected or not averaged. damping is in the units of one step's G G'.
    """

    left: float
    right: float
    left_damping: float
    right_damping: float
    growth: float

    def words(self) -> str:
        """Return the powers as a phrase."""
        parts = [f"left power {self.left:g}", f"right power {self.right:g}"]
        damping = max(self.left_damping, self.right_damping)
        if damping > 0:
            parts.append(f"damping {damping:.2g} added to the statistic")
        total = self.left + self.right
        if total > 0.01:
            if abs(self.growth - 1) < FITS:
                parts.append("statistics bias-corrected or of one step")
            elif abs(self.growth - 4**-total) < FITS:
                parts.append("statistics summed")
            else:
                parts.append("no bias correction")
        return ", ".join(parts)


def powers(subject: Subject) -> Powers | None:
    """Return the powers of a subject, or None if its response is not a Kronecker product."""
    draw = subject.stream("powers")
    start = torch.randn(SIDE, SIDE, generator=draw, dtype=torch.float64)
    G = torch.randn(SIDE, SIDE, generator=draw, dtype=torch.float64)
    late, early = response(subject, start, G, 4), response(subject, start, G, 1)
    if late is None or early is None:
        return None
    parts = kronecker(late)
    if parts is None:
        return None
    left, right = (fitted(part, S) for part, S in zip(parts, (G @ G.T, G.T @ G), strict=True))
    if left is None or right is None:
        return None
    growth = float(late.norm() / early.norm())
    return Powers(left[0], right[0], left[1], right[1], growth)


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


def fitted(A: Tensor, S: Tensor) -> tuple[float, float] | None:
    """Return power and damping with A proportional to (S + damping I)^-power, or None."""
    values, vectors = torch.linalg.eigh(S)
    turned = vectors.T @ A @ vectors
    off = turned - torch.diag(turned.diagonal())
    if float(off.norm()) > 10 * RANK_ONE * float(turned.norm()):
        return None
    sizes = turned.diagonal().abs().numpy()
    best: tuple[float, float, float] = (float("inf"), 0.0, 0.0)
    for damping in DAMPINGS * float(values.mean()):
        x = np.log(values.numpy() + damping)
        slope, offset = np.polyfit(x, np.log(sizes), 1)
        away = float(np.abs(slope * x + offset - np.log(sizes)).max())
        power = round(-slope * 24) / 24
        if away < FITS and abs(-slope - power) < FITS:
            away += 1e-6 * (damping > 0)
            best = min(best, (away, power, float(damping)))
    return None if best[0] == float("inf") else (abs(best[1]), best[2] if best[1] else 0.0)
