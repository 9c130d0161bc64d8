"""Scion: steps along the linear minimisation oracle of a norm ball, per layer.

Source: Pethick et al. 2025, algorithms 1 (unconstrained) and 2 (constrained), table 3 for the
norms.
"""

from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.moments import average
from lpfl.conformance.oracles.muon import NORM, OPTIONS, SCHEDULE, orthogonalise

FACTOR = ("sqrt(m/n)", "max(1, sqrt(m/n))", "1")
BALL = ("unconstrained", "constrained")
BALL_OF = ("spectral norm", "largest entry", "rows")
KERNELS = ("as flattened matrices", "divided by the number of taps")
MEANING = ("weight of the past", "weight of the gradient")
VECTORS = ("root mean square", "sign", "as columns", "euclidean norm")


def towards(matrix: Tensor, o: Any, c: Convention) -> Tensor:
    rows, columns = matrix.shape
    if c["ball of"] == "largest entry":
        return matrix.sign() / columns
    if c["ball of"] == "rows":
        return matrix / matrix.norm(dim=1, keepdim=True) / rows**0.5
    ratio = {"sqrt(m/n)": (rows / columns) ** 0.5, "1": 1.0}.get(
        c["shape factor"], max(1.0, (rows / columns) ** 0.5)
    )
    return ratio * orthogonalise(matrix, o, c)


def per_tap(p: Tensor) -> tuple[float, float, float]:
    """Return the shape factors, in the order of ``FACTOR``, of the first two axes of a tensor."""
    ratio = float((p.shape[0] / p.shape[1]) ** 0.5)
    return ratio, max(1.0, ratio), 1.0


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    past = o.momentum if c["momentum is"] == MEANING[0] else 1 - o.momentum
    mean = average(m, "m", g, past)
    if p.ndim < 2:
        if c["vectors"] == "as columns":
            step = towards(mean.reshape(-1, 1), o, c).reshape(p.shape)
        elif c["vectors"] == "sign":
            step = mean.sign()
        else:
            size = p.numel() ** 0.5 if c["vectors"] == VECTORS[0] else 1.0
            step = mean / (mean.norm() / size + o.vector_eps)
    else:
        step = towards(mean.reshape(len(p), -1), o, c).reshape(p.shape)
        if p.ndim > 2 and c["kernels"] == KERNELS[1]:
            taps = p[0, 0].numel()
            matrix = dict(zip(FACTOR, per_tap(p), strict=True))
            whole = dict(zip(FACTOR, per_tap(p.reshape(len(p), -1)), strict=True))
            kind = c["shape factor"]
            step = step * matrix[kind] / whole[kind] / taps
    shrink = 1 - o.lr * o.weight_decay - (o.lr if c["ball"] == "constrained" else 0.0)
    return p * shrink - o.lr * o.scale * step


ORACLES = (
    Oracle(
        claim="scion",
        for_matrices=True,
        source="Pethick et al. 2025, algorithms 1 and 2",
        step=per_parameter(rule),
        options={**OPTIONS, "momentum": 0.9, "scale": 1.0, "nesterov": False, "vector_eps": 0.0},
        conventions={
            "ball": BALL,
            "shape factor": FACTOR,
            "orthogonalisation": SCHEDULE,
            "ball of": BALL_OF,
            "vectors": VECTORS,
            "kernels": KERNELS,
            "Newton-Schulz eps": NORM,
            "momentum is": MEANING,
        },
        variants={"ball": frozenset({"constrained"}), "ball of": frozenset(BALL_OF[1:])},
        hidden={"vector_eps": (0.0, 1e-8, 1e-7)},
        aliases={
            "ns_steps": ("ns_steps", "backend_steps"),
            "scale": ("scale", "radius", "rho"),
        },
        probes={"eps": 1e-7, "ns_steps": 5},
        farthest=4,
    ),
)
