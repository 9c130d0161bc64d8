"""How the step depends on the size of the gradients: an exponent, and its domain."""

import math
from collections.abc import Mapping
from typing import Any

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.grid import unusual
from lpfl.conformance.definition.supports import held
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence, program, proven
from lpfl.conformance.subject import Subject

ID = "def.scale"
STEPS = 12
POWERS = (-12, -10, -8, -6, -4, -2, -1, 0, 1, 2, 4, 6, 8, 10, 12)
NEAR = (-2, -1, 0, 1, 2)
EXPONENTS: Mapping[str, float] = {
    "sgd": 1.0, "momentum": 1.0, "nesterov": 1.0, "adam": 0.0, "adamw": 0.0, "amsgrad": 0.0,
    "nadam": 0.0, "adamax": 0.0, "adagrad": 0.0, "rmsprop": 0.0, "rprop": 0.0, "lion": 0.0,
    "signsgd": 0.0, "lamb": 0.0, "lars": 0.0, "adan": 0.0, "muon": 0.0,
    "soap": 0.0, "scion": 0.0,
}  # fmt: skip
"""Claim -> exponent of its step in the size of the gradients, away from eps and damping."""
SAME = 0.05


@check(ID, tags=("def",), cost=0.3, control=False)
def scale(subject: Subject) -> CheckResult:
    """The step grows as a power of the gradients' size, over a stated domain."""
    sizes = {k: _step_size(subject, k) for k in POWERS}
    base = sizes[0]
    if base is None or base == 0 or not math.isfinite(base):
        message = f"The step of ordinary gradients is {base}: no exponent."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    broken = [k for k in POWERS if sizes[k] is None or not math.isfinite(sizes[k] or 0.0)]
    near = [k for k in NEAR if k not in broken]
    exponent = _slope({k: sizes[k] or 0.0 for k in near})
    whole = round(exponent)
    domain = _domain(sizes, whole)
    not_finite = [f"1e{k}" for k in broken]
    details = {
        "exponent": exponent,
        "domain": [f"1e{domain[0]}", f"1e{domain[1]}"],
        "step by power of ten": {str(k): v for k, v in sizes.items()},
        "not finite at": not_finite,
    }
    message = (
        f"The exponent of the step in the gradients' size is {exponent:.3g}, constant to 5 % from "
        f"1e{domain[0]} to 1e{domain[1]}."
    )
    if any(abs(k) <= 6 for k in broken):
        return _broken(subject, next(k for k in broken if abs(k) <= 6), details)
    claimed = {EXPONENTS[c] for c in subject.spec.claims if c in EXPONENTS}
    other = len(claimed) == 1 and abs(exponent - claimed.copy().pop()) > 0.2
    if other and (reading := held_reading(subject)) is not None:
        message += f" So has its definition, with {reading or 'its options'}."
        return CheckResult(
            check=ID,
            outcome=Outcome.CONVENTION,
            message=message,
            measured=exponent,
            details=details,
        )
    if other:
        return CheckResult(
            check=ID,
            outcome=Outcome.DEVIATES,
            message=f"{message} Its claim says {claimed.pop():g}.",
            measured=exponent,
            bound=0.2,
            scenario={"gradient size": "1e-2 to 1e2", "steps": STEPS},
            **_exponent_shown(subject, exponent, near, details),
        )
    outcome = Outcome.NUMERICS if broken else Outcome.CONFORMS
    if broken:
        message += f" Not finite at {', '.join(not_finite)}."
    return CheckResult(
        check=ID, outcome=outcome, message=message, measured=exponent, details=details
    )


def held_reading(subject: Subject) -> str | None:
    """Return what is unusual in the reading of its claim that a subject follows; None if none."""
    for claim in sorted(subject.spec.claims & EXPONENTS.keys()):
        oracle = oracle_of(claim)
        if oracle is None:
            continue
        fit = held(Comparison(subject, oracle))
        if fit is not None:
            other = unusual(oracle, fit.candidate.convention)
            return "; ".join(f"{a}: {v}" for a, v in other.items())
    return None


def _step_size(subject: Subject, power: int) -> float | None:
    """Return the length of the last step for gradients of size 10^power; None if it raises."""
    shapes = subject.shapes((6, 4)) or subject.shapes((5,))
    start, gradients = subject.draw(shapes, STEPS, ID)
    factor = 10.0**power
    try:
        scaled = [[factor * g for g in step] for step in gradients]
        run = subject.run(start, scaled, options=without_decay(subject))
    except Exception:
        return None
    squares = [float(run.moves(i)[-1].square().sum()) for i in range(len(shapes))]
    return float(sum(squares)) ** 0.5


def _slope(sizes: Mapping[int, float]) -> float:
    points = [(k, math.log10(v)) for k, v in sizes.items() if v > 0]
    if len(points) < 2:
        return 0.0
    mean_k = sum(k for k, _ in points) / len(points)
    mean_v = sum(v for _, v in points) / len(points)
    above = sum((k - mean_k) * (v - mean_v) for k, v in points)
    return above / sum((k - mean_k) ** 2 for k, _ in points)


def _domain(sizes: Mapping[int, float | None], exponent: int) -> tuple[int, int]:
    base = sizes[0] or 1.0

    def inside(k: int) -> bool:
        value = sizes[k]
        if value is None or not value > 0 or not math.isfinite(value):
            return False
        return abs(math.log(value / base) - exponent * k * math.log(10)) <= math.log(1 + SAME)

    low = high = 0
    for k in (k for k in POWERS if k > 0):
        if not inside(k):
            break
        high = k
    for k in (k for k in reversed(POWERS) if k < 0):
        if not inside(k):
            break
        low = k
    return low, high


def _exponent_shown(
    subject: Subject, exponent: float, near: list[int], details: Mapping[str, object]
) -> dict[str, Any]:
    body = f"""
def last_step(power):
    optimizer, params = begin(start, **{without_decay(subject)!r})
    for g in gradients:
        before = read(optimizer, params)
        step(optimizer, params, [10.0**power * x for x in g])
    moves = [a - b for a, b in zip(read(optimizer, params), before)]
    return sum(float(m.square().sum()) for m in moves) ** 0.5


powers = torch.tensor({near!r}, dtype=torch.float64)
sizes = torch.tensor([last_step(k) for k in {near!r}], dtype=torch.float64).log10()
away = powers - powers.mean()
print('exponent of the step in the size of the gradients:', float(away @ sizes / (away @ away)))
"""
    shapes = subject.shapes((6, 4)) or subject.shapes((5,))
    more = evidence(subject, body, exponent, shapes=shapes, steps=STEPS, stream=(ID,))
    return {"snippet": more["snippet"], "details": {**details, **more["details"]}}


def _broken(subject: Subject, power: int, details: Mapping[str, object]) -> CheckResult:
    body = f"""
try:
    ends = run(start, [[1e{power} * x for x in g] for g in gradients], **{without_decay(subject)!r})
    print('finite:', all(bool(p.isfinite().all()) for p in ends))
except Exception as error:
    print('finite: False', type(error).__name__)
"""
    shapes = subject.shapes((6, 4)) or subject.shapes((5,))
    text = program(subject, body, shapes=shapes, steps=STEPS, stream=(ID,))
    text, why = proven(subject, text, "finite: False")
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"Gradients of size 1e{power} make it raise, or its parameters not finite.",
        measured=float(power),
        scenario={"gradient size": f"1e{power}", "steps": STEPS},
        snippet=text,
        details={**details, **({"snippet": why} if why else {})},
    )
