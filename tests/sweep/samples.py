"""Small sweeps that tests run and change."""

import json
from copy import deepcopy
from typing import Any

FIRST_STEP: dict[str, Any] = {
    "kind": "first_step",
    "name": "small",
    "replicates": 2,
    "fixed": {"input_dim": 16},
    "axes": {
        "aspect": {"values": [0.1, 0.4, 1.6]},
        "noise_std": {"low": 0.1, "high": 2.0, "count": 2, "scale": "log"},
    },
    "optimizer": [{"name": "kfac", "label": "KFAC"}, {"name": "sgd", "label": "SGD"}],
}
TRAINING: dict[str, Any] = {
    "kind": "training",
    "name": "train",
    "fixed": {"input_dim": 6, "output_dim": 3, "rank": 2, "num_steps": 40, "level": 0.01},
    "axes": {
        "log10_cond": {"values": [0.0, 2.0]},
        "step_size": {"values": [0.2, 0.5, 5.0]},
    },
    "optimizer": [{"name": "kfac"}, {"name": "sgd", "head": "least_squares"}],
}
CLAIMS: dict[str, Any] = {
    "kind": "claims",
    "name": "claims",
    "claims": "LR-03",
    "axes": {"step_size": {"values": [0.1, 0.5, 70.0]}},
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with one value replaced; ``path`` joins names with dots."""
    copy = deepcopy(document)
    *names, last = path.split(".")
    table = copy
    for name in names:
        table = table[int(name)] if isinstance(table, list) else table.setdefault(name, {})
    if value is None:
        del table[last]
    else:
        table[last] = value
    return copy


def as_toml(document: dict[str, Any]) -> str:
    """Return a document as TOML text."""
    return "".join(f"{json.dumps(name)} = {_value(value)}\n" for name, value in document.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inside = (f"{json.dumps(name)} = {_value(one)}" for name, one in value.items())
        return "{ " + ", ".join(inside) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
