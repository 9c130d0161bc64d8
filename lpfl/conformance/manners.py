"""What a subject does to the process it runs in: settings, classes, generators, output."""

import contextlib
import gc
import inspect
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch


def settings() -> dict[str, Any]:
    """Return the global settings and methods an optimizer must leave alone."""
    found: dict[str, Any] = {
        "default dtype": torch.get_default_dtype(),
        "gradient mode": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "floating point errors of numpy": tuple(sorted(np.geterr().items())),
        "anomaly detection": torch.is_anomaly_enabled(),
        "garbage collection": gc.isenabled(),
        "numbers flushed to zero": not float(torch.tensor(1e-310, dtype=torch.float64) * 1.0),
    }
    for owner in (torch.optim.Optimizer, torch.Tensor, torch.nn.Module, torch.optim, torch):
        found[f"functions of {owner.__name__}"] = _functions(owner)
    for name, kind in vars(torch.optim).items():
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer):
            found.setdefault(f"functions of {name}", _functions(kind))
    return found


def _functions(owner: Any) -> frozenset[tuple[str, int]]:
    """Return name and identity of each function.

    torch itself wraps ``step`` when it is used, and functions of modules when it compiles.
    """
    found = dict(vars(owner))
    return frozenset(
        (name, 0 if str(value.__module__).partition(".")[0] == "torch" else id(value))
        for name, value in found.items()
        if name != "step" and (inspect.isfunction(value) or inspect.isclass(value))
    )


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of settings that differ; functions that only came in anew do not count
    for modules, which import lazily."""
    lazy = {f"functions of {m.__name__}" for m in (torch.optim, torch)}
    out = []
    for name, old in before.items():
        new = after.get(name)
        same = old <= new if name in lazy and isinstance(new, frozenset) else old == new
        if not same:
            out.append(name)
    return out


def generators() -> dict[str, Any]:
    """Return the states of the global generators."""
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": str(np.random.get_state()),
        "Python": random.getstate(),
    }


@dataclass
class Noise:
    """What was printed (text, shortened) and the kinds of warnings."""

    printed: str = ""
    warned: list[str] = field(default_factory=list)


@contextlib.contextmanager
def listening() -> Iterator[Noise]:
    """Catch what is printed, below Python's streams too, and every warning."""
    noise = Noise()
    sys.stdout.flush()
    sys.stderr.flush()
    streams = sys.stdout, sys.stderr
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as file, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = os.fdopen(os.dup(1), "w")
        try:
            yield noise
        finally:
            sys.stdout.close()
            sys.stdout, sys.stderr = streams
            for saved, stream in zip(kept, (1, 2), strict=True):
                os.dup2(saved, stream)
                os.close(saved)
            file.seek(0)
            noise.printed = file.read(4000).decode("utf-8", "replace")
            noise.warned = [f"{w.category.__name__}: {str(w.message)[:120]}" for w in caught]
