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

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention

FISHER = ("type-2", "empirical", "identity")
OUTPUT_SCALE = ("1", "n", "1/n", "1/n^2", "2", "2/d_y", "1/d_y", "1/2")
INPUT_SCALE = ("1", "n")
DAMPING = (
    "to each factor",
    "its root to each factor",
    "its root, split by mean eigenvalues",
    "to products of eigenvalues",
    "to the input factor only",
    "to each factor, times its mean eigenvalue",
)
AVERAGE = ("from the first batch", "from zero", "from zero, bias corrected", "from the identity")
DECAY = ("L2 in the gradient", "decoupled, times lr")
MOMENTUM = ("heavy ball", "averaged", "nesterov")
BIAS = ("joined to the weights", "by the output factor only", "plain gradient")


@dataclass(frozen=True)
class LayerSeen:
    """One layer in one step: inputs (n, a), output gradients (n, b), Jacobian (k, n, b).

    Output gradients are those of each sample's own loss, so their mean outer product with the
    inputs is the gradient of the mean loss.
    """

    inputs: Tensor
    output_gradients: Tensor
    jacobian: Tensor
    has_bias: bool

    @property
    def gradient(self) -> Tensor:
        """Gradient of the mean loss, (b, a)."""
        return self.output_gradients.T @ self.inputs / len(self.inputs)


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
            moves.append(
                [
                    layer_step(W, layer, memory.setdefault(i, {}), t, o, c)
                    for i, (W, layer) in enumerate(zip(row, layers, strict=True))
                ]
            )
        return moves


def factors(layer: LayerSeen, c: Convention) -> tuple[Tensor, Tensor]:
    """Return input and output factor of one batch, (a, a) and (b, b)."""
    X, n = layer.inputs, len(layer.inputs)
    A = X.T @ X / n * (n if c["input factor times"] == "n" else 1)
    k, b = len(layer.jacobian), layer.output_gradients.shape[1]
    if c["Fisher"] == "identity":
        return A, torch.eye(b, dtype=X.dtype)
    exact = c["Fisher"] == "type-2"
    rows = layer.jacobian.reshape(-1, b) if exact else layer.output_gradients
    scales = {"n": n, "1/n": 1 / n, "1/n^2": 1 / n**2, "2": 2, "2/d_y": 2 / k, "1/d_y": 1 / k}
    scale = {**scales, "1": 1.0, "1/2": 0.5}[c["output factor times"]]
    return A, scale * rows.T @ rows / n


def averaged(new: Tensor, m: dict[str, Any], key: str, t: int, o: Any, c: Convention) -> Tensor:
    """Return the moving average of a factor with ``new`` in it."""
    if not o.decay:
        return new
    start = {"from the first batch": new, "from the identity": torch.eye(len(new), dtype=new.dtype)}
    old = m.get(key, start.get(c["average"], torch.zeros_like(new)))
    m[key] = o.decay * old + (1 - o.decay) * new
    return m[key] / (1 - o.decay**t) if "corrected" in c["average"] else m[key]


def precondition(
    grad: Tensor, A: Tensor, G: Tensor, damping: float, kind: str, on_output: float | None = None
) -> Tensor:
    """Return the gradient (b, a) between the damped inverses.

    on_output: damping of the output factor where each factor has its own; None: the same.
    """
    a, U = torch.linalg.eigh(A)
    g, V = torch.linalg.eigh(G)
    turned = V.T @ grad @ U
    if kind == "to products of eigenvalues":
        return V @ (turned / (g[:, None] * a + damping)) @ U.T
    on_a, on_g = damping, damping if on_output is None else on_output
    if kind == "its root to each factor":
        on_a = on_g = damping**0.5
    elif kind == "its root, split by mean eigenvalues":
        ratio = float((a.mean() / g.mean()).sqrt())
        on_a, on_g = damping**0.5 * ratio, damping**0.5 / ratio
    elif kind == "to the input factor only":
        on_g = 0.0
    elif kind.endswith("times its mean eigenvalue"):
        on_a, on_g = damping * float(a.mean()), damping * float(g.mean())
    return V @ (turned / ((g[:, None] + on_g) * (a + on_a))) @ U.T


def carried(step: Tensor, m: dict[str, Any], momentum: float, kind: str) -> Tensor:
    """Return the step with the past ones in it."""
    weight = 1 - momentum if kind == "averaged" else 1.0
    m["v"] = momentum * m.get("v", torch.zeros_like(step)) + weight * step
    return step + momentum * m["v"] if kind == "nesterov" else m["v"]


def layer_step(
    W: Tensor, layer: LayerSeen, m: dict[str, Any], t: int, o: Any, c: Convention
) -> Tensor:
    """Return the update of one layer (b, a), from its weights with the bias as last column."""
    coupled = c["weight decay"] == "L2 in the gradient"
    grad = layer.gradient + o.weight_decay * W if coupled else layer.gradient
    own = o.output_damping
    A, G = factors(layer, c)
    A, G = averaged(A, m, "A", t, o, c), averaged(G, m, "G", t, o, c)
    if layer.has_bias and c["bias"] != "joined to the weights":
        bias = grad[:, -1:]
        if c["bias"] == "by the output factor only":
            on_g = o.damping if own is None else own
            bias = torch.linalg.solve(G + on_g * torch.eye(len(G), dtype=G.dtype), bias)
        inner = precondition(grad[:, :-1], A[:-1, :-1], G, o.damping, c["damping"], own)
        step = torch.cat([inner, bias], 1)
    else:
        step = precondition(grad, A, G, o.damping, c["damping"], own)
    if o.momentum:
        step = carried(step, m, o.momentum, c["momentum"])
    return -o.lr * (step if coupled else step + o.weight_decay * W)


def reference(claim: str, fisher: tuple[str, ...], variants: frozenset[str]) -> LayerOracle:
    conventions = {
        "damping": DAMPING,
        "Fisher": fisher,
        "bias": BIAS,
        "weight decay": DECAY,
        "average": AVERAGE,
        "momentum": MOMENTUM,
        "output factor times": OUTPUT_SCALE if fisher != ("identity",) else ("1",),
        "input factor times": INPUT_SCALE,
    }
    if fisher == ("identity",):
        conventions["damping"] = ("to the input factor only", "to each factor")
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
        },
        conventions=conventions,
        variants={
            "Fisher": variants,
            "bias": frozenset(BIAS[1:]),
            "momentum": frozenset(MOMENTUM[1:]),
        },
        relevant={"average": "decay", "weight decay": "weight_decay", "momentum": "momentum"},
        hidden={"decay": (0.0, 0.95)},
        aliases={
            "damping": ("damping", "eps", "epsilon", "lambda_"),
            "decay": ("stat_decay", "factor_decay", "ema_decay", "decay", "beta2", "beta"),
            "momentum": ("momentum",),
        },
        probes={"damping": 0.05, "output_damping": 0.03, "decay": 0.8, "weight_decay": 0.02},
    )


LAYER_ORACLES = (
    reference("kfac", ("type-2", "empirical"), frozenset({"empirical"})),
    reference("kfac-type2", ("type-2",), frozenset()),
    reference("kfac-empirical", ("empirical",), frozenset()),
    reference("kfac-sampled", ("type-2",), frozenset()),
    reference("foof", ("identity",), frozenset()),
)
