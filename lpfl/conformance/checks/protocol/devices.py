"""Parameters on an accelerator, on a machine without one: tensors of two devices do not mix."""

import contextlib
import functools
import inspect
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.accelerator import DEVICE, TwoDevicesError, accelerator
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.device"
SHAPES = ((6, 4), (5,), (), (4, 3, 2, 2))
STEPS, SAVED = 8, 3
SPOKEN = re.compile(r"\bcpu\b|offload", re.IGNORECASE)
_TORCH, _JUDGE = Path(torch.__file__).parent, Path(__file__).parents[2]
_SAVED = f"""
    saved = begin([v.clone() for v in start]{{options}})
    for g in gradients[:{SAVED}]:
        step(*saved, g)
    optimizer.load_state_dict(saved[0].state_dict())"""
_TEXT = """
from torch._subclasses.fake_tensor import FakeTensorMode

# tensors without numbers, on CUDA by name; what is asked for a number answers 1
for name, one in (("item", 1.0), ("__float__", 1.0), ("__int__", 1), ("__bool__", True)):
    setattr(torch.Tensor, name, lambda tensor, one=one: one)
with FakeTensorMode(allow_non_fake_inputs=True):
    there = [torch.empty(v.shape, dtype=v.dtype, device="cuda") for v in start]
    optimizer, params = begin(there{options}){saved}
    try:
        for _ in gradients:
            step(optimizer, params, [torch.empty_like(p) for p in params])
        print("no error")
    except Exception as error:
        print(type(error).__name__, "of devices:", "devices" in str(error))
"""


@check(ID, tags=("api",), cost=0.1)
def device(subject: Subject) -> CheckResult:
    """With parameters on an accelerator no step mixes in tensors of the host, resumed or not."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    subject.run(start, gradients)  # raises where any run does
    options = [{}, *({name: value} for name, value in switches(subject).items())]
    driven = 0
    for given in options:
        error = _mixed(subject, functools.partial(subject.run, start, gradients, options=given))
        if isinstance(error, TwoDevicesError):
            return _answer(subject, error, given, saved=False)
        driven += error is None
    saved = _saved(subject, start, gradients)
    error = _mixed(subject, lambda: _resumed(subject, start, gradients, saved))
    if isinstance(error, TwoDevicesError):
        return _answer(subject, error, {}, saved=True)
    if not driven:
        message = "Not judged: it does not run on tensors that pose as an accelerator's."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    message = f"The number of runs that mix tensors of two devices is 0 of {driven + 1}."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _mixed(subject: Subject, run: Callable[[], object]) -> Exception | None:
    """Return what a run raises with its parameters on an accelerator, None if nothing."""
    with _on_accelerator(subject):
        try:
            run()
        except Exception as error:
            return error
    return None


@contextlib.contextmanager
def _on_accelerator(subject: Subject) -> Iterator[None]:
    """Let the subject's runs have their parameters on an accelerator that only poses as one."""
    subject.coarsest  # noqa: B018 (found on the device that the subject is judged on)
    before, subject.device = subject.device, torch.device(DEVICE)
    try:
        with accelerator():
            yield
    finally:
        subject.device = before


def _saved(subject: Subject, start: Start, gradients: Gradients) -> Any:
    """Return the state of a run on the host."""
    session = subject.open(start)
    for row in gradients[:SAVED]:
        session.step(row)
    return session.optimizer.state_dict()


def _resumed(subject: Subject, start: Start, gradients: Gradients, saved: Any) -> Session:
    session = subject.open(start)
    session.optimizer.load_state_dict(saved)
    for row in gradients:
        session.step(row)
    return session


def _answer(
    subject: Subject, error: TwoDevicesError, options: Mapping[str, Any], *, saved: bool
) -> CheckResult:
    """Return the finding, if torch's own rules refuse the same operation on CUDA."""
    said = "".join(f", with {k}={v}" for k, v in options.items())
    said += ", resumed from a checkpoint whose tensors lie on the host" if saved else ""
    where = _where(error)
    message = f"With parameters on an accelerator{said}, {error} ({where})."
    if not where or not error.confirmed():
        message = f"Not judged: {message[0].lower()}{message[1:-1]}, which torch may allow."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    if SPOKEN.search(documentation(subject, _built(subject))):
        message = f"{message[:-1]}; the documentation speaks of the CPU."
        return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message)
    if not options and not saved and not error.shapes & set(subject.shapes(*SHAPES)):
        message = f"{message[:-1]}: what it makes for itself lies on torch's default device."
        held = {"own tensors": "on torch's default device"}
        return CheckResult(check=ID, outcome=Outcome.CONVENTION, message=message, convention=held)
    if saved and _loads_by_itself(subject):
        message = f"{message[:-1]}: its own load_state_dict() leaves tensors where they lie."
        held = {"tensors of a checkpoint": "stay where map_location puts them"}
        return CheckResult(check=ID, outcome=Outcome.CONVENTION, message=message, convention=held)
    given = "".join(f", {k}={v!r}" for k, v in options.items())
    body = _TEXT.format(options=given, saved=_SAVED.format(options=given) if saved else "")
    shapes = subject.shapes(*SHAPES)
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=message,
        scenario={"device": "an accelerator", "options": dict(options), "resumed": saved},
        **evidence(subject, body, "of devices: True", shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _loads_by_itself(subject: Subject) -> bool:
    """Return whether a class of its own loads checkpoints, not torch's base class."""
    loading = getattr(type(_built(subject)), "load_state_dict", None)
    return loading is not torch.optim.Optimizer.load_state_dict


def _built(subject: Subject) -> Any:
    return subject.open(subject.draw(subject.shapes(*SHAPES), 0, ID)[0]).optimizer


def _where(error: Exception) -> str:
    """Return file and line of the statement that mixes devices; empty if it is the judge's."""
    frames = traceback.extract_tb(error.__traceback__)
    posing = Path(inspect.getfile(TwoDevicesError))
    outside = [f for f in map(_placed, frames) if f[0] != posing and not _within(f[0], _TORCH)]
    if not outside or _within(outside[-1][0], _JUDGE):
        return ""
    return f"{outside[-1][0].name}, line {outside[-1][1]}"


def _placed(frame: traceback.FrameSummary) -> tuple[Path, int]:
    return Path(frame.filename), frame.lineno or 0


def _within(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder)
