"""Grafting by name: a step said to have the length of another method's has it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from torch import Tensor

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.seen.cuts import GRAFT, aside, without_momentum
from lpfl.conformance.definition.seen.grafts import (
    KINDS,
    averaged,
    known_names,
    lengths,
    option_of,
    without_eps,
)
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, gap

ID = "def.graft"
SHAPES, SIZES, STEPS, APART = ((6, 4), (5, 3)), (1.0, 10.0), 8, 1e-3
WAITS = re.compile(r"start|warm|delay")
"""Names of options that put the preconditioner, and the graft with it, off."""
JOINTLY = re.compile(r"joint|global|all (the )?(parameters|weights|layers)|together|whole model")
SCHEDULED = re.compile(r"schedul|warm|anneal|decay\w* (of|over) (the )?(rate|steps|time)|sqrt\(t")
"""Words of methods, or names of options, that change the rate over time."""
NAMES: Mapping[str, str] = {
    "sgd": "SGD",
    "adagrad": "AdaGrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "sign": "the sign method",
}


@dataclass(frozen=True)
class Grafted:
    """A run with one graft: what was asked for, and the lengths of its moves by weight."""

    subject: Subject
    kind: str
    options: Mapping[str, Any]
    gradients: Sequence[Sequence[Tensor]]
    run: Trajectory

    @property
    def moved(self) -> list[list[float]]:
        return [[float(u.norm()) for u in self.run.moves(i)] for i in range(len(self.run.end))]

    def wanted(self, kind: str) -> Iterator[tuple[str, list[list[float]]]]:
        """Yield a method's lengths by weight under each of its conventions."""
        columns = list(zip(*self.gradients, strict=True))
        each: list[Iterable[tuple[str, list[float]]]]
        each = [lengths(self.subject, kind, column, self.options) for column in columns]
        if kind == self.kind == "sgd":
            more = [averaged(self.subject, column, self.options) for column in columns]
            each = [chain(*pair) for pair in zip(each, more, strict=True)]
        for found in zip(*each, strict=True):
            yield found[0][0], [row for _, row in found]


@check(ID, tags=("def",), cost=0.1, needs=("inject",))
def graft(subject: Subject) -> Iterator[CheckResult]:
    """With a graft named after a method, steps are as long as that method's, up to one factor."""
    found = option_of(subject)
    if found is None:
        message = "Not applicable: it has no graft that takes the name of a method."
        yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    name, values = found
    for kind in [k for k in KINDS if k in values and k != "none"]:
        made = _made(subject, kind, name, values[kind])
        if made is None:
            message = f"Not driven: it does not run with {name}={values[kind]!r}."
            yield CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
        else:
            yield _judged(made, name, values)


def _made(subject: Subject, kind: str, name: str, value: Any) -> Grafted | None:
    """Return the run with a graft, momentum and decay off, or None where it raises."""
    others = {n: v for n, v in aside(subject, {}).items() if not GRAFT.search(n)}
    # averages of the gradient must be off, or its length is not that of the step
    off = {**others, **without_decay(subject), **without_momentum(subject)}
    off |= without_eps(subject)
    start, rows = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    gradients = [[s * g for s, g in zip(SIZES, row, strict=False)] for row in rows]
    for beside in (off, {n: v for n, v in off.items() if n not in others}):
        options = {**beside, name: value}
        try:
            run = subject.run(start, gradients, options=options)
        except Exception:
            continue
        return Grafted(subject, kind, options, gradients, run) if start else None
    return None


def spread(moved: Sequence[Sequence[float]], wanted: Sequence[Sequence[float]]) -> float:
    """Return by how much the factor of lengths on others changes over time, at worst by weight.

    First steps that only fill the statistics do not count.
    """
    worst = 0.0
    for own, other in zip(moved, wanted, strict=True):
        first = next((t for t, x in enumerate(own) if x > 0), len(own))
        ratios = [a / b for a, b in zip(own[first:], other[first:], strict=True) if b > 0]
        if len(ratios) < 2 or not min(ratios) > 0:
            return float("inf")
        worst = max(worst, max(ratios) / min(ratios) - 1)
    return worst


def scheduled(made: Grafted) -> bool:
    """Return whether the factor on the wanted lengths depends on the time alone.

    It is the same for all weights then, whatever the sizes of their gradients are and were.
    """
    gradients = [[(1 + t % 3) * g for g in row] for t, row in enumerate(made.gradients)]
    run = made.subject.run(made.run.values[0], gradients, options=made.options)
    again = replace(made, gradients=gradients, run=run)
    moved = [*made.moved, *again.moved]
    for (_, rows), (_, others) in zip(made.wanted(made.kind), again.wanted(made.kind), strict=True):
        pairs = zip(moved, [*rows, *others], strict=True)
        factors = [[a / b for a, b in zip(*pair, strict=True) if b > 0] for pair in pairs]
        if all(spread([each], factors[:1]) <= APART for each in factors[1:]):
            return True
    return False


def joined(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the lengths of all weights together."""
    return [[sum(x * x for x in column) ** 0.5 for column in zip(*rows, strict=True)]]


def _judged(made: Grafted, name: str, values: Mapping[str, Any]) -> CheckResult:
    said = f"With {name}={values[made.kind]!r} steps"
    own = NAMES[made.kind]
    fits = [(spread(made.moved, rows), word, rows) for word, rows in made.wanted(made.kind)]
    apart, word, _ = min(fits, key=lambda fit: fit[0])
    usual = next((f for f in fits if f[0] <= APART and not f[1]), None)
    if usual is not None:
        return _answer(made, Outcome.CONFORMS, f"{said} are as long as {own}'s.", usual[0])
    if apart <= APART:
        message = f"{said} are as long as {own}'s, {word}."
        return _answer(made, Outcome.CONVENTION, message, apart, convention={"graft": word})
    nearest = min(fits, key=lambda fit: fit[0])[2]
    together = min(spread(joined(made.moved), joined(rows)) for _, _, rows in fits)
    if together <= APART and len(made.moved) > 1:
        words = f"{said} of all weights together are as long as {own}'s, not those of each weight"
        text = documentation(made.subject, made.subject.open(made.run.values[0]).optimizer)
        if JOINTLY.search(text):
            return _answer(made, Outcome.VARIANT, f"{words}.", apart)
        return _answer(made, Outcome.DEVIATES, f"{words}.", apart, **_shown(made, nearest, apart))
    other = _other(made)
    if other and not _waits(made) and _acts(made, name, values):
        words = f"{said} are as long as {other}'s, not as {own}'s."
        return _answer(made, Outcome.DEVIATES, words, apart, **_shown(made, nearest, apart))
    if (inverse := _turned_over(made, name, values)) is not None:
        words = f"{said} are longer where {own}'s are shorter: that of a step without a graft over"
        words += f" that of {own}'s is the factor, not its inverse"
        return _answer(made, Outcome.DEVIATES, f"{words}.", apart, **_shown(made, inverse, apart))
    if scheduled(made):
        words = f"{said} are as long as {own}'s but for one factor that changes over time"
        words += ", whatever the gradients are: a schedule"
        text = documentation(made.subject, made.subject.open(made.run.values[0]).optimizer)
        told = SCHEDULED.search(" ".join([text, *known_names(made.subject)]).lower())
        if told:
            held = {"graft": "a schedule beside it"}
            return _answer(made, Outcome.CONVENTION, f"{words}.", apart, convention=held)
        return _answer(made, Outcome.INCONCLUSIVE, f"{words} of which it says nothing.", apart)
    ratios = [a / b for a, b in zip(made.moved[0], nearest[0], strict=True) if b > 0]
    words = (
        f"{said} have lengths over those of {own}'s that lie between {min(ratios):.3g} and "
        f"{max(ratios):.3g}"
    )
    if made.kind == "sgd":
        shown = _shown(made, nearest, apart)
        message = f"{words}: they are not grafted to SGD's."
        return _answer(made, Outcome.DEVIATES, message, apart, **shown)
    message = f"{words}, in no form known here."
    return _answer(made, Outcome.INCONCLUSIVE, message, apart)


def _other(made: Grafted) -> str:
    """Return the name of another method whose lengths the steps have, or an empty text."""
    kinds = [k for k in KINDS if k not in (made.kind, "none")]
    for kind in kinds:
        if any(spread(made.moved, rows) <= APART for _, rows in made.wanted(kind)):
            return NAMES[kind]
    return ""


def _turned_over(
    made: Grafted, name: str, values: Mapping[str, Any]
) -> Sequence[Sequence[float]] | None:
    """Return the wanted lengths if a step without a graft is the mean of them and of the made one.

    Of lengths the geometric one, up to a factor: the ratio that should scale the step divides it.
    """
    if "none" not in values:
        return None
    options = {**made.options, name: values["none"]}
    try:
        plain = made.subject.run(made.run.values[0], made.gradients, options=options)
    except Exception:
        return None
    squares = [[x * x for x in row] for row in replace(made, run=plain).moved]
    for _, rows in made.wanted(made.kind):
        pairs = zip(made.moved, rows, strict=True)
        both = [[a * b for a, b in zip(*pair, strict=True)] for pair in pairs]
        if spread(both, squares) <= APART:
            return rows
    return None


def _waits(made: Grafted) -> bool:
    """Return whether the preconditioner may not have begun in so few steps."""
    subject = made.subject
    held = {n: made.options.get(n, subject.default(n)) for n in known_names(subject)}
    return any(
        WAITS.search(n) and isinstance(v, int | float) and v > STEPS for n, v in held.items()
    )


def _acts(made: Grafted, name: str, values: Mapping[str, Any]) -> bool:
    """Return whether the value is one that the optimizer knows: it changes what no graft does."""
    if made.kind == "sgd" or "none" not in values:
        return True
    options = {**made.options, name: values["none"]}
    try:
        plain = made.subject.run(made.run.values[0], made.gradients, options=options)
    except Exception:
        return True
    return gap(made.run, plain) > APART


def _answer(
    made: Grafted, outcome: Outcome, message: str, apart: float, **more: Any
) -> CheckResult:
    scenario = {"options": dict(made.options), "shapes": SHAPES, "steps": STEPS}
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=apart,
        bound=APART,
        scenario=scenario,
        **more,
    )


def _shown(made: Grafted, wanted: Sequence[Sequence[float]], apart: float) -> dict[str, Any]:
    """Return a program that shows how far the factor on the wanted lengths changes."""
    body = f"""
sizes, wanted = {SIZES!r}, {[list(row) for row in wanted]!r}
optimizer, params = begin(start, **{dict(made.options)!r})
moved = [[] for _ in params]
for row in gradients:
    before = read(optimizer, params)
    step(optimizer, params, [s * g for s, g in zip(sizes, row)])
    for lengths, old, new in zip(moved, before, read(optimizer, params)):
        lengths.append(float((new - old).norm()))
worst = 0.0
for lengths, others in zip(moved, wanted):
    first = next((t for t, x in enumerate(lengths) if x > 0), 0)
    ratios = [a / b for a, b in zip(lengths[first:], others[first:])]
    worst = max(worst, max(ratios) / min(ratios) - 1 if min(ratios) > 0 else float("inf"))
print('largest over smallest, less 1:', worst)
"""
    shapes = made.subject.shapes(*SHAPES)
    return evidence(made.subject, body, apart, shapes=shapes, steps=STEPS, stream=(ID,))
