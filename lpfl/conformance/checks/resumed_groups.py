"""Save and go on with two groups: state and options return to the parameters they belong to."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from lpfl.conformance.checks.api.state_entries import changed_formats, close, entries, reopened
from lpfl.conformance.checks.no_gradient import ALWAYS
from lpfl.conformance.definition.alternatives import together
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import inner_precision
from lpfl.conformance.signatures import set_option, told
from lpfl.conformance.snippets import contradicted, evidence
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import distance

ID = "api.resume"
SHAPES = ((6, 4), (5,), (6, 4), (5,))
"""Two parameters of each group, alike in the other: a mix-up raises nothing."""
CHANGED, BEFORE, AFTER = 3, 7, 6
FACTORS = (0.8, 0.4)
"""What a schedule makes of the rates of the two groups before the run is saved."""
SAME = 1e-12
ROUNDS = 1e-3
"""Distance up to which numbers of lower precision, inside or after loading, explain it."""


class Kind(NamedTuple):
    """Steps, counted from 0, in which the first parameter has no gradient; when the group joins.

    late: steps before the second group is added; None: it is there from the start.
    """

    without: Sequence[int] = ()
    late: int | None = None


PLAIN = "with two groups"
KINDS: dict[str, Kind] = {
    PLAIN: Kind(),
    "with two groups, its first parameter without a gradient so far,": Kind(range(BEFORE)),
    "with two groups, its first parameter without a gradient right then,": Kind((BEFORE,)),
    "with two groups, its first parameter without a gradient in some steps,": Kind((0, 1, 3, 5)),
    "with two groups, the second of which was added after 2 steps,": Kind(late=2),
}
Rows = Sequence[Sequence[Any]]
Own = list[tuple[list[int], dict[str, Any]]]


def in_groups(subject: Subject) -> Iterator[CheckResult]:
    """Yield the answer for a run with two groups that is saved in the middle of a schedule."""
    if "model" in subject.needs or not all(subject.handles(shape) for shape in SHAPES[:2]):
        return
    answer = None
    for how, kind in KINDS.items():
        if how != PLAIN and (subject.needs & ALWAYS or answer is None):
            continue
        answer = _answer(subject, how, kind) or answer
        if answer is not None and answer.outcome is not Outcome.CONFORMS:
            break
    if answer is not None:
        yield answer


def _answer(subject: Subject, how: str, kind: Kind) -> CheckResult | None:
    start, gradients = subject.draw(SHAPES, BEFORE + AFTER, ID, "groups")
    rows = [[None, *row[1:]] if t in kind.without else row for t, row in enumerate(gradients)]
    numbers = {n: v for n, v in together(subject).items() if not isinstance(v, bool)}
    own: Own = [([0, 1], {}), ([2, 3], numbers)]
    try:
        if BEFORE in kind.without:  # what stops the uninterrupted run is no matter of loading
            _follow(subject, [_saved(subject, start, rows, own)], rows[BEFORE:])
        if kind.late is not None and not _joins(subject, start, rows, own):
            return None
        first = _saved(subject, start, rows, own, kind.late)
        begin = first.values()
        finite = all(bool(v.isfinite().all()) for v in begin)
    except Exception:  # other checks say what stops an ordinary run
        return None
    if not finite:
        return None
    try:
        state = copy.deepcopy(first.optimizer.state_dict())
        other = reopened(subject, first, groups=own)
        other.optimizer.load_state_dict(state)
        formats, why = changed_formats(first, other), _mixed(first, other)
        _follow(subject, (first, other), rows[BEFORE:])
    except Exception as error:
        message = f"A run resumed {how.rstrip(',')} raises {told(error)}."
        outcome = Outcome.VARIANT if says_so(error) else Outcome.LIMIT
        return _result(subject, outcome, message, how, own, type(error).__name__)
    way = distance(first.values(), begin)
    apart = distance(other.values(), first.values())
    relative = apart / way if way else float(apart > 0)
    message = f"The distance of a run resumed {how} is {relative:.2g} of the way"
    coarse = bool(formats) or inner_precision(subject) != "float64"
    rounds = (coarse and relative < ROUNDS) or (bool(formats) and not why)
    if relative <= SAME or rounds or _chance(subject, start, rows, own, kind, relative):
        return CheckResult(
            check=ID, outcome=Outcome.CONFORMS, message=f"{message}.", measured=relative, bound=SAME
        )
    message = f"{message}: {why}." if why else f"{message}."
    return _result(subject, Outcome.DEVIATES, message, how, own, relative)


def _saved(subject: Subject, start: Any, rows: Rows, own: Own, late: int | None = None) -> Session:
    """Return the session at the time of saving; a schedule has moved the rates of its groups."""
    session = subject.open(start, groups=own) if late is None else subject.open(start[:2])
    for t, row in enumerate(rows[:BEFORE]):
        if t == late:
            added = [torch.nn.Parameter(subject.fitted(v).clone()) for v in start[2:]]
            session.optimizer.add_param_group({"params": added, **own[1][1]})
            session.params += added
        if t == CHANGED:
            for group, factor in zip(session.optimizer.param_groups, FACTORS, strict=True):
                if isinstance(group.get("lr"), float):
                    set_option(group, "lr", factor * group["lr"])
        session.step(row[: len(session.params)])
    return session


def _joins(subject: Subject, start: Any, rows: Rows, own: Own) -> bool:
    """Return whether a group that is added before the first step is as one given at once."""
    at_once, added = (_saved(subject, start, rows, own, late).values() for late in (None, 0))
    return distance(at_once, added) <= SAME * distance(at_once, start)


def _follow(subject: Subject, sessions: Sequence[Session], rows: Rows) -> None:
    for row in rows:
        for session in sessions:
            seed_everything(subject.seed + 1)
            session.step(row)


def _chance(
    subject: Subject, start: Any, rows: Rows, own: Own, kind: Kind, relative: float
) -> bool:
    """Return whether two equal runs that step in turn are as far apart, or nearly."""
    pair = [_saved(subject, start, rows, own, kind.late) for _ in range(2)]
    begin = pair[0].values()
    _follow(subject, pair, rows[BEFORE:])
    one, two = (session.values() for session in pair)
    way = distance(one, begin)
    return bool(way) and distance(one, two) / way > 0.1 * relative


def _mixed(first: Session, other: Session) -> str:
    """Return in words what lies in the wrong place after loading, or an empty text."""
    groups = zip(first.optimizer.param_groups, other.optimizer.param_groups, strict=True)
    for number, (mine, its) in enumerate(groups, 1):
        for name, value in mine.items():
            if isinstance(value, float) and not close(value, its.get(name)):
                return f"{name} of group {number} is {its.get(name)}, not {value:.4g}"
    old, new = _by_parameter(first), _by_parameter(other)
    for i, held in old.items():
        if held and not _alike(held, new[i]):
            found = [j for j in old if j != i and old[j] and _alike(old[j], new[i])]
            if found:
                return f"the state of parameter {found[0] + 1} lies with parameter {i + 1}"
            if not new[i]:
                return f"the state of parameter {i + 1} is lost"
            for name, value in held.items():
                if (meant := _single(value)) is not None and not close(value, new[i].get(name)):
                    is_now = _single(new[i].get(name))
                    shown = "lost" if is_now is None else f"{is_now:g}, not {meant:g}"
                    return f"{name!r} of parameter {i + 1} is {shown}"
    return ""


def _by_parameter(session: Session) -> dict[int, dict[str, Any]]:
    held: dict[int, dict[str, Any]] = {i: {} for i in range(len(session.params))}
    for (index, name), value in entries(session):
        held[index][name] = value
    return held


def _single(value: Any) -> float | None:
    """Return a single number, or None."""
    if isinstance(value, torch.Tensor) and value.numel() == 1 and not value.is_complex():
        return float(value)
    return float(value) if isinstance(value, int | float) else None


def _alike(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    return one.keys() == two.keys() and all(close(value, two[n]) for n, value in one.items())


def _result(
    subject: Subject, outcome: Outcome, message: str, how: str, own: Own, proof: float | str
) -> CheckResult:
    begun, joins = "one, ps = opened(start)", ""
    if (late := KINDS[how].late) is not None:
        begun = "one, ps = begin(start[:2])"
        joins = f"""if t == {late}:
            ps += [torch.nn.Parameter(v.clone()) for v in start[2:]]
            one.add_param_group({{"params": ps[2:], **{own[1][1]!r}}})
        """
    body = f"""
import copy

without = {list(KINDS[how].without)}  # steps in which the first parameter has no gradient
rows = [[None, *g[1:]] if t in without else g for t, g in enumerate(gradients)]


def opened(values):
    params = [torch.nn.Parameter(v.clone()) for v in values]
    return make([{{"params": params[:2]}}, {{"params": params[2:], **{own[1][1]!r}}}]), params


try:
    {begun}
    for t, g in enumerate(rows[:{BEFORE}]):
        {joins}for group, factor in zip(one.param_groups, {FACTORS} if t == {CHANGED} else ()):
            if isinstance(group.get('lr'), float):
                group['lr'] *= factor
        step(one, ps, g)
    saved = [p.detach().clone() for p in ps]
    state = copy.deepcopy(one.state_dict())
    two, qs = opened(saved)
    two.load_state_dict(state)
    for g in rows[{BEFORE}:]:
        step(one, ps, g)
        step(two, qs, g)
    print('distance', gap(read(two, qs), read(one, ps), saved))
except Exception as error:
    print(type(error).__name__)
"""
    more: dict[str, Any] = {}
    if outcome is not Outcome.VARIANT:
        stream = (ID, "groups")
        more = evidence(subject, body, proof, shapes=SHAPES, steps=BEFORE + AFTER, stream=stream)
        why = more["details"].get("snippet", "")
        if contradicted(why):
            outcome, message = Outcome.INCONCLUSIVE, f"{message[:-1]}; {why}: chance has a part."
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=proof if isinstance(proof, float) else None,
        bound=SAME,
        scenario={"options of the second group": own[1][1], "saved after": BEFORE, "how": how},
        **more,
    )
