"""Options that are told to be off at 0."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lpfl.conformance.agreement import Pair, agree
from lpfl.conformance.checks.promised.named_values import said_of
from lpfl.conformance.drives.refusals import refuses
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.off-at-zero"
STEPS = 4
ZERO = r"(?<![\w.\-^*])(0(\.0)?|zero)(?![\w]|\.\d)"
NOT_IN_USE = (
    r"off\b|disabl\w*|deactivat\w*|not (used|in use|applied)|unused|switch\w* off|turn\w* off"
)
OFF = re.compile(
    rf"{ZERO}\W{{0,4}}(to |means? |is |for |it is |turns it |switches it )?({NOT_IN_USE}|no\b)|"
    rf"({NOT_IN_USE}) (if|when|with|by|at|for)\b( set to)?\W{{0,4}}{ZERO}",
    re.IGNORECASE,
)
"""Words by which 0 is told to switch an option off."""
AS_NONE = re.compile(rf"\bNone`* or `*{ZERO}|{ZERO}`* or `*None\b")


@check(ID, tags=("api",), cost=0.05, needs=("params",))
def off_at_zero(subject: Subject) -> Iterable[CheckResult]:
    """An option that is told to be off at 0 can be 0, and is then what it is at None."""
    asked = 0
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        number = isinstance(held, int | float) and not isinstance(held, bool)
        if not (held is None or (number and held)) or not OFF.search(said_of(subject, name)):
            continue
        asked += 1
        found = _judged(subject, {name: 0.0 if isinstance(held, float) else 0}, held)
        if found is not None:
            yield found
            return
    if asked:
        message = f"A run is well with each of {asked} options at 0 that are told to be off there."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _judged(subject: Subject, options: Mapping[str, Any], held: Any) -> CheckResult | None:
    """Return the finding about one option at 0, if there is one."""
    ((name, _),) = options.items()
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, STEPS, ID)
    if not subject.run(start, gradients).finite:
        return None
    try:
        finite = subject.run(start, gradients, options=options).finite
    except Exception as error:
        return None if refuses(error) else _raising(subject, shapes, options, error)
    if not finite:
        return _lost(subject, shapes, options)
    if held is not None or not AS_NONE.search(said_of(subject, name)):
        return None
    pair = Pair(
        check=ID,
        says=f"with {name} = 0, which is told to be off as None is,",
        plain=lambda s, g: subject.run(s, g),
        other=lambda s, g: subject.run(s, g, options=options),
        body=f"a, b = run(start, gradients, **{dict(options)!r}), run(start, gradients)",
        scenario={"options": dict(options)},
    )
    answer = agree(subject, pair, shapes, STEPS)
    return answer if answer.outcome in FINDINGS else None


def _raising(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any], error: Exception
) -> CheckResult:
    body = f"""
try:
    run(start, gradients, **{dict(options)!r})
except Exception as error:
    print(type(error).__name__, error)
"""
    kind = type(error).__name__
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"A run with {_said(options)}, which is told to be off there, raises "
        f"{told(error)}.",
        scenario={"options": dict(options), "steps": STEPS},
        **evidence(subject, body, kind, shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _lost(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any]
) -> CheckResult:
    body = f"""
ends = run(start, gradients, **{dict(options)!r})
print('finite:', all(bool(v.isfinite().all()) for v in ends))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"A run with {_said(options)}, which is told to be off there, is not finite.",
        scenario={"options": dict(options), "steps": STEPS},
        **evidence(subject, body, "finite: False", shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _said(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())
