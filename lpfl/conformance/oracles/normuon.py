"""NorMuon: Muon with a second moment per row of the orthogonalised momentum.

Source: Li et al. 2025 (arXiv 2510.05491), algorithm 1.
"""

from dataclasses import replace
from typing import Any

from torch import Tensor

from lpfl.conformance.oracles.base import Convention, Memory, Oracle, per_parameter
from lpfl.conformance.oracles.cautious import masked, with_caution
from lpfl.conformance.oracles.moments import DECOUPLED, average, decayed
from lpfl.conformance.oracles.muon import (
    ALIASES,
    NORM,
    OPTIONS,
    SCHEDULE,
    factor,
    orthogonalise,
    seen_by,
)

SIZE = ("0.2 sqrt(m n)", "norm before the rows were scaled", "not restored")
FACTOR = ("1", "sqrt(max(1, m/n))", "sqrt(m/n)", "0.2 sqrt(max(m, n))")
EPS = (
    "added to the root",
    "clamp of the root",
    "clamp of the moment",
    "added to the root, and to the norm that is brought back",
)
FIXED = {"buffer": "proportional to the sum", "orthogonalised": "momentum"}


def rule(p: Tensor, g: Tensor, m: Memory, o: Any, c: Convention) -> Tensor:
    matrix = seen_by(g, m, o, {**c, **FIXED}).reshape(len(g), -1)
    O = orthogonalise(matrix, o, c)  # noqa: E741
    v = average(m, "v", O.square().mean(1, keepdim=True), o.beta2)
    eps = o.row_eps
    root = v.clamp(min=eps).sqrt() if c["row eps"] == EPS[2] else v.sqrt()
    root = root + eps if c["row eps"] in (EPS[0], EPS[3]) else root.clamp(min=eps)
    scaled = O / root
    if c["size"] != "not restored":
        wanted = 0.2 * matrix.numel() ** 0.5 if c["size"] == SIZE[0] else float(O.norm())
        norm = float(scaled.norm()) + (eps if c["row eps"] == EPS[3] else 0.0)
        scaled = scaled * (wanted / (norm or 1.0))
    move = o.lr * factor(c["shape factor"], *matrix.shape) * scaled
    return decayed(p, masked(move.reshape(p.shape), g, o, c), o, c)


NORMUON = Oracle(
    claim="normuon",
    forms=("normuon-row-eps",),
    source="Li et al. 2025, algorithm 1",
    step=per_parameter(rule),
    least_axes=2,
    options={**OPTIONS, "beta2": 0.95, "row_eps": 1e-10},
    conventions={
        "size": SIZE,
        "shape factor": FACTOR,
        "orthogonalisation": SCHEDULE,
        "row eps": EPS,
        "Newton-Schulz eps": NORM,
        "decay": (*DECOUPLED, "ignored"),
    },
    variants={"size": frozenset(SIZE[1:])},
    departures={"decay": frozenset({"ignored"})},
    relevant={"decay": "weight_decay"},
    hidden={"nesterov": (True, False), "row_eps": (1e-10, 1e-8)},
    aliases={
        **ALIASES,
        "momentum": ("momentum", "beta1", "betas[0]"),
        "beta2": ("beta2", "betas[1]"),
        "row_eps": ("row_eps",),
    },
    probes={"eps": 1e-7, "ns_steps": 5},
)
BY_ROW = replace(
    NORMUON,
    claim="normuon-row-eps",
    source="Li et al. 2025, algorithm 1, eps that of the rows",
    forms=(),
    aliases={**NORMUON.aliases, "eps": ("ns_eps",), "row_eps": ("eps", "epsilon")},
    probes={**NORMUON.probes, "row_eps": 1e-3},
)
ORACLES = with_caution(NORMUON, BY_ROW)
