"""Steps with gradients that are not finite, where they are told to be left out."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.promised.told_of import ENDS, told_of, words_of
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.skipped-steps"
SHAPES = ((6, 4), (5,))
STEPS, BAD = 6, 3
SKIPS = r"skip\w*|ignor\w*|(?:leav\w*|left)(?=[^.]{0,60}\bout\b)|drop\w*|omit\w*|discard\w*"
LOST = r"non[ _-]?finite|not (all )?finite|\bnan'?s?\b|\binf(s|init\w*)?\b"
PROMISE = re.compile(rf"({SKIPS})\b[^.]*?({LOST})|({LOST})[^.]*?\b({SKIPS})", re.IGNORECASE)
GRADIENT = re.compile(r"grad|\bsteps?\b", re.IGNORECASE)
NAME = re.compile(
    r"(skip|ignore|drop).*(non_?finite|nan|inf)|(non_?finite|nan|inf).*(skip|ignore|drop)"
)
OTHERWISE = re.compile(
    r"scaler|\bamp\b|found_inf|loss.scal|raise|error|\bnot? (skip|ignor|drop)|sparse|\bno\b|never|"
    r"\bversions?\b|\bformerly|\bpreviously|\bused to\b|\bthe (caller|user)|"
    r"^(?!.*\bgrad).*\bloss(es)?\b",
    re.IGNORECASE,
)
"""Words by which somebody else skips, or nobody, or once, or by the loss alone."""
ANY = re.compile(r"finite|\binf", re.IGNORECASE)
"""Words by which infinities are meant too, not NaN alone."""


@check(ID, tags=("api",), cost=0.05, needs=("inject",))
def skipped_steps(subject: Subject) -> Iterable[CheckResult]:
    """A gradient that is not finite loses no weights where such steps are told to be left out."""
    shapes = subject.shapes(*SHAPES)
    asked = 0
    for options, said in _promises(subject):
        for value in ("nan", "inf") if ANY.search(said) else ("nan",):
            start, gradients = spoilt(subject, shapes, float(value))
            try:
                run = subject.run(start, gradients, options=options)
            except Exception as error:
                if not says_so(error):
                    yield _raising(options, error)
                    return
                continue
            asked += 1
            if not run.finite:
                yield _finding(subject, shapes, options, value)
                return
    if asked:
        message = f"The weights stay finite in {asked} runs with a step that is told to be skipped."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _promises(subject: Subject) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield options under which such steps are told to be left out, and the words."""
    switches = {n for n in subject.constructor_names if isinstance(subject.default(n), bool)}
    named = [n for n in sorted(switches) if PROMISE.search(told_of(subject, n)) or NAME.search(n)]
    for name in named:
        said = f"{name} {told_of(subject, name)}"
        if not OTHERWISE.search(said):
            yield {name: True}, said
    for said in re.split(ENDS, words_of(subject)) if not named else ():
        if said and PROMISE.search(said) and GRADIENT.search(said) and not OTHERWISE.search(said):
            yield {}, said
            return


def spoilt(
    subject: Subject, shapes: list[tuple[int, ...]], value: float
) -> tuple[Start, Gradients]:
    """Return a scenario in which one entry of one gradient is no finite number."""
    start, gradients = subject.draw(shapes, STEPS, ID)
    gradients[BAD][0] = gradients[BAD][0].clone()
    gradients[BAD][0].view(-1)[0] = torch.tensor(value)
    return start, gradients


def _raising(options: Mapping[str, Any], error: Exception) -> CheckResult:
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"A step that is told to be left out raises {told(error)}.",
        scenario={"options": dict(options)},
    )


def _finding(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any], value: str
) -> CheckResult:
    body = f"""
gradients[{BAD}][0].view(-1)[0] = float('{value}')
ends = run(start, gradients, **{dict(options)!r})
print('finite:', all(bool(v.isfinite().all()) for v in ends))
"""
    said = " and ".join(f"{k}={v}" for k, v in options.items()) or "by default"
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"Weights are lost to a gradient with an entry of {value} ({said}), although such "
        "steps are told to be left out.",
        scenario={"options": dict(options), "steps": STEPS, "entry": value},
        **evidence(subject, body, "finite: False", shapes=shapes, steps=STEPS, stream=(ID,)),
    )
