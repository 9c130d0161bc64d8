"""Schedules as torch writes them: one rate for each group, beside the entry ``initial_lr``."""

from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.checks.own_groups import rate_of_its_own
from lpfl.conformance.checks.scheduled.written_back import written_back
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.signatures import set_option, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import Trajectory, distance, gap

ID = "api.lr-read"
PAIR = ((6, 4), (6, 4))
AFTER, STEPS = 5, 12
NUMBER = ("first", "second")
LEAST = 1e-6
"""Distance, relative to the way, from which a rate acts on another group."""


def of_groups(subject: Subject) -> CheckResult | None:
    """Return the finding that a schedule of the rates of groups does not act as it should."""
    return rate_of_its_own(subject) or _strays(subject) or _marked(subject) or written_back(subject)


def _strays(subject: Subject) -> CheckResult | None:
    """Return the finding that the rate of one of two groups acts on the other, or on none."""
    given = isinstance(subject.spec.options.get("lr"), torch.Tensor)  # torch shares it too
    if "model" in subject.needs or given or coupled(subject):
        return None
    try:
        found = [_strays_from(subject, changed) for changed in (1, 0)]
        return max(filter(None, found), key=lambda r: r.bound == 0.0, default=None)
    except Exception:  # groups that cannot be built, or must share a rate: other checks say it
        return None


def _strays_from(subject: Subject, changed: int) -> CheckResult | None:
    start, gradients = subject.draw(PAIR, STEPS, ID, "two groups")
    options, other = decayed(subject), 1 - changed
    groups = [([i], options) for i in range(2)]

    def both(at: int | None) -> Trajectory:
        return subject.run(start, gradients, groups=groups, observe=_halving(at))

    def alone(at: int | None) -> Trajectory:
        rows = [[row[changed]] for row in gradients]
        return subject.run([start[changed]], rows, options=options, observe=_halving(at))

    plain, halved = both(None), both(changed)
    strayed, own = (_change(halved, plain, i) for i in (other, changed))
    single = alone(None)
    usual = _change(alone(0), single, 0)
    bound = max(LEAST, tolerance(subject, ID))
    if distance(single.end, plain.end[changed : changed + 1]) > bound * single.displacement():
        return None  # constant rates of groups are another check's
    unlike = abs(own - usual)
    if max(strayed, unlike) <= bound:
        return None
    if not attributable(subject, max(strayed, unlike), start, gradients, options=options):
        return None
    at, measured = (other, strayed) if strayed > bound else (changed, own)
    said = f"changes the {NUMBER[at]} by {measured:.2g} of its way"
    if strayed <= bound:
        said += f", {unlike:.2g} off what it does to that group alone"
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=(
            f"Halving lr in the {NUMBER[changed]} of two groups in mid-run {said}: "
            "the rate of another group acts."
        ),
        measured=measured,
        bound=0.0 if strayed > bound else usual,
        scenario={
            "groups": 2,
            "lr halved": f"in the {NUMBER[changed]}",
            "after": AFTER,
            "options": options,
        },
        **_stray_shown(subject, changed, at, measured, options),
    )


def _halving(index: int | None) -> Any:
    """Return what halves the rate of one group, of none for None."""

    def halve(session: Session, t: int) -> None:
        if t == AFTER and index is not None:
            groups = session.optimizer.param_groups
            set_option(groups[index], "lr", 0.5 * float(groups[index]["lr"]))

    return halve


def _change(one: Trajectory, two: Trajectory, i: int) -> float:
    """Return how far parameter i ends apart in two runs, over its way in the second."""
    way = distance(two.end[i : i + 1], two.values[0][i : i + 1])
    return distance(one.end[i : i + 1], two.end[i : i + 1]) / way if way else 0.0


def _stray_shown(
    subject: Subject, changed: int, at: int, measured: float, options: Mapping[str, Any]
) -> dict[str, Any]:
    body = f"""
def ends(factor):
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer = make([{{"params": [p], **{dict(options)!r}}} for p in params])
    for t, g in enumerate(gradients):
        if t == {AFTER}:
            optimizer.param_groups[{changed}]['lr'] *= factor
        step(optimizer, params, g)
    return read(optimizer, params)[{at}:{at + 1}]


print('change of the {NUMBER[at]} group', gap(ends(0.5), ends(1.0), start[{at}:{at + 1}]))
"""
    stream = (ID, "two groups")
    return evidence(subject, body, measured, shapes=PAIR, steps=STEPS, stream=stream)


def _marked(subject: Subject) -> CheckResult | None:
    """Return the finding that the first rates, which schedulers keep, change a run beside them."""
    shapes = subject.shapes(*PAIR)
    start, gradients = subject.draw(shapes, STEPS, ID, "marked")
    options = decayed(subject)

    def ran(mark: float, given: Mapping[str, Any] = options) -> Trajectory:
        session = subject.open(start, options=given)
        for group in session.optimizer.param_groups if mark else ():
            group["initial_lr"] = mark * float(group["lr"])

        def move(row: Any) -> None:
            if session.steps == AFTER:
                for index in range(len(session.optimizer.param_groups)):
                    _halving(index)(session, AFTER)
            session.step(row)

        return session.follow(gradients, move)

    try:
        plain = ran(0.0)
    except Exception:
        return None
    try:
        marked = ran(1.0)
    except Exception as error:
        if says_so(error):
            return None
        message = f"A run whose groups hold initial_lr, as under a scheduler, raises {told(error)}."
        return _read(subject, message, type(error).__name__, shapes, options)
    apart = gap(marked, plain)
    if apart <= max(LEAST, tolerance(subject, ID)) or _says_first_rate(subject):
        return None
    if not attributable(subject, apart, start, gradients, options=options):
        return None
    still = {**options, **dict.fromkeys(known_as(subject, "weight_decay"), 0.0)}
    rest = ran(1.0, still)
    if gap(rest, ran(0.0, still)) <= LEAST and _relative(marked, ran(2.0), rest):
        return None
    message = (
        f"The run ends {apart:.2g} of its way apart where the groups hold initial_lr, which every "
        "scheduler of torch writes: the rate of the start acts beside the scheduled one."
    )
    return _read(subject, message, apart, shapes, options)


def _says_first_rate(subject: Subject) -> bool:
    """Return whether the docstrings speak of the entry."""
    start = [value[:1] for value in subject.draw([(6, 4)], 0, ID)[0]]
    optimizer = subject.open(start).optimizer
    return "initial_lr" in documentation(subject, optimizer)


def _relative(once: Trajectory, twice: Trajectory, rest: Trajectory) -> bool:
    """Return whether a decay is weaker the larger the first rate: by lr over it, as in a paper."""
    return distance(twice.end, rest.end) < distance(once.end, rest.end)


def _read(
    subject: Subject,
    message: str,
    proof: float | str,
    shapes: Any,
    options: Mapping[str, Any],
) -> CheckResult:
    body = f"""
def ends(marked):
    optimizer, params = begin(start, **{dict(options)!r})
    for group in optimizer.param_groups:
        if marked:
            group['initial_lr'] = float(group['lr'])
    for t, g in enumerate(gradients):
        if t == {AFTER}:
            for group in optimizer.param_groups:
                group['lr'] *= 0.5
        step(optimizer, params, g)
    return read(optimizer, params)


try:
    print('distance', gap(ends(True), ends(False), start))
except Exception as error:
    print(type(error).__name__)
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=message,
        measured=proof if isinstance(proof, float) else None,
        bound=0.0,
        scenario={"entry": "initial_lr", "lr halved after": AFTER, "options": dict(options)},
        **evidence(subject, body, proof, shapes=shapes, steps=STEPS, stream=(ID, "marked")),
    )
