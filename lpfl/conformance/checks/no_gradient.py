"""Steps in which nobody, or nobody in a group, has a gradient: frozen parts, empty batches."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.api.missing import decayed, looks_back
from lpfl.conformance.checks.promised.clip_options import clips
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.drives.driven import Groups
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome, severity
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import size

ID = "api.no-gradient"
PAIR = ((6, 4), (6, 4))
STEPS = 5
BARE = (2, 3)
"""Steps in which nobody has a gradient."""
STILL = 1e-12
ALWAYS = frozenset(
    {"grad_first", "closure", "value_closure", "sparse", "create_graph", "sampled", "named"}
)
"""Needs with which every step has a gradient, or parameters are not given as plain groups."""
CASES = {
    "no parameter has a gradient in two steps": "bare",
    "no parameter of the second group has a gradient": "frozen",
}


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def no_gradient(subject: Subject) -> CheckResult:
    """A step without any gradient, or with none in a group, raises nothing and moves nothing."""
    if subject.needs & ALWAYS:
        message = "Not applicable: every step needs a gradient, as the spec says."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    usual = decayed(subject)
    ways = [usual, {**usual, "foreach": True}] if subject.accepts("foreach") else [usual]
    asked = list(itertools.product(CASES.items(), ways))
    asked += itertools.product(list(CASES.items())[:1], _switched_on(subject))
    answers = [
        _answer(subject, words, kind, options)
        for (words, kind), options in asked
        if _runs(subject, kind, options)
    ]
    if not answers:
        raise Undrivable("an ordinary run raises")
    return max(answers, key=lambda answer: severity(answer.outcome))


def _switched_on(subject: Subject) -> list[Mapping[str, Any]]:
    """Return options that are off by default, switched on one by one."""
    turned: list[Mapping[str, Any]] = [{n: v} for n, v in switches(subject).items()]
    return [*turned, *clips(subject)]


def _runs(subject: Subject, kind: str, options: Mapping[str, Any]) -> bool:
    """Return whether the run of this kind is made, and finite, where nobody lacks a gradient."""
    start, gradients = subject.draw(PAIR, STEPS, ID)
    try:
        return subject.run(start, gradients, options=options, groups=_groups(kind)).finite
    except Exception:
        return False


def _groups(kind: str) -> Groups | None:
    return [([0], {}), ([1], {})] if kind == "frozen" else None


def _answer(subject: Subject, words: str, kind: str, options: Mapping[str, Any]) -> CheckResult:
    start, gradients = subject.draw(PAIR, STEPS, ID)
    given = [_left_out(row, t, kind) for t, row in enumerate(gradients)]
    try:
        run = subject.run(start, given, options=options, groups=_groups(kind))
    except Undrivable:
        raise
    except Exception as error:
        outcome = Outcome.VARIANT if says_so(error) else Outcome.LIMIT
        beside = "".join(f", with {k}={v!r}" for k, v in options.items())
        message = f"A run in which {words}{beside}, raises {told(error).rstrip('.')}."
        return _told(subject, outcome, message, kind, options, type(error).__name__)
    moved = _moved(run.values, kind) / size(start)
    message = f"Where {words}, the relative move of what has none is {moved:.2g}."
    # averages of the weights, which are read in eval mode, go on
    averages = "mode" in subject.needs or looks_back(subject)
    if moved <= STILL or coupled(subject) or averages:
        outcome = Outcome.CONFORMS if moved <= STILL else Outcome.VARIANT
        return CheckResult(check=ID, outcome=outcome, message=message, measured=moved, bound=STILL)
    return _told(subject, Outcome.LIMIT, message, kind, options, moved)


def _left_out(row: Sequence[Any], t: int, kind: str) -> list[Any]:
    if kind == "frozen":
        return [row[0], None]
    return [None, None] if t in BARE else list(row)


def _moved(values: Sequence[Any], kind: str) -> float:
    """Return the largest way of what has no gradient in one step."""
    pairs = list(itertools.pairwise(values))
    if kind == "frozen":
        return max(float((b[1] - a[1]).norm()) for a, b in pairs)
    return max(size([y - x for x, y in zip(*pairs[t], strict=True)]) for t in BARE)


def _told(
    subject: Subject,
    outcome: Outcome,
    message: str,
    kind: str,
    options: Mapping[str, Any],
    proof: float | str,
) -> CheckResult:
    frozen = kind == "frozen"
    body = f"""
frozen, bare, moved = {frozen}, {BARE}, []
params = [torch.nn.Parameter(v.clone()) for v in start]
try:
    groups = [{{"params": [p]}} for p in params] if frozen else params
    optimizer = make(groups, **{dict(options)!r})
    for t, g in enumerate(gradients):
        before = read(optimizer, params) if t else start
        step(optimizer, params, [g[0], None] if frozen else [None, None] if t in bare else g)
        after = read(optimizer, params)
        ways = [float((b - a).norm()) for a, b in zip(before, after)]
        if frozen or t in bare:
            moved.append(ways[1] if frozen else sum(w * w for w in ways) ** 0.5)
    whole = sum(float(v.norm()) ** 2 for v in start) ** 0.5
    print('relative move without a gradient:', max(moved) / whole)
except Exception as error:
    print(type(error).__name__)
"""
    more: dict[str, Any] = {}
    if outcome is not Outcome.VARIANT:
        more = evidence(subject, body, proof, shapes=PAIR, steps=STEPS, stream=(ID,))
    measured = proof if isinstance(proof, float) else None
    lacking = "the second group" if frozen else "all, steps 3 and 4"
    scenario = {"gradient": None, "of": lacking, "options": dict(options)}
    return CheckResult(
        check=ID, outcome=outcome, message=message, measured=measured, bound=STILL,
        scenario=scenario, **more,
    )  # fmt: skip
