"""Options that are off by default and do nothing when they are switched on."""

import re
from collections.abc import Mapping
from typing import Any

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.promised.clip_options import CLIPS
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

ID = "api.options"
STEPS = 14
VISIBLE = 1e-7
DECAYS = re.compile(r"^(lr_|learning_rate_)?decay$|^gamma$")
VALUE, SMALLER = 0.5, 0.1
LONG = 30.0
"""Size of the gradients' entries: a clip has much to do."""
LATE = 150
"""Steps after which an option that waits has had its turn."""
WAITS = re.compile(
    r"\b(every|after|until|at the end of)\b"
    r"(?!\s+(the\s+|each\s+|every\s+|a\s+)?(steps?|updates?|iterations?|batch\w*)\b)"
    r"|\bepochs?\b|\bfrom (the )?(step\b|\w+ step\b)",
    re.IGNORECASE,
)
"""Words by which an option is told to act later than a short run sees."""
CALLED = re.compile(r"(?<![\w.])([a-z]\w*)\(\)")
USUAL = {"step", "zero_grad"}
ANOTHER = re.compile(
    r"\b(only|if|when|unless|requires?|needs?|used (by|with|in)|with|for|ignored|no effect|unused|"
    r"deprecated|compat\w*)\b",
    re.IGNORECASE,
)


def off_and_idle(subject: Subject) -> CheckResult | None:
    """Return the finding that a documented option does nothing, if one does."""
    if not subject.injects or subject.hides_options:
        return None
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, STEPS, ID, "off")
    optimizer = subject.open(start).optimizer
    words = documentation(subject, optimizer)
    for name in sorted(subject.constructor_names):
        held = subject.default(name)
        decay = DECAYS.search(name) and isinstance(held, float) and held == 0
        clip = CLIPS.search(name) and held is None
        if not (decay or clip) or not _described(words, name):
            continue
        if _gated(words, name, subject.constructor_names) or _waits(words, name, optimizer):
            continue
        if answer := _idle(subject, name, start, _long(gradients)):
            return answer
    return None


def _described(words: str, name: str) -> bool:
    return re.search(rf"\b{name}\b[`'\"*]*\s*(\([^)]*\))?\s*[:=]", words) is not None


def _gated(words: str, name: str, names: frozenset[str]) -> bool:
    """Return whether what is told of an option names another one on which it depends."""
    text = entry(words, name)
    others = [n for n in names if n != name and re.search(rf"\b{n}\b", text)]
    return bool(others) and bool(ANOTHER.search(text))


def _waits(words: str, name: str, optimizer: Any) -> bool:
    """Return whether an option is told to act at certain steps, or in a method of its own."""
    text = entry(words, name)
    calls = set(CALLED.findall(text)) - USUAL
    return bool(WAITS.search(text)) or any(callable(getattr(optimizer, c, None)) for c in calls)


def entry(words: str, name: str) -> str:
    """Return what the documentation tells of an option, up to the next one."""
    found = re.search(rf"\b{name}\b[`'\"*]*\s*(\([^)]*\))?\s*[:=]", words)
    if not found:
        return ""
    return re.split(r"\n\s*\n|\n\s*:?\w+[ \w]*(\([^)]*\))?:", words[found.end() :])[0]


def _long(gradients: Gradients) -> Gradients:
    return [[LONG * g for g in row] for row in uneven(gradients)]


def _idle(subject: Subject, name: str, start: Start, gradients: Gradients) -> CheckResult | None:
    """Return the finding about one option, unless it acts, is refused or could not show."""
    base: dict[str, Any] = {}
    if subject.accepts("lr") and isinstance(subject.default("lr"), float):
        base = {"lr": max(subject.default("lr"), 0.01)}
    clips = subject.default(name) is None
    try:
        plain = subject.run(start, gradients, options=base)
        for value in (VALUE, SMALLER):
            other = subject.run(start, gradients, options={**base, name: value})
            if not plain.finite or gap(other, plain) > VISIBLE:
                return None
    except Exception:
        return None
    if plain.displacement() == 0 or (clips and _blind(subject, start, gradients, base)):
        return None
    if _switched_on(subject, name, start, gradients, base):
        return None
    if _acts_late(subject, name, start, gradients, base):
        return None
    on = {**base, name: VALUE}
    body = f"""{UNEVEN_TEXT}
gradients = [[{LONG} * x for x in g] for g in gradients]
a, b = run(start, gradients, **{on!r}), run(start, gradients, **{base!r})
print('acts:', gap(a, b, start) > {VISIBLE})
"""
    stream = (ID, "off")
    shapes = [tuple(v.shape) for v in start]
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"The effect of {name}={VALUE}, which is documented and off by default, is 0 of "
        f"the way{', with gradients far longer than that' if clips else ''}: it is not used.",
        measured=0.0,
        bound=VISIBLE,
        scenario={"changed": {name: VALUE}, "options": base, "steps": STEPS},
        **evidence(subject, body, "acts: False", shapes=shapes, steps=STEPS, stream=stream),
    )


def _blind(subject: Subject, start: Start, gradients: Gradients, base: Mapping[str, Any]) -> bool:
    """Return whether gradients cut to one length, or to entries of one size, give the same run."""
    cut = [[VALUE * g / g.norm() for g in row] for row in gradients]
    flat = [[g.clamp(-VALUE, VALUE) for g in row] for row in gradients]
    plain = subject.run(start, gradients, options=base)
    runs = [subject.run(start, given, options=base) for given in (cut, flat)]
    return any(gap(run, plain) <= 1e-3 for run in runs)


def _acts_late(
    subject: Subject, name: str, start: Start, gradients: Gradients, base: Mapping[str, Any]
) -> bool:
    """Return whether the option acts in a run of many more steps."""
    rows = [gradients[t % len(gradients)] for t in range(LATE)]
    try:
        plain = subject.run(start, rows, options=base)
        other = subject.run(start, rows, options={**base, name: VALUE})
    except Exception:
        return False
    return plain.finite and gap(other, plain) > VISIBLE


def _switched_on(
    subject: Subject, name: str, start: Start, gradients: Gradients, base: Mapping[str, Any]
) -> bool:
    """Return whether the option acts beside a switch of the constructor turned over."""
    for switch in sorted(subject.constructor_names):
        held = subject.default(switch)
        if not isinstance(held, bool):
            continue
        turned = {**base, switch: not held}
        try:
            plain = subject.run(start, gradients, options=turned)
            other = subject.run(start, gradients, options={**turned, name: VALUE})
        except Exception:
            continue
        if gap(other, plain) > VISIBLE:
            return True
    return False
