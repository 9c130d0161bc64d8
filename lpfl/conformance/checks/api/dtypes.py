"""Number formats: float64, float32, bfloat16, and float16 with zeros in the gradient."""

from typing import Any

import torch

from lpfl.conformance.drives.refusals import refuses
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject

FORMATS = (torch.float64, torch.float32, torch.bfloat16)
STEPS = 12
SHAPES = ((6, 4), (5,))
FAR = 4.0
"""Spacings of a format by which a step is not rounded away."""
COARSE_RATE = 0.1
"""Learning rate in bfloat16 and float16: smaller ones are rounded away."""


def _options(subject: Subject, dtype: torch.dtype) -> dict[str, Any]:
    rate = subject.default("lr")
    coarse = dtype in (torch.bfloat16, torch.float16)
    small = isinstance(rate, float) and 0 < rate < COARSE_RATE
    return {"lr": COARSE_RATE} if coarse and small and subject.accepts("lr") else {}


@check("api.dtypes", tags=("api",), cost=0.2)
def dtypes(subject: Subject) -> CheckResult:
    """Runs in float64, float32 and bfloat16 stay finite, move, and keep the dtype."""
    said, outcome, where = [], Outcome.CONFORMS, None
    for dtype in FORMATS:
        subject.literal = True
        found = _run_in(subject, dtype)
        subject.literal = False
        if found is not None:
            name = str(dtype).removeprefix("torch.")
            said.append(f"in {name} {found[1]}")
            if outcome is Outcome.CONFORMS:
                outcome, where = found[0], dtype
    if where is None:
        message = "The number of formats (float64, float32, bfloat16) with a finding is 0 of 3."
        return CheckResult(check="api.dtypes", outcome=outcome, message=message, measured=0.0)
    if len(said) == len(FORMATS) and all(" raises " in what for what in said):
        subject.run(*subject.draw(subject.shapes(*SHAPES), STEPS, "api.dtypes"))  # raises too?
    text, why = ("", "") if outcome is Outcome.VARIANT else _proof(subject, where, said[0])
    return CheckResult(
        check="api.dtypes",
        outcome=outcome,
        message=f"A run {'; '.join(said)}.",
        measured=float(len(said)),
        bound=0.0,
        scenario={"dtype": str(where), "steps": STEPS, **_options(subject, where)},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _run_in(subject: Subject, dtype: torch.dtype) -> tuple[Outcome, str] | None:
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, "api.dtypes", dtype=dtype)
    try:
        session = subject.open(start, options=_options(subject, dtype))
        begin = session.values()
        for step in gradients:
            session.step(step)
    except Exception as error:
        return Outcome.VARIANT if refuses(error) else Outcome.LIMIT, f"raises {told(error)}"
    values = session.values()
    if any(p.dtype != dtype for p in session.params):
        return Outcome.DEVIATES, f"ends in {session.params[0].dtype}"
    if not all(bool(v.isfinite().all()) for v in values):
        low = dtype == torch.bfloat16
        return Outcome.NUMERICS if low else Outcome.DEVIATES, "turns NaN or infinite"
    if all(torch.equal(a, b) for a, b in zip(values, begin, strict=True)):
        if dtype == torch.float64:
            return Outcome.LIMIT, f"moves by exactly 0 in {STEPS} steps"
        missed = _spacings(subject, dtype)
        if missed > FAR:
            said = f"moves by exactly 0 in {STEPS} steps, of which one is {missed:.2g} spacings of"
            return Outcome.LIMIT, f"{said} the format in float64"
        return Outcome.NUMERICS, f"moves by exactly 0 in {STEPS} steps (rounded away)"
    return None


def _spacings(subject: Subject, dtype: torch.dtype) -> float:
    """Return the longest step in float64, in spacings of another format at its weights.

    The median over the entries; 0 where float64 raises.
    """
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, "api.dtypes")
    start = [v.to(dtype).double() for v in start]
    gradients = [[g.to(dtype).double() for g in step] for step in gradients]
    try:
        run = subject.run(start, gradients, options=_options(subject, dtype))
    except Exception:
        return 0.0
    spacing = [torch.finfo(dtype).eps * v.abs() for v in start]
    steps = [run.moves(i) for i in range(len(start))]
    ratios = [
        float((m.abs() / s).median()) for ms, s in zip(steps, spacing, strict=True) for m in ms
    ]
    return max([r for r in ratios if r == r], default=0.0)


def _proof(subject: Subject, dtype: torch.dtype, said: str) -> tuple[str, str]:
    body = f"""
cast = lambda vs: [v.to({dtype}) for v in vs]
try:
    ends = run(cast(start), [cast(g) for g in gradients], **{_options(subject, dtype)!r})
    still = all(torch.equal(a, b) for a, b in zip(ends, cast(start)))
    print('finite:', all(bool(p.isfinite().all()) for p in ends), 'moves:', not still)
except Exception as error:
    print('raises', type(error).__name__)
"""
    expected = (
        "finite: False" if "NaN" in said else "moves: False" if "exactly" in said else "raises"
    )
    shapes = subject.shapes(*SHAPES)
    text = program(subject, body, shapes=shapes, steps=STEPS, stream=("api.dtypes",))
    return proven(subject, text, expected)


@check("api.float16", tags=("api",), cost=0.1, control=False)
def float16(subject: Subject) -> CheckResult:
    """Zero entries inside a float16 gradient leave finite parameters."""
    check_id = "api.float16"
    shapes = subject.shapes(*SHAPES)
    counts = {}
    for dtype in (torch.float32, torch.float16):
        start, gradients = subject.draw(shapes, 3, check_id, dtype=dtype)
        for step in gradients:
            for g in step:
                g[:1] = 0.0
        try:
            run = subject.run(start, gradients)
        except Exception as error:
            message = f"Not judged: a float16 run raises {told(error)}."
            return CheckResult(check=check_id, outcome=Outcome.UNDRIVABLE, message=message)
        counts[dtype] = sum(int((~v.isfinite()).sum()) for v in run.end)
    lost, total = counts[torch.float16], sum(v.numel() for v in run.end)
    if lost == 0 or counts[torch.float32] > 0:
        message = f"The number of entries that turn NaN where a float16 gradient is zero is {lost}."
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=float(lost)
        )
    body = """
half = lambda vs: [v.half() for v in vs]
zeroed = lambda vs: [v.index_fill(0, torch.tensor([0]), 0.0) for v in half(vs)]
ends = run(half(start), [zeroed(g) for g in gradients])
print('not finite:', sum(int((~p.isfinite()).sum()) for p in ends))
"""
    text = program(subject, body, shapes=shapes, steps=3, stream=(check_id,))
    text, why = proven(subject, text, float(lost))
    return CheckResult(
        check=check_id,
        outcome=Outcome.NUMERICS,
        message=(
            f"The number of entries that turn NaN where a float16 gradient is zero is {lost} of "
            f"{total}; in float32 it is 0 (eps rounds to zero; torch's own Adam does the same)."
        ),
        measured=float(lost),
        bound=0.0,
        scenario={"dtype": "float16", "steps": 3, "gradient": "first row zero"},
        snippet=text,
        details={"snippet": why} if why else {},
    )
