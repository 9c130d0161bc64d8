"""Options that are whole numbers, or told to be off at 0: their other values lose no numbers."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.checks.off_by_default import entry
from lpfl.conformance.checks.protocol.whole_numbers import VALUES
from lpfl.conformance.checks.switches import PLUMBING
from lpfl.conformance.definition.alternatives import NUMBERS
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.refusals import refuses
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import parameters_of, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.finite-counts"
SHAPES = ((6, 4), (5,))
STEPS = max(VALUES)
WHOLE = re.compile(
    r"\b(int(eger)?s?|whole|number of|steps?|iterations?|updates?|epochs?|batches|rounds)\b", re.I
)
FRACTION = re.compile(r"\b(float|fraction|coefficient|factor|probability|between 0|in \[0)", re.I)
_ZERO = r"(?<![\w.\-])0(\.0)?(?![\w.]*\d)"
_OFF = r"(none|off|disabl\w+|turns? (it|this) off|never|without|no \w+)"
OFF_AT_ZERO = re.compile(
    rf"{_ZERO}[`'\")]*,?\s*(for|means|stands for|is|=|:|to|->|turns?|will|,)?\s*(to )?\b{_OFF}\b"
    rf"|\b{_OFF}[^.;,]{{0,12}}\b(if|when|with|at)\s*(it is |set to |this is |= ?)?[`'\"]*{_ZERO}",
    re.I,
)
"""Words by which an option is told to do nothing at 0."""


@check(ID, tags=("api",), cost=0.05)
def finite_counts(subject: Subject) -> Iterable[CheckResult]:
    """Whole numbers for an option that is off, and a 0 told to stand for off, leave numbers."""
    base = decayed(subject)
    if _lost(subject, base) is not None:
        message = "Not judged: an ordinary run does not end in numbers."
        return [CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)]
    asked = 0
    for name, values in _asked(subject):
        asked += 1
        lost = [_lost(subject, {**base, name: value}, value or STEPS) for value in values]
        if not all(_lets_down(x, on=bool(values[0])) for x in lost):
            continue
        return [_answer(subject, {**base, name: values[0]}, name, lost[0])]
    message = f"The number of options, of {asked}, that lose numbers switched on or off is 0."
    return [CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)]


def _asked(subject: Subject) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield options with values to try: whole numbers for one that is off, 0 for one that is on."""
    optimizer = subject.open(subject.draw(subject.shapes(*SHAPES), 0, ID)[0]).optimizer
    words = documentation(subject, optimizer)
    kinds = {p.name: str(p.annotation) for p in parameters_of(type(optimizer))}
    whole = {n for n, k in kinds.items() if re.search(r"\bint\b", k) and "float" not in k}
    hidden = subject.default_group.keys() if subject.hides_options else frozenset[str]()
    for name in sorted({*subject.constructor_names, *hidden} - PLUMBING - {"lr"}):
        held, said = subject.default(name), entry(words, name)
        if isinstance(held, bool) or not (held is None or isinstance(held, int | float)):
            continue
        if held and OFF_AT_ZERO.search(said):
            yield name, (type(held)(0),)
        elif not held and not isinstance(held, float) and name not in NUMBERS:
            counts = WHOLE.search(said) if held == 0 else re.search(r"\bint(eger)?\b", said)
            if (counts or name in whole) and not FRACTION.search(said):
                yield name, VALUES


def _lost(
    subject: Subject, options: Mapping[str, Any], steps: int = STEPS
) -> Exception | str | None:
    """Return the error of a run, or words if it does not end in numbers; None if all is well."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    try:
        run = subject.run(start, gradients[:steps], options=options)
    except Exception as error:
        return error
    return None if run.finite else "finite: False"


def _answer(
    subject: Subject, options: Mapping[str, Any], name: str, lost: Exception | str | None
) -> CheckResult:
    """Return the finding about one option: 0, told to be off, or each of the whole numbers."""
    value = options[name]
    raised, others = isinstance(lost, Exception), f"; so it does with {VALUES[1:]}" if value else ""
    does = f"raises {told(lost)}" if isinstance(lost, Exception) else "turns NaN or infinite"
    promised = "" if value else ", which is told to switch it off,"
    steps = value or STEPS
    body = f"""
try:
    ends = run(start, gradients[:{steps}], **{dict(options)!r})
    print('finite:', all(bool(p.isfinite().all()) for p in ends))
except Exception as error:
    print(type(error).__name__)
"""
    shapes = subject.shapes(*SHAPES)
    proof = type(lost).__name__ if isinstance(lost, Exception) else "finite: False"
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT if raised or value else Outcome.DEVIATES,
        message=f"With {name}={value}{promised} a run of {steps} steps {does}{others}.",
        scenario={"options": dict(options), "shapes": shapes, "steps": steps},
        **evidence(subject, body, proof, shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _lets_down(lost: Exception | str | None, *, on: bool) -> bool:
    """Return whether a run speaks against an option; on: an error may mean that it is no number."""
    return lost is not None and not (isinstance(lost, Exception) and (on or refuses(lost)))
