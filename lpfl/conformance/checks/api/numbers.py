"""Complex parameters, sparse gradients, a learning rate in a tensor, several learning rates."""

import cmath
import inspect
import itertools
import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.sparse_rows import rows_and_none
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import parameters_of, told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import distance, size

SHAPES = ((6, 4), (5,))
STEPS = 6
HANDLES = re.compile(r"is_complex|view_as_real|\.conj\(|\.imag\b|\.mH\b|\.H\b")
SAYS = re.compile(
    r"\bcomplex([- ]valued)?[- ](param|number|tensor|weight|entr|grad|valued|dtype)", re.IGNORECASE
)
REFUSES = re.compile(
    r"\b(not|no|never|without|refus\w+|unsupported)\b[^.]{0,40}\bcomplex|"
    r"\bcomplex[^.]{0,60}\b(not|no|never|refus\w+|unsupported)\b",
    re.IGNORECASE,
)
RATE = re.compile(r"(^|_)lr(_|$)|learning_rate")
STILL = 1e-12
TURN = cmath.exp(0.7j)
COMPLEX, SPARSE, TENSOR = "api.complex", "api.sparse", "api.lr-tensor"


@check(COMPLEX, tags=("api",), cost=0.1, needs=("inject",))
def complex_numbers(subject: Subject) -> CheckResult:
    """Complex parameters are refused, or move as pairs of real ones, or turn with their phase."""
    start, gradients = _complex(subject)
    try:
        plain = _ends(subject, start, gradients)
    except Exception as error:
        message = f"Complex parameters are refused: {told(error)}."
        return CheckResult(check=COMPLEX, outcome=Outcome.NOT_CLAIMED, message=message)
    way = _norm([a - b for a, b in zip(plain, start, strict=True)])
    if not way > 0:
        message = "Complex parameters do not move."
        return CheckResult(check=COMPLEX, outcome=Outcome.NOT_CLAIMED, message=message)
    gaps = []
    for other in (_as_pairs, _turned):
        try:
            values = other(subject, start, gradients)
            gaps.append(_norm([a - b for a, b in zip(values, plain, strict=True)]) / way)
        except Exception:
            continue
    least = min(gaps, default=0.0)
    bound = max(1e-5, tolerance(subject, COMPLEX))
    if least <= bound:
        message = f"A run of complex parameters is {least:.2g} from one of pairs, or turned."
        return CheckResult(
            check=COMPLEX, outcome=Outcome.CONFORMS, message=message, measured=least, bound=bound
        )
    text, why = proven(subject, _complex_text(subject), gaps[0])
    return CheckResult(
        check=COMPLEX,
        outcome=Outcome.LIMIT if _speaks(subject) else Outcome.NOT_CLAIMED,
        message=f"A run of complex parameters is {gaps[0]:.2g} of the way from that of their real "
        "and imaginary parts, and does not turn with their phase.",
        measured=gaps[0],
        bound=bound,
        scenario={"dtype": "complex128", "steps": STEPS},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _speaks(subject: Subject) -> bool:
    """Return whether the source or the documentation of the optimizer takes up complex numbers.

    One that does not is written for real parameters, and complex ones are outside its domain.
    """
    optimizer = subject.open(subject.draw(subject.shapes(*SHAPES), 0, COMPLEX)[0]).optimizer
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
    start, rows = subject.draw(_pairs(subject), STEPS, COMPLEX)
    whole = lambda row: [torch.view_as_complex(x) for x in row]  # noqa: E731
    return whole(start), [whole(row) for row in rows]


def _pairs(subject: Subject) -> list[tuple[int, ...]]:
    return [(*shape, 2) for shape in subject.shapes(*SHAPES)]


def _ends(subject: Subject, start: Start, gradients: Gradients) -> Start:
    session = subject.open(start)
    for row in gradients:
        session.step(row)
    ends = [p.detach().to("cpu", copy=True) for p in session.params]
    if not all(bool(p.isfinite().all()) for p in ends):
        raise ArithmeticError("the parameters are not finite")
    return ends


def _as_pairs(subject: Subject, start: Start, gradients: Gradients) -> Start:
    pairs = lambda row: [torch.view_as_real(x).clone() for x in row]  # noqa: E731
    ends = _ends(subject, pairs(start), [pairs(row) for row in gradients])
    return [torch.view_as_complex(p.contiguous()) for p in ends]


def _turned(subject: Subject, start: Start, gradients: Gradients) -> Start:
    turn = lambda row: [TURN * x for x in row]  # noqa: E731
    return [p / TURN for p in _ends(subject, turn(start), [turn(row) for row in gradients])]


def _norm(row: list[Tensor]) -> float:
    return float(sum(x.abs().square().sum() for x in row)) ** 0.5


def _complex_text(subject: Subject) -> str:
    body = """
whole = lambda row: [torch.view_as_complex(x) for x in row]
a = [torch.view_as_real(p) for p in run(whole(start), [whole(g) for g in gradients])]
print('distance', gap(run(start, gradients), a, start))
"""
    return program(subject, body, shapes=_pairs(subject), steps=STEPS, stream=(COMPLEX,))


@check(SPARSE, tags=("api",), cost=0.1, needs=("inject",))
def sparse(subject: Subject) -> Iterable[CheckResult]:
    """Sparse gradients are refused, or do what dense ones do: places add up, none is one too."""

    def parts(g: Tensor) -> Tensor:
        values = torch.stack([0.25 * g[0], 0.75 * g[0]])
        where = torch.zeros(1, 2, dtype=torch.long)
        return torch.sparse_coo_tensor(where, values, g.shape, check_invariants=True)

    def joined(start: Start, gradients: Gradients) -> Trajectory:
        return subject.run(start, [[parts(g).coalesce() for g in row] for row in gradients])

    start, gradients = subject.draw(subject.shapes((6, 4)), 2, SPARSE)
    if "sparse" in subject.needs or not start:
        message = "Not applicable: the drive makes its own gradients."
        yield CheckResult(check=SPARSE, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    try:
        joined(start, gradients)
    except Exception as error:
        message = f"Sparse gradients are refused: {told(error)}."
        yield CheckResult(check=SPARSE, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    pair = Pair(
        check=SPARSE,
        says="by sparse gradients with two entries in one place, against their sum,",
        plain=joined,
        other=lambda s, rows: subject.run(s, [[parts(g) for g in row] for row in rows]),
        body="""
def parts(g):
    values = torch.stack([0.25 * g[0], 0.75 * g[0]])
    where = torch.zeros(1, 2, dtype=torch.long)
    return torch.sparse_coo_tensor(where, values, g.shape, check_invariants=True)


a = run(start, [[parts(g) for g in row] for row in gradients])
b = run(start, [[parts(g).coalesce() for g in row] for row in gradients])
""",
    )
    yield agree(subject, pair, subject.shapes((6, 4)), STEPS)
    yield from rows_and_none(subject)


@check(TENSOR, tags=("api",), cost=0.1, needs=("lr", "params"))
def rate_in_a_tensor(subject: Subject) -> CheckResult:
    """lr given as a tensor does what the number does, and the tensor stays as it was."""
    rate = subject.default("lr")
    if not isinstance(rate, float) or "fused" in subject.needs:
        message = "Not applicable: lr is not a number."
        return CheckResult(check=TENSOR, outcome=Outcome.NOT_CLAIMED, message=message)
    held = torch.tensor(rate, dtype=torch.float64)

    def by_tensor(start: Start, gradients: Gradients) -> Trajectory:
        nonlocal held
        held = torch.tensor(rate, dtype=torch.float64)
        return subject.run(start, gradients, options={"lr": held})

    pair = Pair(
        check=TENSOR,
        says="with lr in a tensor",
        plain=lambda start, gradients: subject.run(start, gradients, options={"lr": rate}),
        other=by_tensor,
        body=f"""
optimizer, params = begin(start, lr=torch.tensor({rate!r}, dtype=torch.float64))
for g in gradients:
    step(optimizer, params, g)
a, b = [p.detach() for p in params], run(start, gradients, lr={rate!r})
""",
        raises=Outcome.NOT_CLAIMED,
        differs=Outcome.DEVIATES if _takes_tensors(subject) else Outcome.LIMIT,
    )
    result = agree(subject, pair, subject.shapes(*SHAPES), STEPS)
    changed = abs(float(held) / rate - 1) if rate else 0.0
    if result.outcome is not Outcome.CONFORMS or changed == 0:
        return result
    return _changed(subject, rate, changed)


def _takes_tensors(subject: Subject) -> bool:
    """Return whether the constructor says that lr may be a tensor."""
    start, _ = subject.draw(subject.shapes(*SHAPES), 0, TENSOR)
    built_by = type(subject.open(start).optimizer).__init__
    named = [p for p in parameters_of(built_by) if p.name == "lr"]
    return any("Tensor" in str(p.annotation) for p in named)


def _changed(subject: Subject, rate: float, changed: float) -> CheckResult:
    body = f"""
rate = torch.tensor({rate!r}, dtype=torch.float64)
optimizer, params = begin(start, lr=rate)
for g in gradients:
    step(optimizer, params, g)
print('change', abs(float(rate) / {rate!r} - 1))
"""
    text = program(subject, body, shapes=subject.shapes(*SHAPES), steps=STEPS, stream=(TENSOR,))
    text, why = proven(subject, text, changed)
    details: dict[str, Any] = {"snippet": why} if why else {}
    return CheckResult(
        check=TENSOR,
        outcome=Outcome.LIMIT,
        message=f"step() changes the tensor that was given for lr, by {changed:.2g} of it.",
        measured=changed,
        bound=0.0,
        scenario={"steps": STEPS},
        snippet=text,
        details=details,
    )


def other_rates(subject: Subject) -> list[str]:
    """Return the options beside lr that are learning rates by their names."""
    names = [str(n) for n in {*subject.constructor_names, *subject.default_group}]
    found = [n for n in names if n != "lr" and RATE.search(n) and subject.accepts(n)]
    return sorted(n for n in found if isinstance(subject.default(n), float))


def stands_without(subject: Subject, others: list[str]) -> bool:
    """Return whether nothing moves with lr and all other learning rates at 0."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), 10, "api.lr-zero")
    options = dict.fromkeys(["lr", *others, *known_as(subject, "weight_decay")], 0.0)
    try:
        run = subject.run(start, gradients, options=options)
    except Exception:
        return False
    return distance(run.end, start) / size(start) <= STILL
