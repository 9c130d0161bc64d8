"""What an optimizer says of steps that bfloat16 rounds away: options, and words."""

import re
from typing import Any

from lpfl.conformance.checks.promised.told_of import told_of
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.subject import Subject

KEPT = re.compile(
    r"kahan|compensated[ _-]?sum|stochastic(ally)?[ _-]?round|round(ed|s|ing)?[ _-]stochastic|"
    r"master[ _-](weight|cop|param)|(weight|cop|param)\w*[ _-]master",
    re.IGNORECASE,
)
"""Words for a way to keep what a step loses: summed up, by chance, or in a copy of more bits."""
AGAINST = re.compile(
    r"\b(no|not|non|without|never|unlike|instead of|rather than|lacks?|cannot|avoids?|if|when|"
    r"optional\w*|can|could|may|todo|state|moment\w*|momentum|gradients?|"
    r"multiples|quanti\w+|levels|wrap\w*|callers?|users?|task|elsewhere|outside|"
    r"for (the )?(float32 |fp32 )?master)\b",
    re.IGNORECASE,
)
"""Words by which a sentence promises it not, not always, not itself, or not for the weights."""
HALF, BRAIN = (
    re.compile(r"float16|fp16|\bhalf\b", re.I),
    re.compile(r"bf16|bfloat|low|16.bit", re.I),
)
"""Names of float16, of which alone may be told, and of formats that bfloat16 is among."""
ENDS = re.compile(r"[.;\n]\s")


def options(subject: Subject) -> list[dict[str, Any]]:
    """Return options that switch such a way on, each where it is off by default."""
    names = sorted(n for n in subject.constructor_names if KEPT.search(n))
    names = [n for n in names if not _of_half_alone(told_of(subject, n))]
    return [{n: True} for n in names if subject.default(n) in (None, False)]


def kept(subject: Subject) -> bool:
    """Return whether small steps are told not to be lost by default."""
    held = [n for n in subject.constructor_names if KEPT.search(n)]
    if held:
        on = [n for n in held if subject.default(n) is True]
        return any(not _of_half_alone(told_of(subject, n)) for n in on)
    start, _ = subject.draw([(6, 4)], 1, "told")
    words = documentation(subject, subject.open(start).optimizer)
    told = [said for said in ENDS.split(words) if KEPT.search(said)]
    return any(not AGAINST.search(said) and not _of_half_alone(said) for said in told)


def _of_half_alone(said: str) -> bool:
    return bool(HALF.search(said.replace("bfloat16", ""))) and not BRAIN.search(said)
