"""The step of KFAC and FOOF on one layer after another, under one convention."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention
from lpfl.conformance.oracles.layer_axes import (
    ABOUT_MEAN,
    BEFORE,
    CLIP,
    CLIP_FACTOR,
    CLIP_FACTORS,
    CLIP_OVER,
    CLIPPED_OVER,
    COUPLED,
    INPUTS_ONLY,
    JOINED,
    POWERS,
    SUMMED,
    LayerSeen,
)
from lpfl.conformance.oracles.layer_periods import AT, IN_INVERSIONS, used

TINY = 1e-8
"""What stands in for damping where an undamped factor is inverted."""


def factors(layer: LayerSeen, c: Convention) -> tuple[Tensor, Tensor]:
    """Return input and output factor of one batch, (a, a) and (b, b)."""
    n, k = len(layer.inputs), len(layer.jacobian)
    of_inputs = layer.input_covariance if c.get("inputs") == ABOUT_MEAN else layer.input_moment
    A = of_inputs * (1 if c["input factor times"] == "1" else n)
    if c["Fisher"] == "identity":
        return A, torch.eye(layer.output_gradients.shape[-1], dtype=A.dtype)
    G = layer.exact_moment if c["Fisher"] == "type-2" else layer.empirical_moment
    scales = {SUMMED: n, "1/n": 1 / n, "1/n^2": 1 / n**2, "2": 2, "2/d_y": 2 / k, "1/d_y": 1 / k}
    return A, {**scales, "1": 1.0, "1/2": 0.5}[c["output factor times"]] * G


def dampings(
    a: Tensor, g: Tensor, damping: float, kind: str, on_output: float | None = None
) -> tuple[float, float]:
    """Return what is added to the input factor's eigenvalues (a,) and the output factor's (b,)."""
    on_a, on_g = damping, damping if on_output is None else on_output
    if kind == "its root to each factor":
        on_a = on_g = damping**0.5
    elif kind == "its root, split by mean eigenvalues":
        ratio = float((a.mean() / g.mean()).sqrt())
        on_a, on_g = damping**0.5 * ratio, damping**0.5 / ratio
    elif kind.endswith("times its mean eigenvalue"):
        on_a, on_g = damping * float(a.mean()), damping * float(g.mean())
    elif kind.endswith("times its largest eigenvalue"):
        on_a, on_g = damping * float(a.max()), damping * float(g.max())
    return on_a, 0.0 if kind.startswith(INPUTS_ONLY) else on_g


class Spectra:
    """Eigendecompositions of a layer's two factors; those of a first step are needed again."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, bool], Any] = {}

    def of(self, factor: Tensor, name: str, *, diagonal: bool) -> Any:
        """Return eigenvalues and eigenvectors of a factor, or of a leading block of it."""
        key = (name, len(factor), diagonal)
        if key not in self._found:
            wanted = factor.diagonal().diag() if diagonal else factor
            self._found[key] = torch.linalg.eigh(wanted)
        return self._found[key]


Used = tuple[Tensor | None, Tensor | None, Spectra]
"""The factors of input and output whose inverses a step uses, if there are any yet."""


def precondition(
    grad: Tensor,
    A: Tensor,
    G: Tensor,
    damping: float,
    kind: str,
    on_output: float | None = None,
    inverse: str = "as defined",
    spectra: Spectra | None = None,
) -> Tensor:
    """Return the gradient (..., b, a) between the damped inverses.

    on_output: damping of the output factor where each factor has its own; None: the same.
    inverse: one of the mistakes of the axis "inverse". spectra: keeps the eigendecompositions.
    """
    spectra = Spectra() if spectra is None else spectra
    sides = [(A, "A"), (G, "G")]
    if inverse.startswith("each") and A.shape == G.shape:
        sides = sides[::-1]
    (a, U), (g, V) = (spectra.of(*side, diagonal="diagonals" in inverse) for side in sides)
    turned = V.T @ grad @ U
    if kind == "to products of eigenvalues":
        return V @ (turned / (g[:, None] * a + damping)) @ U.T
    on_a, on_g = dampings(a, g, damping, kind, on_output)
    by_g, by_a = g + on_g, a + on_a
    if inverse.startswith("damping"):
        by_g, by_a = 1 / (1 / (g + TINY) + on_g), 1 / (1 / (a + TINY) + on_a)
    elif inverse in POWERS:
        on_inputs, on_outputs = POWERS[inverse]
        by_a, by_g = by_a.clamp(min=0) ** on_inputs, by_g.clamp(min=0) ** on_outputs
    return V @ (turned / (by_g[:, None] * by_a)) @ U.T


def carried(step: Tensor, m: dict[str, Any], momentum: float, kind: str) -> Tensor:
    """Return the step with the past ones in it."""
    if kind in ("not used", BEFORE):
        return step
    weight = 1 - momentum if kind == "averaged" else 1.0
    m["v"] = momentum * m.get("v", torch.zeros_like(step)) + weight * step
    return step + momentum * m["v"] if kind == "nesterov" else m["v"]


def slope(W: Tensor, layer: LayerSeen, o: Any, c: Convention) -> Tensor:
    """Return the gradient of one layer (b, a), with a coupled decay in it."""
    coupled = o.weight_decay and c["weight decay"] == COUPLED
    return layer.gradient + decayed(W, layer, o, c) if coupled else layer.gradient


def gathered(grad: Tensor, m: dict[str, Any], o: Any, c: Convention) -> Tensor:
    """Return the gradient that is preconditioned: with past ones in it by one of the mistakes."""
    if c["momentum"] != BEFORE:
        return grad
    m["gathered"] = o.momentum * m.get("gathered", 0 * grad) + grad
    return m["gathered"]


def decayed(W: Tensor, layer: LayerSeen, o: Any, c: Convention) -> Tensor:
    """Return weight_decay times what the decay acts on: all of W (b, a), or all but the bias."""
    shrunk = o.weight_decay * W
    if layer.has_bias and c["decayed"] == "weights alone":
        shrunk = torch.cat([shrunk[:, :-1], 0 * shrunk[:, -1:]], 1)
    return shrunk


def direction(
    grad: Tensor, layer: LayerSeen, m: dict[str, Any], t: int, o: Any, c: Convention
) -> Tensor:
    """Return the preconditioned gradient of one layer (b, a), with the bias as last column."""
    return between(grad, layer, factors_at(layer, m, t, o, c), o, c)


def factors_at(layer: LayerSeen, m: dict[str, Any], t: int, o: Any, c: Convention) -> Used:
    """Return the factors that step t uses, and what keeps their eigendecompositions."""
    A, G = factors(layer, c)
    return used(A, m, "A", t, o, c), used(G, m, "G", t, o, c), Spectra()


def between(grad: Tensor, layer: LayerSeen, at: Used, o: Any, c: Convention) -> Tensor:
    """Return the gradient (..., b, a) between the inverses of two factors, the bias by its rule.

    Where there are no factors yet it is the gradient itself.
    """
    own, inverse = o.output_damping, c.get("inverse", "as defined")
    A, G, spectra = at
    if A is None or G is None:
        still = layer.has_bias and c["bias"] == "left alone"
        return torch.cat([grad[..., :-1], 0 * grad[..., -1:]], -1) if still else grad
    if layer.has_bias and c["bias"] != "joined to the weights":
        bias = grad[..., -1:]
        if c["bias"] == "by the output factor only":
            on_g = o.damping if own is None else own
            bias = torch.linalg.solve(G + on_g * torch.eye(len(G), dtype=G.dtype), bias)
        elif c["bias"] == "left alone":
            bias = 0 * bias
        inner = precondition(
            grad[..., :-1], A[:-1, :-1], G, o.damping, c["damping"], own, inverse, spectra
        )
        return torch.cat([inner, bias], -1)
    return precondition(grad, A, G, o.damping, c["damping"], own, inverse, spectra)


FACTOR_AXES = (
    "Fisher", "inputs", "average", "average takes", "renewed", *AT, IN_INVERSIONS,
    "input factor times", "output factor times",
)  # fmt: skip
STEP_AXES = ("damping", "bias", "inverse")


def first_factors(layer: LayerSeen, o: Any, c: Convention) -> Any:
    """Return what :func:`between` takes in step 1, and the memory after it; computed once."""
    key = (o.decay, o.period, o.inverse_period, *(c.get(axis) for axis in FACTOR_AXES))
    if key not in layer.firsts:
        memory: dict[str, Any] = {}
        layer.firsts[key] = factors_at(layer, memory, 1, o, c), memory, key
    return layer.firsts[key]


def first(
    W: Tensor, layer: LayerSeen, m: dict[str, Any], o: Any, c: Convention
) -> tuple[Tensor, Tensor]:
    """Return slope and direction of step 1, computed once for all readings that agree in them."""
    at, memory, of_factors = first_factors(layer, o, c)
    m.update(memory)
    coupled = (o.weight_decay, c["decayed"]) if c["weight decay"] == COUPLED else None
    values = (o.damping, o.output_damping, *(c.get(axis) for axis in STEP_AXES))
    key = (id(W), *of_factors, *values, coupled)
    if key not in layer.firsts:
        grad = slope(W, layer, o, c)
        # kept with W: while it lives, no other has its id
        layer.firsts[key] = W, grad, between(grad, layer, at, o, c)
    _, grad, step = layer.firsts[key]
    gathered(grad, m, o, c)
    return grad, step


def scaled(
    slopes: list[Tensor], steps: list[Tensor], layers: Sequence[LayerSeen], o: Any, c: Convention
) -> list[Tensor]:
    """Return the steps of all layers after graft and clip."""
    if "per layer" in c["graft"]:
        steps = [s * (g.norm() / s.norm()) for g, s in zip(slopes, steps, strict=True)]
    elif "jointly" in c["graft"]:
        whole = [sum(float(x.square().sum()) for x in xs) ** 0.5 for xs in (slopes, steps)]
        steps = [s * (whole[0] / whole[1]) for s in steps]
    if not o.clip:
        return steps
    seen = slopes, steps
    if c.get(CLIP_OVER) == CLIPPED_OVER[4]:
        cut = [slice(None, -1) if layer.has_bias else slice(None) for layer in layers]
        seen = tuple([x[:, part] for x, part in zip(xs, cut, strict=True)] for xs in seen)  # type: ignore[assignment]
    pairs = list(zip(*seen, strict=True))
    over = {CLIPPED_OVER[0]: [[pair] for pair in pairs], CLIPPED_OVER[1]: [pairs[-1:]]}
    over[CLIPPED_OVER[2]] = [pairs[:1]]
    sums = [clipped(those, o, c) for those in over.get(c.get(CLIP_OVER, ""), [pairs])]
    every = sums if len(sums) == len(steps) else sums * len(steps)
    return [factor * step for factor, step in zip(every, steps, strict=True)]


def clipped(pairs: Sequence[tuple[Tensor, Tensor]], o: Any, c: Convention) -> float:
    """Return min(1, sqrt(bound / sum of <gradient, step>)), or what a mistake makes of it."""
    kind = c.get(CLIP_FACTOR, "")
    if kind == CLIP_FACTORS[1]:
        pairs = [(g, g) for g, _ in pairs]
    elif kind == CLIP_FACTORS[2]:
        pairs = [(s, s) for _, s in pairs]
    along = abs(sum(float((g * s).sum()) for g, s in pairs)) * o.lr ** (2 - CLIP.index(c["clip"]))
    if c.get(CLIP_OVER) == CLIPPED_OVER[3]:
        along /= len(pairs)
    if not along:
        return 1.0
    ratio: float = (o.clip / along) ** (1.0 if kind == CLIP_FACTORS[0] else 0.5)
    return ratio if kind == CLIP_FACTORS[3] else min(1.0, ratio)


def moved(
    W: Tensor, layer: LayerSeen, step: Tensor, m: dict[str, Any], o: Any, c: Convention
) -> Tensor:
    """Return the update of one layer, with momentum and a decay that is not preconditioned."""
    if o.weight_decay and c["weight decay"] == JOINED:
        step = step + decayed(W, layer, o, c)
    if o.momentum:
        step = carried(step, m, o.momentum, c["momentum"])
    if not o.weight_decay or c["weight decay"] in (COUPLED, JOINED):
        return -o.lr * step
    after = c["weight decay"].endswith("after the step")
    return -o.lr * (step + decayed(W - o.lr * step if after else W, layer, o, c))
