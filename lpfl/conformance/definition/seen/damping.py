"""With which dampings a layer-wise subject steps, told from its updates where no reading fits.

The direction of a step between two damped inverses tells the damping of either factor, in units
of that factor; a factor that is off by a multiple shows as a damping off by its inverse.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np
import torch
from scipy.optimize import minimize, minimize_scalar
from torch import Tensor

from lpfl.conformance.definition.layer_conventions import LOOSE, LayerComparison, LayerFit
from lpfl.conformance.definition.layer_runs import LayerRun
from lpfl.conformance.oracles.layer_axes import COUPLED, DAMPING, JOINED, RENEWED, TAKES
from lpfl.conformance.oracles.layer_steps import dampings, decayed, factors, slope

SAME = 1e-2
"""Relative difference up to which two dampings are one."""
GRID = [x / 2 for x in range(-10, 7)]
"""Powers of ten at which a search for two dampings may start."""
SPLIT = (0, 1, 2, 5, 6)
"""Kinds of damping that give every factor a damping of its own."""

Error = Callable[[float], float]


@dataclass(frozen=True)
class Pair:
    """The dampings of the input and the output factor of one layer."""

    inputs: float
    outputs: float

    def like(self, other: "Pair") -> bool:
        """Return whether both dampings are the other's."""
        pairs = ((self.inputs, other.inputs), (self.outputs, other.outputs))
        return all(abs(math.log(a / b)) < SAME for a, b in pairs if a > 0 and b > 0)

    def turned(self) -> "Pair":
        """Return the dampings exchanged."""
        return Pair(self.outputs, self.inputs)


def least(error: Error, asked: float) -> tuple[float, float]:
    """Return the damping of the least error near ``asked``, by powers of ten, and that error."""
    at = lambda log: error(asked * 10**log)  # noqa: E731
    best = min(range(-8, 9), key=lambda log: at(log / 2)) / 2
    found = minimize_scalar(
        at, bounds=(best - 0.5, best + 0.5), method="bounded", options={"xatol": 1e-7}
    )
    return asked * 10 ** float(found.x), float(found.fun)


def pair_seen(update: Tensor, grad: Tensor, A: Tensor, G: Tensor) -> tuple[Pair, float]:
    """Return the dampings with which an update fits best, any length allowed, and the error."""
    a, U = torch.linalg.eigh(A)
    g, V = torch.linalg.eigh(G)
    turned, seen = (V.T @ grad @ U).numpy(), (V.T @ update @ U).numpy()
    by_a, by_g = a.clamp(min=0).numpy(), g.clamp(min=0).numpy()
    size = float(np.linalg.norm(seen)) or 1.0

    def error(logs: Sequence[float]) -> float:
        on_a, on_g = (10.0 ** float(np.clip(log, -12, 6)) for log in logs)
        step = turned / ((by_g[:, None] + on_g) * (by_a + on_a))
        share = float((step * seen).sum() / max(float((step * step).sum()), 1e-300))
        return float(np.linalg.norm(seen - share * step)) / size

    start = min(((x, y) for x in GRID for y in GRID), key=error)
    found = minimize(error, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    on_a, on_g = (10.0 ** float(x) for x in found.x)
    return Pair(on_a, on_g), float(found.fun)


def pairs_seen(
    comparison: LayerComparison, run: LayerRun, fit: LayerFit
) -> tuple[list[Pair], list[tuple[Tensor, Tensor]]] | None:
    """Return the dampings of every layer in the first step, and its factors; None if none fit."""
    o = SimpleNamespace(**{**comparison.oracle.options, **run.options, **fit.hidden})
    pairs, both = [], []
    for W, layer, u in zip(run.weights[0], run.seen[0], run.moves()[0], strict=True):
        grad, update = slope(W, layer, o, fit.convention), u
        if fit.convention["weight decay"] != COUPLED:
            update = u + o.lr * decayed(W, layer, o, fit.convention)
        A, G = factors(layer, fit.convention)
        if layer.has_bias and fit.convention["bias"] != "joined to the weights":
            grad, update, A = grad[:, :-1], update[:, :-1], A[:-1, :-1]
        pair, left = pair_seen(update, grad, A, G)
        if left > LOOSE:
            return None
        pairs.append(pair)
        both.append((A, G))
    return pairs, both


def in_words(pairs: list[Pair], both: list[tuple[Tensor, Tensor]], damping: float) -> str:
    """Return what the dampings of the layers are, beside those of the definition."""
    split = [torch.linalg.eigvalsh(A) for A, _ in both], [torch.linalg.eigvalsh(G) for _, G in both]
    known = {
        DAMPING[i]: [
            Pair(*dampings(a, g, damping, DAMPING[i])) for a, g in zip(*split, strict=True)
        ]
        for i in SPLIT
    }
    for kind, wanted in known.items():
        crossed = all(p.like(w.turned()) for p, w in zip(pairs, wanted, strict=True))
        if crossed and not all(p.like(w) for p, w in zip(pairs, wanted, strict=True)):
            return f"the damping ({kind}) is split between the two factors the wrong way round"
    if all(p.like(pairs[0]) for p in pairs):
        one = pairs[0]
        return (
            f"the input factors are damped by {one.inputs:.3g} and the output factors by "
            f"{one.outputs:.3g}, with damping {damping:g}"
        )
    far = lambda kind: sum(distance(p, w) for p, w in zip(pairs, known[kind], strict=True))  # noqa: E731
    nearest = min(known, key=far)
    said = [
        f"in layer {i} inputs by {p.inputs:.3g} and outputs by {p.outputs:.3g}, not {w.inputs:.3g} "
        f"and {w.outputs:.3g}"
        for i, (p, w) in enumerate(zip(pairs, known[nearest], strict=True), 1)
    ]
    return f"the factors are not damped as by {nearest!r}: {'; '.join(said)}"


def distance(one: Pair, other: Pair) -> float:
    """Return how far two pairs are apart, in powers of e."""
    pairs = ((one.inputs, other.inputs), (one.outputs, other.outputs))
    return sum(abs(math.log(max(a, 1e-12) / max(b, 1e-12))) for a, b in pairs)


def each_step(
    comparison: LayerComparison, run: LayerRun, near: LayerFit
) -> tuple[LayerFit, list[float]] | None:
    """Return the damping of each step with which a reading like ``near`` fits; None if none does.

    Kinds of damping and of averages are tried; the rest is as in ``near``.
    """
    axes = comparison.oracle.conventions
    if near.convention["weight decay"] == JOINED:  # what momentum carries over holds decays too
        return None
    kinds = dict.fromkeys([near.convention["damping"], *axes["damping"]])
    for damping, average in itertools.product(kinds, axes["average"]):
        told = {"damping": damping, "average": average, "average takes": TAKES[0]}
        convention = {**near.convention, **told, "renewed": RENEWED[0]}
        fit, seen = LayerFit(convention, near.hidden), []
        for t, update in enumerate(without_memory(run, fit)):
            found, left = least(partial(_apart, comparison, run, fit, t, update), _asked(run))
            if left > LOOSE:
                break
            seen.append(found)
        if len(seen) == len(run.moves()):
            return fit, seen
    return None


def step_by_step(
    comparison: LayerComparison, run: LayerRun, fit: LayerFit, seen: Sequence[float]
) -> str:
    """Return the damping of each step in words, or its length where the damping is as asked."""
    if any(abs(damping / _asked(run) - 1) > SAME for damping in seen):
        said = ", ".join(f"{damping:.3g}" for damping in seen)
        return f"it steps as if damping were {said} from step to step"
    rows = enumerate(without_memory(run, fit))
    said = ", ".join(
        f"{share(u, reference(comparison, run, fit, t, _asked(run))):.4g}" for t, u in rows
    )
    return f"without what momentum carries over, steps are {said} times the definition's"


def _asked(run: LayerRun) -> float:
    return float(run.options["damping"])


def without_memory(run: LayerRun, fit: LayerFit) -> list[Tensor]:
    """Return the updates without decoupled decay and without what momentum carries over."""
    o = SimpleNamespace(**{**run.options, **fit.hidden})
    mean, rows, out = float(run.options.get("momentum") or 0.0), [], []
    for weights, seen, moves in zip(run.weights, run.seen, run.moves(), strict=False):
        row = []
        for W, layer, u in zip(weights, seen, moves, strict=True):
            coupled = fit.convention["weight decay"] == COUPLED
            row.append(
                (u if coupled else u + o.lr * decayed(W, layer, o, fit.convention)).flatten()
            )
        rows.append(torch.cat(row))
        out.append(rows[-1] - mean * rows[-2] if len(rows) > 1 else rows[-1])
    return out


def _apart(
    comparison: LayerComparison,
    run: LayerRun,
    fit: LayerFit,
    t: int,
    update: Tensor,
    damping: float,
) -> float:
    """Return how far step t is from a multiple of the reading's with this damping."""
    refs = reference(comparison, run, fit, t, damping)
    return float((update - share(update, refs) * refs).norm() / update.norm().clamp(min=1e-300))


def reference(
    comparison: LayerComparison, run: LayerRun, fit: LayerFit, t: int, damping: float
) -> Tensor:
    """Return step t of a reading with this damping, flat, without momentum and decoupled decay."""
    coupled = fit.convention["weight decay"] == COUPLED
    bare = {} if coupled else {"weight_decay": 0.0}
    hidden = {**fit.hidden, **bare, "damping": damping, "momentum": 0.0}
    wanted = comparison.wanted(run, LayerFit(fit.convention, hidden), t + 1)[t]
    return torch.cat([x.flatten() for x in wanted])


def share(update: Tensor, refs: Tensor) -> float:
    """Return the multiple of a reference that is nearest to an update."""
    return float(update.dot(refs) / refs.dot(refs).clamp(min=1e-300))
