"""A parameter without entries among others, which must not notice it."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.subject import Subject, Trajectory

ID = "api.shapes"
STEPS = 4
PATHS = ("foreach", "fused", "multi_tensor", "use_foreach")
PLACES = {"after": 9, "before": 0, "between": 1}
"""Where the empty parameter stands among the others: the place in their list."""


def beside_empty(subject: Subject) -> CheckResult | None:
    """Return the finding that a parameter without entries changes the way of others, if so.

    Where parameters influence each other, it counts only if they are not finite or stand still.
    """
    shapes = subject.shapes((6, 4), (5,))
    for pair in _pairs(subject):
        try:
            start, gradients = subject.draw(shapes, STEPS, ID, "among")
            if coupled(subject) and not _lost(pair, start, gradients):
                continue
            result = agree(subject, pair, shapes, STEPS)
        except Exception:  # an ordinary run that raises is told of by its shape
            continue
        if result.outcome in FINDINGS and result.outcome is not Outcome.NUMERICS:
            return result
    return None


def _pairs(subject: Subject) -> Iterator[Pair]:
    options: list[Mapping[str, Any]] = [{}]
    options += [{path: True} for path in PATHS if subject.accepts(path)]
    for given in options:
        said = "".join(f" with {k}={v}" for k, v in given.items())
        for where, at in PLACES.items():
            yield Pair(
                check=ID,
                says=f"of parameters {where} which one of shape (0,) is given{said}",
                plain=partial(_run, subject, given),
                other=partial(_among, subject, given, at),
                body=f"""
among = lambda row: [*row[:{at}], torch.zeros(0).to(row[0]), *row[{at}:]]
a = [p for p in run(among(start), [among(g) for g in gradients], **{given!r}) if p.numel()]
b = run(start, gradients, **{given!r})
""",
                options=given,
                raises=Outcome.NOT_CLAIMED,
                scenario={"shape": (0,), "options": given},
            )


def _run(
    subject: Subject, options: Mapping[str, Any], start: Start, gradients: Gradients
) -> Trajectory:
    return subject.run(start, gradients, options=options)


def _among(
    subject: Subject, options: Mapping[str, Any], at: int, start: Start, gradients: Gradients
) -> Trajectory:
    def among(row: Start) -> Start:
        return [*row[:at], row[0].new_zeros(0), *row[at:]]

    run = subject.run(among(start), [among(row) for row in gradients], options=options)
    return Trajectory([[v for v in row if v.numel()] for row in run.values])


def _lost(pair: Pair, start: Start, gradients: Gradients) -> bool:
    """Return whether the others lose their numbers, or stand still, where they did not."""
    try:
        plain, other = pair.plain(start, gradients), pair.other(start, gradients)
    except Exception:
        return False
    return plain.finite and (not other.finite or other.displacement() == 0 < plain.displacement())
