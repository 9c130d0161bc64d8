"""Which weights and biases of a network step as a reading says, where not all of them do."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor

from lpfl.conformance.definition.layer_conventions import LOOSE, LayerComparison, LayerFit
from lpfl.conformance.definition.layer_runs import LayerRun
from lpfl.conformance.oracles.layer_axes import COUPLED, JOINED, LayerSeen
from lpfl.conformance.oracles.layer_steps import decayed

SHARP = 1e-3
"""Relative difference up to which two factors of a step are one."""
RIGHT, OTHER = "as defined", "another direction"


@dataclass(frozen=True)
class Parts:
    """A reading that some weights or biases follow, and what each of them does, in words."""

    reading: LayerFit
    found: dict[str, str]

    @property
    def told(self) -> tuple[int, int, int]:
        """How many layers have weights whose step is told; how many parts are right, or told."""
        weights = [said for place, said in self.found.items() if place.startswith("weights")]
        told = [said for said in self.found.values() if said != OTHER]
        return sum(said != OTHER for said in weights), told.count(RIGHT), len(told)

    @property
    def complete(self) -> bool:
        """Whether it is told of all of them how they step."""
        return OTHER not in self.found.values()

    def text(self) -> str:
        """Return what goes wrong where, and where nothing does."""
        kinds = list(dict.fromkeys(self.found.values()))
        kinds.sort(key=lambda said: said == RIGHT)
        return "; ".join(f"{self._where(said)}: {said}" for said in kinds)

    def _where(self, said: str) -> str:
        places = [place for place, other in self.found.items() if other == said]
        for kind in ("weights", "bias"):
            if places == [place for place in self.found if place.startswith(kind)]:
                return kind
        return ", ".join(places)


def parts_seen(
    comparison: LayerComparison, run: LayerRun, fits: Iterable[LayerFit]
) -> Parts | None:
    """Return the reading by which the weights of the most layers step; None if none do."""
    best = None
    for fit in fits:
        options = {**run.options, **fit.hidden}
        coupled = fit.convention["weight decay"] in (COUPLED, JOINED)
        bare = options if coupled else {**options, "weight_decay": 0.0}
        (wanted,) = comparison.oracle.updates(
            run.weights[:1], run.seen[:1], options=bare, convention=fit.convention
        )
        found: dict[str, str] = {}
        o = SimpleNamespace(**options)
        rows = zip(run.moves()[0], wanted, run.weights[0], run.seen[0], strict=True)
        for place, (update, step, W, layer) in enumerate(rows, 1):
            shrunk = 0.0 if coupled else o.lr * decayed(W, layer, o, fit.convention)
            found |= _layer(update + shrunk, step, layer, place, float(o.lr))
        parts = Parts(fit, found)
        if parts.told[0] and (best is None or parts.told > best.told):
            best = parts
    return best


def _layer(
    update: Tensor, step: Tensor, layer: LayerSeen, place: int, rate: float
) -> dict[str, str]:
    """Return what weights and bias of one layer do, by name."""
    plain = -rate * layer.gradient
    if not layer.has_bias:
        return {f"weights of layer {place}": _said(update, step, plain, rate)}
    halves = {"weights": slice(None, -1), "bias": slice(-1, None)}
    return {
        f"{name} of layer {place}": _said(update[:, part], step[:, part], plain[:, part], rate)
        for name, part in halves.items()
    }


def _said(update: Tensor, step: Tensor, plain: Tensor, rate: float) -> str:
    if not bool(update.any()):
        return "does not move"
    for reference, name in ((step, ""), (plain, "the plain gradient")):
        factor, rest = _multiple(update, reference)
        if rest <= LOOSE and abs(factor - 1) <= SHARP:
            return name or RIGHT
        if rest <= LOOSE:
            squared = abs(factor / rate - 1) <= SHARP
            of = f"{factor:.4g} times {name or 'what is defined'}"
            return of + (", lr enters squared" if squared else "")
    return OTHER


def _multiple(update: Tensor, reference: Tensor) -> tuple[float, float]:
    """Return by which multiple of a reference an update is told best, and the relative rest."""
    size, length = float(update.norm()), float(reference.norm())
    if not (0 < length < math.inf and math.isfinite(size)):
        return 0.0, 1.0
    factor = float(torch.sum(update * reference)) / length**2
    return factor, float((update - factor * reference).norm()) / size
