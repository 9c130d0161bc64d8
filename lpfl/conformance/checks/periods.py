"""Numbers told by name: periods act on the steps, and what 0 turns off acts where it is not 0."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.promised.told_of import words_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

PERIODS, LIMITS = "api.periods", "api.limits"
SHAPES = ((6, 4), (5,), (12, 10))
STEPS = 14
VALUES = (1, 2, 3)
RANK = 2
"""Rank at which a method of low rank projects weights of these sizes."""
VISIBLE = 1e-7
Values = tuple[float, ...]
OFF = re.compile(
    r"\b(0|zero|0\.0)[`'\"]*\s*(:|=|means|is|for|to|will)?\s*"
    r"(none|no\b|off\b|disabl|turns? (it )?off|without|unlimited)"
    r"|\b(disabled?|off|none|unlimited)\b[^.]{0,20}\b(if|when|with|by|at|for|:|=)[^.]{0,10}"
    r"(\b0\b|\bzero\b)",
    re.IGNORECASE,
)
"""Words by which 0 turns something off."""
BOUND = re.compile(r"\s*(\w+ ){0,2}(limit|largest|bound|clip|growth|threshold)", re.IGNORECASE)
"""First words on a bound, which short runs of growing gradients reach at some value."""
BESIDE = re.compile(
    r"\b(log|print|report|warn|sav|sync|distribut|communicat|memory)", re.IGNORECASE
)
"""Words of numbers that no weight feels."""
RAISED = re.compile(r"\b(raises|(is|are|gets?) raised|aborts?|\w+Error)\b")
"""Words of a limit beyond which a run ends."""
ONLY = re.compile(r"\b(only|if|when|unless|requires?|needs?|ignored|unused)\b", re.IGNORECASE)
"""Words of a condition."""


@check(PERIODS, tags=("api",), cost=0.02)
def periods(subject: Subject) -> Iterator[CheckResult]:
    """A period of a low-rank method, told as "every <option> steps", acts where the rank does.

    Other methods have periods of which short runs see nothing: of epochs, of averages kept apart.
    """
    if not subject.accepts("rank"):
        return
    words, known = words_of(subject), subject.constructor_names
    named = [name for name in sorted(known) if _told(words, name, known - {name, "rank"})]
    if named and _projects(subject):
        yield _judged(subject, PERIODS, dict.fromkeys(named, VALUES))


def _projects(subject: Subject) -> bool:
    """Return whether weights of these sizes are projected: whether the rank acts."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, PERIODS)
    try:
        return _effect(subject, {"rank": (RANK, 1)}, {}, start, grown(uneven(gradients))) > VISIBLE
    except Exception:
        return False


@check(LIMITS, tags=("api",), cost=0.02)
def limits(subject: Subject) -> Iterator[CheckResult]:
    """A bound that is not 0, and of which the documentation says that 0 turns it off, acts."""
    words = words_of(subject)
    found = {}
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        number = isinstance(held, int | float) and not isinstance(held, bool)
        others = subject.constructor_names - {name}
        if number and held > 0 and _off_at_zero(words, name, others):
            more = (held * 1e-3, held * 1e3) if isinstance(held, float) else (1, 2 * held)
            found[name] = (held, type(held)(0), *more)
    if found:
        yield _judged(subject, LIMITS, found)


def _judged(subject: Subject, check_id: str, options: Mapping[str, Values]) -> CheckResult:
    shapes, base, least = subject.shapes(*SHAPES), _base(subject), float("inf")
    start, gradients = subject.draw(shapes, STEPS, check_id)
    rows = grown(uneven(gradients))
    for name, values in options.items():
        try:
            effect = _effect(subject, {name: values}, base, start, rows)
            gated = effect <= VISIBLE and _gated(subject, {name: values}, base, start, rows)
        except Exception as error:
            message = f"Not judged: with {name} in {values} a run raises {told(error)}."
            return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)
        if effect <= VISIBLE and not gated:
            return _idle(subject, check_id, name, values, base, shapes, effect)
        least = min(least, effect)
    message = f"The smallest effect of {', '.join(options)} is {least:.2g} of the way."
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=least)


def grown(rows: Gradients) -> Gradients:
    """Return gradients that grow from step to step, beside their own changes of size."""
    return [[1.5**t * g for g in row] for t, row in enumerate(rows)]


def _off_at_zero(words: str, name: str, others: Collection[str]) -> bool:
    """Return whether the text on an option speaks of a bound, and says that 0 turns it off."""
    found = re.search(rf"\b{name}\b[`'\"*]*\s*(\([^)]*\))?\s*:", words)
    if not found:
        return False
    entry = re.split(r"\n\s*\n|\n\s*:?\w+[ \w]*(\([^)]*\))?:", words[found.end() :])[0]
    felt = bool(BOUND.match(entry) and OFF.search(entry)) and not RAISED.search(entry)
    return felt and _plain(entry, others)


def _told(words: str, name: str, others: Collection[str]) -> bool:
    """Return whether a sentence says that something happens every so many steps, by name."""
    sentences = [s for s in re.split(r"\.\s", words) if re.search(rf"\bevery [`'\"*]*{name}\b", s)]
    return any(_plain(sentence, others) for sentence in sentences)


def _plain(text: str, others: Collection[str]) -> bool:
    """Return whether a text speaks of steps, and of no condition on another option."""
    if BESIDE.search(text):
        return False
    return not (ONLY.search(text) and any(re.search(rf"\b{other}\b", text) for other in others))


def _base(subject: Subject) -> dict[str, Any]:
    """Return options with which a method of low rank projects weights of these sizes."""
    return {"rank": RANK} if subject.accepts("rank") else {}


def _effect(
    subject: Subject,
    option: Mapping[str, Values],
    base: Mapping[str, Any],
    start: Start,
    rows: Gradients,
) -> float:
    """Return the largest distance that the values of an option make, 1 where nothing moves."""
    ((name, values),) = option.items()
    runs = [subject.run(start, rows, options={**base, name: value}) for value in values]
    if not all(run.finite and run.displacement() for run in runs):
        return 1.0
    return max(gap(run, runs[0]) for run in runs[1:])


def _gated(
    subject: Subject,
    option: Mapping[str, Values],
    base: Mapping[str, Any],
    start: Start,
    rows: Gradients,
) -> bool:
    """Return whether the option acts under a switch that is turned over."""
    for other in sorted(subject.constructor_names):
        held = subject.default(other)
        if not isinstance(held, bool):
            continue
        try:
            if _effect(subject, option, {**base, other: not held}, start, rows) > VISIBLE:
                return True
        except Exception:
            continue
    return False


def _idle(
    subject: Subject,
    check_id: str,
    name: str,
    values: Values,
    base: Mapping[str, Any],
    shapes: list[tuple[int, ...]],
    effect: float,
) -> CheckResult:
    one, two = ({**base, name: value} for value in values[:2])
    body = f"""{UNEVEN_TEXT}
gradients = [[1.5**t * x for x in g] for t, g in enumerate(gradients)]
a = run(start, gradients, **{two!r})
b = run(start, gradients, **{one!r})
print('acts:', gap(a, b, start) > {VISIBLE})
"""
    told_of = "what 0 is told to turn off does nothing"
    if check_id == PERIODS:
        told_of = f"what is told to happen every {name} steps does not"
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=f"The effect of {name} in {values} on {STEPS} steps is {effect:.2g} of the way: "
        f"{told_of}.",
        measured=effect,
        bound=VISIBLE,
        scenario={"option": name, "values": values, "options": dict(base), "steps": STEPS},
        **evidence(subject, body, "acts: False", shapes=shapes, steps=STEPS, stream=(check_id,)),
    )
