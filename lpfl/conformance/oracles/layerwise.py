"""KFAC and FOOF: a layer's gradient between the inverses of its two second moments.

Sources: Martens and Grosse 2015, sections 3 and 6; Grosse and Martens 2016 for convolutions;
Kunstner et al. 2019 for the empirical Fisher; Benzing 2022 for FOOF (input factor alone).
A layer is seen through its inputs (a one appended where it has a bias), the gradients of each
sample's own loss at its outputs, and the Jacobian of the network's outputs there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention
from lpfl.conformance.oracles.layer_axes import (
    AVERAGE,
    BIAS,
    CLIP,
    DAMPING,
    DECAY,
    DECAYED,
    DECAYS,
    GRAFT,
    INPUT_SCALE,
    MOMENTUM,
    ON_INPUTS,
    OUTPUT_SCALE,
    RENEWED,
    TAKES,
    LayerSeen,
)
from lpfl.conformance.oracles.layer_periods import ALIASES, AT, COUNTED
from lpfl.conformance.oracles.layer_steps import direction, first, gathered, moved, scaled, slope
from lpfl.conformance.pulse import beat

__all__ = ["LAYER_ORACLES", "LayerOracle", "LayerSeen"]


@dataclass(frozen=True, kw_only=True)
class LayerOracle:
    """A reference on layers; the fields are those of ``Oracle``."""

    claim: str
    source: str
    options: Mapping[str, Any]
    conventions: Mapping[str, tuple[str, ...]]
    variants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    departures: Mapping[str, frozenset[str]] = field(default_factory=dict)
    relevant: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    probes: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    joint: bool = False

    def paper(self) -> dict[str, str]:
        """Return the first value of every axis."""
        return {axis: values[0] for axis, values in self.conventions.items()}

    def updates(
        self,
        weights: Sequence[Sequence[Tensor]],
        seen: Sequence[Sequence[LayerSeen]],
        *,
        options: Mapping[str, Any],
        convention: Convention,
    ) -> list[list[Tensor]]:
        """Return the update of every layer (bias as last column) in each step."""
        o = SimpleNamespace(**{**self.options, **options})
        memory: dict[int, dict[str, Any]] = {}
        c = {**self.paper(), **convention}
        moves = []
        for t, (row, layers) in enumerate(zip(weights, seen, strict=True), 1):
            beat()
            kept = [memory.setdefault(i, {}) for i in range(len(layers))]
            slopes, steps = [], []
            for W, layer, m in zip(row, layers, kept, strict=True):
                if t == 1:
                    grad, step = first(W, layer, m, o, c)
                else:
                    grad = slope(W, layer, o, c)
                    step = direction(gathered(grad, m, o, c), layer, m, t, o, c)
                slopes.append(grad)
                steps.append(step)
            steps = scaled(slopes, steps, layers, o, c)
            each = zip(row, layers, steps, kept, strict=True)
            moves.append([moved(W, layer, step, m, o, c) for W, layer, step, m in each])
        return moves


def reference(claim: str, fisher: tuple[str, ...], variants: frozenset[str]) -> LayerOracle:
    conventions = {
        "damping": DAMPING,
        "Fisher": fisher,
        "bias": BIAS,
        "weight decay": DECAY,
        "decayed": DECAYED,
        "average": AVERAGE,
        "momentum": MOMENTUM,
        "average takes": TAKES,
        "renewed": RENEWED,
        AT[0]: COUNTED,
        AT[1]: COUNTED,
        "clip": CLIP,
        "graft": GRAFT,
        "output factor times": OUTPUT_SCALE if fisher != ("identity",) else ("1",),
        "input factor times": INPUT_SCALE if fisher == ("identity",) else ("1",),
    }
    if fisher == ("identity",):
        conventions["damping"] = ON_INPUTS
    return LayerOracle(
        claim=claim,
        source="Martens and Grosse 2015; Grosse and Martens 2016; Benzing 2022 for FOOF",
        options={
            "lr": 0.1,
            "damping": 1e-3,
            "output_damping": None,
            "decay": 0.0,
            "momentum": 0.0,
            "weight_decay": 0.0,
            "period": 1,
            "inverse_period": None,
            "clip": 0.0,
        },
        conventions=conventions,
        variants={
            "Fisher": variants,
            "bias": frozenset(BIAS[1:]),
            "momentum": frozenset(MOMENTUM[1:]),
            "average takes": frozenset(TAKES[1:]),
            AT[0]: frozenset(COUNTED[2:]),
            AT[1]: frozenset(COUNTED[2:]),
            "graft": frozenset(GRAFT[1:]),
        },
        relevant={
            "average": "decay",
            "weight decay": "weight_decay",
            "decayed": "weight_decay",
            "momentum": "momentum",
            "clip": "clip",
        },
        hidden={
            "decay": (0.0, 0.95),
            "period": (1, 2, 3, 4, 5, 10),
            "inverse_period": (None, 2, 3, 4, 5, 10),
        },
        aliases={
            "damping": ("damping", "eps", "epsilon", "lambda_"),
            "decay": DECAYS,
            "momentum": ("momentum",),
            **ALIASES,
            "clip": ("kl_clip",),
        },
        probes={
            "damping": 0.04,
            "output_damping": 0.03,
            "decay": 0.8,
            "weight_decay": 0.02,
            "period": 1,
            "inverse_period": 1,
            "clip": 1e-4,
        },
    )


LAYER_ORACLES = (
    reference("kfac", ("type-2", "empirical"), frozenset({"empirical"})),
    reference("kfac-type2", ("type-2",), frozenset()),
    reference("kfac-empirical", ("empirical",), frozenset()),
    reference("kfac-sampled", ("type-2",), frozenset()),
    reference("foof", ("identity",), frozenset()),
)
