"""How far a first step is from all readings that differ in their decay alone.

The step of KFAC is linear in the gradient: with whatever decay, coupled or beside it, on whichever
entries and with whichever factor of a clip, it lies in the span of a few matrices. One fit on them
bounds from below what each of these readings leaves, so most of them need no fit of their own.
"""

import math
from types import SimpleNamespace
from typing import Any

import torch

from lpfl.conformance.definition.layer_runs import LayerRun
from lpfl.conformance.oracles.layer_axes import DECAYED
from lpfl.conformance.oracles.layer_steps import between, decayed, first_factors
from lpfl.conformance.oracles.layerwise import LayerOracle

AXES = ("weight decay", "decayed")
SLACK = 1e-9  # for the rounding of the fit
Reading = Any
"""A convention with its hidden options, see ``LayerFit``."""


class DecayApart:
    """Bounds for the readings of one run, one for all that agree but in ``AXES``."""

    def __init__(self, oracle: LayerOracle, run: LayerRun) -> None:
        self.oracle, self.run = oracle, run
        self._found: dict[tuple[Any, ...], float] = {}

    def bound(self, fit: Reading) -> float:
        """Return what of the first update no decay explains, as a share of it; 0 is no bound."""
        if not {**self.run.options, **fit.hidden}.get("weight_decay"):
            return 0.0
        kept = tuple((a, v) for a, v in fit.convention.items() if a not in AXES)
        key = (kept, tuple(fit.hidden.items()))
        if key not in self._found:
            self._found[key] = self._left(fit)
        return self._found[key]

    def _left(self, fit: Reading) -> float:
        run = self.run
        o = SimpleNamespace(**{**self.oracle.options, **run.options, **fit.hidden})
        c = {**self.oracle.paper(), **fit.convention}
        columns = []
        for W, layer in zip(run.weights[0], run.seen[0], strict=True):
            shrunk = [decayed(W, layer, o, {"decayed": kind}) for kind in DECAYED]
            at, *_ = first_factors(layer, o, c)
            steps = between(torch.stack([layer.gradient, *shrunk]), layer, at, o, c)
            # a decay after the step acts on the step too
            later = decayed(steps[0], layer, o, {"decayed": DECAYED[1]})
            columns.append(torch.stack([*steps, *shrunk, later]).flatten(1))
        # layers that are scaled apart have their spans apart
        apart = "per layer" in c["graft"]
        design = torch.block_diag(*columns).T if apart else torch.cat(columns, 1).T
        design = design / design.norm(dim=0).clamp(min=1e-300)
        u = torch.cat([x.flatten() for x in run.moves()[0]])
        size = float(u.norm())
        if not (0 < size < math.inf and bool(design.isfinite().all())):
            return 0.0
        found = torch.linalg.lstsq(design, u[:, None], driver="gelsd").solution[:, 0]
        return max(0.0, float((u - design @ found).norm()) / size - SLACK)
