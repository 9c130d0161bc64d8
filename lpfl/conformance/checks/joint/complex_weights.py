"""Complex parameters, also on other paths and with switches turned over."""

import cmath
import inspect
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.joint.empty import PATHS
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject

ID = "api.complex"
SHAPES = ((6, 4), (5,))
STEPS = 6
HANDLES = re.compile(r"is_complex|view_as_real|\.conj\(|\.imag\b|\.mH\b|\.H\b")
SAYS = re.compile(
    r"\bcomplex([- ]valued)?[- ](param|number|tensor|weight|entr|grad|valued|dtype)", re.IGNORECASE
)
REFUSES = re.compile(
    r"\b(not|no|never|without|refus\w+|unsupported)\b[^.]{0,40}\bcomplex|"
    r"\bcomplex[^.]{0,60}\b(not|no|never|refus\w+|unsupported|outside|beyond|excluded)\b|"
    r"\b(for|only) real([- ]valued)? (weight|param|number|tensor)|\busers? of complex",
    re.IGNORECASE,
)
NUMBERS = {"momentum": 0.8, "weight_decay": 0.1}
TURN = cmath.exp(0.7j)


@check(ID, tags=("api",), cost=0.1, needs=("inject",))
def complex_numbers(subject: Subject) -> CheckResult:
    """Complex parameters are refused, or move as pairs of real ones, or turn with their phase."""
    try:
        gaps = _gaps(subject, {})
    except Exception as error:
        message = f"Complex parameters are refused: {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    if not gaps:
        message = "Complex parameters do not move."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    bound = max(1e-5, tolerance(subject, ID))
    if min(gaps) > bound:
        return _finding(subject, {}, gaps[0], bound)
    for options in _beside(subject):
        try:
            others = _gaps(subject, options)
        except Exception:  # refused beside this option: a limit that shows by itself
            continue
        if others and min(others) > bound:
            return _finding(subject, options, others[0], bound)
    message = f"A run of complex parameters is {min(gaps):.2g} from one of pairs, or turned."
    return CheckResult(
        check=ID, outcome=Outcome.CONFORMS, message=message, measured=min(gaps), bound=bound
    )


def _beside(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Yield each path and each option that is not at its default, then both together."""
    paths = [{path: True} for path in PATHS if subject.accepts(path)]
    flags: list[dict[str, Any]] = [{name: value} for name, value in switches(subject).items()]
    flags += [{"maximize": True}] if subject.accepts("maximize") else []
    for name, value in NUMBERS.items():
        if isinstance(subject.default(name), int | float) and subject.accepts(name):
            flags.append({name: value})
    yield from paths
    yield from flags
    for path, flag in itertools.product(paths, flags):
        yield {**path, **flag}


def _finding(
    subject: Subject, options: Mapping[str, Any], apart: float, bound: float
) -> CheckResult:
    text, why = proven(subject, _complex_text(subject, options), apart)
    said = "".join(f" with {k}={v}" for k, v in options.items())
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT if _speaks(subject) else Outcome.NOT_CLAIMED,
        message=f"A run of complex parameters{said} is {apart:.2g} of the way from that of their "
        "real and imaginary parts, and does not turn with their phase.",
        measured=apart,
        bound=bound,
        scenario={"dtype": "complex128", "steps": STEPS, "options": dict(options)},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _gaps(subject: Subject, options: Mapping[str, Any]) -> list[float]:
    """Return how far a run is from those of pairs, and a turned one; none if it stands still.

    Those that raise are left out; all at once leave 0.
    """
    start, gradients = _complex(subject)
    plain = _ends(subject, start, gradients, options)
    way = _norm([a - b for a, b in zip(plain, start, strict=True)])
    if not way > 0:
        return []
    gaps = []
    for other in (_as_pairs, _in_rows, _turned):
        try:
            values = other(subject, start, gradients, options)
            gaps.append(_norm([a - b for a, b in zip(values, plain, strict=True)]) / way)
        except Exception:
            continue
    return gaps or [0.0]


def _speaks(subject: Subject) -> bool:
    """Return whether the source or the documentation of the optimizer takes up complex numbers.

    One that does not is written for real parameters, and complex ones are outside its domain.
    """
    optimizer = subject.open(subject.draw(subject.shapes(*SHAPES), 0, ID)[0]).optimizer
    words = documentation(subject, optimizer)
    if SAYS.search(words):
        return not REFUSES.search(words)
    own = itertools.takewhile(lambda k: k is not torch.optim.Optimizer, type(optimizer).__mro__)
    for kind in own:
        try:
            source = inspect.getsource(kind)
        except (OSError, TypeError):
            continue
        if HANDLES.search(source):
            return True
    return False


def _complex(subject: Subject) -> tuple[Start, Gradients]:
    start, rows = subject.draw(_pairs(subject), STEPS, ID)
    whole = lambda row: [torch.view_as_complex(x) for x in row]  # noqa: E731
    return whole(start), [whole(row) for row in uneven(rows)]


def _pairs(subject: Subject) -> list[tuple[int, ...]]:
    return [(*shape, 2) for shape in subject.shapes(*SHAPES)]


def _ends(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> Start:
    session = subject.open(start, options=options)
    for row in gradients:
        session.step(row)
    ends = [p.detach().to("cpu", copy=True) for p in session.params]
    if not all(bool(p.isfinite().all()) for p in ends):
        raise ArithmeticError("the parameters are not finite")
    return ends


def _as_pairs(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> Start:
    pairs = lambda row: [torch.view_as_real(x).clone() for x in row]  # noqa: E731
    ends = _ends(subject, pairs(start), [pairs(row) for row in gradients], options)
    return [torch.view_as_complex(p.contiguous()) for p in ends]


def _in_rows(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> Start:
    """Return the ends of real weights with as many axes, so that vectors stay vectors."""
    rows = lambda row: [torch.view_as_real(x).flatten(-2).clone() for x in row]  # noqa: E731
    ends = _ends(subject, rows(start), [rows(row) for row in gradients], options)
    return [torch.view_as_complex(p.reshape(*p.shape[:-1], -1, 2).contiguous()) for p in ends]


def _turned(
    subject: Subject, start: Start, gradients: Gradients, options: Mapping[str, Any]
) -> Start:
    turn = lambda row: [TURN * x for x in row]  # noqa: E731
    ends = _ends(subject, turn(start), [turn(row) for row in gradients], options)
    return [p / TURN for p in ends]


def _norm(row: list[Tensor]) -> float:
    return float(sum(x.abs().square().sum() for x in row)) ** 0.5


def _complex_text(subject: Subject, options: Mapping[str, Any]) -> str:
    given = f"**{dict(options)!r}"
    body = f"""{UNEVEN_TEXT}
whole = lambda row: [torch.view_as_complex(x) for x in row]
ends = run(whole(start), [whole(g) for g in gradients], {given})
a = [torch.view_as_real(p) for p in ends]
print('distance', gap(run(start, gradients, {given}), a, start))
"""
    return program(subject, body, shapes=_pairs(subject), steps=STEPS, stream=(ID,))
