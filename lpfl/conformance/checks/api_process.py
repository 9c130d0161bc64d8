"""Manners: copies of an optimizer, and what it does to the process it runs in."""

import copy
import inspect
import pickle
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance


@check("api.copy", tags=("api",), cost=0.1, needs=("params",), alone=True)
def copies(subject: Subject) -> CheckResult:
    """A deep copy and a pickled copy step on (a profile: torch's base class drops attributes)."""
    check_id = "api.copy"
    said = []
    for name, duplicate in (("deepcopy", copy.deepcopy), ("pickle", _pickled)):
        trouble = _after_copy(subject, duplicate)
        if trouble:
            said.append(f"{name}: {trouble}")
    if not said:
        message = "The number of ways to copy (deepcopy, pickle) that fail is 0."
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    message = f"A copied optimizer does not go on ({'; '.join(said)})."
    return CheckResult(
        check=check_id, outcome=Outcome.VARIANT, message=message, measured=float(len(said))
    )


def _pickled(pair: Any) -> Any:
    return pickle.loads(pickle.dumps(pair))


def _after_copy(subject: Subject, duplicate: Callable[[Any], Any]) -> str:
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 6, "api.copy")
    session = subject.open(start)
    for step in gradients[:3]:
        session.step(step)
    try:
        params, optimizer = duplicate((session.params, session.optimizer))
        twin = type(session)(optimizer, params, session.needs)
        for step in gradients[3:]:
            session.step(step)
            twin.step(step)
    except Exception as error:
        return told(error)
    apart = distance(twin.values(), session.values())
    return f"its run is {apart:.2g} away" if apart > 1e-9 else ""


@check("api.side-effects", tags=("api",), cost=0.1)
def side_effects(subject: Subject) -> CheckResult:
    """Building and stepping changes no global setting, no class, and prints nothing."""
    check_id = "api.side-effects"
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, 4, check_id)
    session = subject.open(start)
    before, drawn = _settings(), _generators()
    second = subject.open(start)
    drawn = _generators()
    for step in gradients:
        second.step(step)
    after = _settings()
    draws = [name for name, state in _generators().items() if state != drawn[name]]
    changed = [name for name in before if before[name] != after[name]]
    del session
    if changed:
        message = f"The number of global settings changed by four steps is {len(changed)}: "
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=message + ", ".join(changed) + ".",
            measured=float(len(changed)),
            bound=0.0,
            scenario={"steps": 4},
        )
    if draws:
        message = f"It draws from the global generator of {', '.join(draws)}."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    message = "The number of global settings changed by four steps is 0; no random number is drawn."
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _settings() -> dict[str, Any]:
    """Return the global settings an optimizer must leave alone."""
    return {
        "default dtype": torch.get_default_dtype(),
        "gradient mode": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "methods of Optimizer": _methods(torch.optim.Optimizer),
        "methods of Tensor": _methods(torch.Tensor),
        "methods of Module": _methods(torch.nn.Module),
        "functions of torch.optim": _methods(torch.optim),
        "floating point errors of numpy": tuple(sorted(np.geterr().items())),
    }


def _methods(owner: Any) -> tuple[tuple[str, int], ...]:
    kinds = (inspect.isroutine, inspect.isclass)
    # torch wraps step of each class on first use, which is its own doing
    return tuple(
        (name, id(value))
        for name, value in sorted(vars(owner).items())
        if any(kind(value) for kind in kinds)
    )


def _generators() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002
        "Python": random.getstate(),
    }
