"""Options that choose between the forms of a method: Muon's shape factor, the ball of Scion.

Sources: Liu et al. 2025 for 0.2 sqrt(max(m, n)), which gives steps the size of AdamW's; Pethick et
al. 2025, algorithm 1 (unconstrained: no pull towards the ball) and algorithm 2 (constrained).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.trajectory_verdict import judge
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.oracles.base import Oracle
from lpfl.conformance.oracles.muon import FACTOR
from lpfl.conformance.oracles.scion import BALL
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.subject import Subject


@dataclass(frozen=True)
class Form:
    """A value of an option, and the values of an axis that it may stand for."""

    option: str
    value: Any
    axis: str
    meant: tuple[str, ...]


PLAIN = tuple(kind for kind in FACTOR if not kind.startswith("0.2"))
LIKE_ADAMW = (FACTOR[2], FACTOR[7], FACTOR[4])
"""0.2 sqrt(max(m, n)), which is 0.2 sqrt(m n / rank) where none is lost; 0.2 may be in the rate."""
FORMS = {
    "muon": [
        *(Form(name, True, "shape factor", LIKE_ADAMW) for name in (
            "use_adjusted_lr", "match_rms_adamw", "match_rms", "moonlight", "use_moonlight",
        )),
        *(Form(name, "match_rms_adamw", "shape factor", LIKE_ADAMW) for name in (
            "adjust_lr_fn", "adjust_lr",
        )),
        Form("adjust_lr_fn", "original", "shape factor", PLAIN),
    ],
    "scion": [
        Form("unconstrained", True, "ball", BALL[:1]),
        Form("unconstrained", False, "ball", BALL[1:]),
        *(Form(name, on, "ball", BALL[on:][:1]) for on in (False, True) for name in (
            "constrained", "constraint", "constrain",
        )),
    ],
}  # fmt: skip


WRONG = (Outcome.LIMIT, Outcome.DEVIATES)


def with_forms(subject: Subject, claim: str, answer: CheckResult) -> Iterator[CheckResult]:
    """Yield the answer about a claim, and one for each form of it that an option gets wrong.

    A default form that the answer confirms is not asked again.
    """
    oracle = oracle_of(claim)
    found: list[CheckResult] = []
    for form in FORMS.get(claim, ()) if oracle is not None else ():
        assert oracle is not None
        held = subject.default(form.option)
        offered = subject.accepts(form.option) and form.option not in subject.taken
        alike = type(held) in (type(form.value), type(None))
        told = answer.convention.get(form.axis, oracle.conventions[form.axis][0])
        sure = answer.outcome is Outcome.DEVIATES or told in form.meant
        if offered and alike and not (held == form.value and sure):
            found += _judged(subject, oracle, form)
    right = [other.message for other in found if other.outcome not in WRONG]
    yield replace(answer, details={**answer.details, "forms": right}) if right else answer
    yield from (other for other in found if other.outcome in WRONG)


def _judged(subject: Subject, oracle: Oracle, form: Form) -> Iterator[CheckResult]:
    """Yield the answer about one form; nothing where it cannot be driven."""
    spec = subject.spec
    chosen = replace(spec, options={**spec.options, form.option: form.value})
    alone = Subject(chosen, seed=subject.seed, device=str(subject.device), quick=subject.quick)
    alone.taken = subject.taken
    try:
        answer = judge(Comparison(alone, narrowed(oracle, form)))
    except Exception:  # a value that the subject does not take
        return
    if answer.outcome is not Outcome.UNDRIVABLE:
        said = f"With {form.option}={form.value!r}: {answer.message}"
        yield replace(answer, message=said)


def narrowed(oracle: Oracle, form: Form) -> Oracle:
    """Return the reference with what an option may stand for; the ball has no decay beside it."""
    conventions = {**oracle.conventions, form.axis: form.meant}
    kept = {
        kind: {axis: values & set(conventions[axis]) for axis, values in table.items()}
        for kind, table in (("variants", oracle.variants), ("departures", oracle.departures))
    }
    pulled = form.meant == BALL[1:]
    aliases = {**oracle.aliases, "weight_decay": ()} if pulled else oracle.aliases
    return replace(
        oracle,
        conventions=conventions,
        variants=kept["variants"],
        departures=kept["departures"],
        aliases=aliases,
    )
