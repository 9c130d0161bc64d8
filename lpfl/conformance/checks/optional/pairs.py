"""Drives whose run, with an option, must be the ordinary run with that option."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.api.layout import channels_last
from lpfl.conformance.checks.api.state_entries import reopened
from lpfl.conformance.checks.optional.off import words_of
from lpfl.conformance.definition.alternatives import usual_rate
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.options-elsewhere"
Options = Mapping[str, Any]
FLAT = ((6, 4), (6, 4))
KERNEL = ((4, 3, 2, 3),)
BEFORE, STEPS = 7, 13
"""A run that is saved after 7 steps is within a period of 5, 3 or 2."""
LACKING = (2, 3, 6)


@dataclass(frozen=True)
class Drive:
    """A drive: the pair of runs with an option, where it can be asked, and its weights."""

    pair: Callable[[Subject, Options], Pair]
    asks: Callable[[Subject, Options], bool]
    shapes: Sequence[Sequence[int]] = FLAT


def _pair(
    subject: Subject, options: Options, says: str, other: Any, body: str, **more: Any
) -> Pair:
    words = f", with {words_of(options)}," if options else ""
    more.setdefault("plain", partial(_run, subject, options))
    return Pair(
        check=ID,
        says=f"{says}{words}",
        other=other,
        body=f"options = {dict(options)!r}\n{body.strip()}\n",
        options=options,
        scenario={"options": dict(options)},
        **more,
    )


def _run(subject: Subject, options: Options, start: Start, gradients: Gradients) -> Trajectory:
    return subject.run(start, gradients, options=options)


def _empty(subject: Subject, options: Options) -> Pair:
    def among(start: Start, gradients: Gradients) -> Trajectory:
        wider = [[*row, row[0].new_zeros(0)] for row in gradients]
        run = subject.run([*start, start[0].new_zeros(0)], wider, options=options)
        return Trajectory([row[:-1] for row in run.values])

    body = """
with_empty = lambda row: [*row, torch.zeros(0).to(row[0])]
a = run(with_empty(start), [with_empty(g) for g in gradients], **options)[:-1]
b = run(start, gradients, **options)
"""
    differs = Outcome.DEVIATES if _apart(subject, options) else Outcome.VARIANT
    says = "beside a parameter without entries"
    return _pair(subject, options, says, among, body, differs=differs)


def _channels_last(subject: Subject, options: Options) -> Pair:
    def laid(start: Start, gradients: Gradients) -> Trajectory:
        rows = [[channels_last(g) for g in row] for row in gradients]
        return subject.run([channels_last(v) for v in start], rows, options=options)

    body = """
lay = lambda v: v.contiguous(memory_format=torch.channels_last)
a = run([lay(v) for v in start], [[lay(g) for g in row] for row in gradients], **options)
b = run(start, gradients, **options)
"""
    return _pair(subject, options, "with weights in channels_last", laid, body)


def _rate_in_a_tensor(subject: Subject, options: Options) -> Pair:
    rate = usual_rate(subject)

    def by_tensor(start: Start, gradients: Gradients) -> Trajectory:
        held = torch.tensor(rate, dtype=torch.float64)
        return subject.run(start, gradients, options={**options, "lr": held})

    body = f"""
a = run(start, gradients, lr=torch.tensor({rate!r}, dtype=torch.float64), **options)
b = run(start, gradients, lr={rate!r}, **options)
"""
    plain = partial(_run, subject, {**options, "lr": rate})
    says = "with lr in a tensor"
    limit = Outcome.LIMIT
    return _pair(subject, options, says, by_tensor, body, plain=plain, differs=limit)


def _uphill(subject: Subject, options: Options) -> Pair:
    def turned(start: Start, gradients: Gradients) -> Trajectory:
        rows = [[-g for g in row] for row in gradients]
        return subject.run(start, rows, options={**options, "maximize": True})

    body = """
a = run(start, [[-x for x in g] for g in gradients], maximize=True, **options)
b = run(start, gradients, **options)
"""
    return _pair(subject, options, "on negated gradients with maximize=True", turned, body)


def _beside(subject: Subject, options: Options) -> Pair:
    def first(run: Trajectory) -> Trajectory:
        return Trajectory([row[:1] for row in run.values])

    def beside(start: Start, gradients: Gradients) -> Trajectory:
        rows: Any = [_without(row, t) for t, row in enumerate(gradients)]
        return first(subject.run(start, rows, options=options))

    def alone(start: Start, gradients: Gradients) -> Trajectory:
        return subject.run(start[:1], [row[:1] for row in gradients], options=options)

    body = f"""
lacks = [[g[0], *([None] if t in {LACKING} else g[1:])] for t, g in enumerate(gradients)]
a = run(start, [g[:len(start)] for g in lacks], **options)[:1]
b = run(start[:1], [g[:1] for g in gradients], **options)
"""
    says = "beside a parameter without gradients in some steps"
    return _pair(subject, options, says, beside, body, plain=alone)


def _without(row: Sequence[Any], t: int) -> list[Any]:
    return [row[0], *([None] * len(row[1:]) if t in LACKING else row[1:])]


def _resumed(lost: bool, subject: Subject, options: Options) -> Pair:
    """Return a run saved after some steps, beside the one that goes on.

    lost: in what follows, one parameter has no gradient.
    """

    def rows(gradients: Gradients) -> list[Any]:
        ahead = gradients[:BEFORE]
        return [*ahead, *([*row[:-1], None] if lost else row for row in gradients[BEFORE:])]

    def ran(anew: bool, start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start, options=options)
        values = [session.values()]
        for t, row in enumerate(rows(gradients)):
            if t == BEFORE and anew:
                session = _loaded(subject, session, options)
            seed_everything(subject.seed + t)
            session.step(row)
            values.append(session.values())
        return Trajectory(values)

    body = f"""
import copy


def ran(anew):
    optimizer, params = begin(start, **options)
    for t, g in enumerate(gradients):
        if t == {BEFORE} and anew:
            state = copy.deepcopy(optimizer.state_dict())
            optimizer, params = begin([p.detach() for p in params], **options)
            optimizer.load_state_dict(state)
        lacks = {lost} and t >= {BEFORE}
        step(optimizer, params, [*g[:-1], None] if lacks else g)
    return read(optimizer, params)


a, b = ran(True), ran(False)
"""
    after = ", where one parameter has no gradient any more" if lost else ""
    says = f"saved and resumed after {BEFORE} steps{after}"
    return _pair(subject, options, says, partial(ran, True), body, plain=partial(ran, False))


def _loaded(subject: Subject, session: Session, options: Options) -> Session:
    state = copy.deepcopy(session.optimizer.state_dict())
    other = reopened(subject, session, options)
    other.optimizer.load_state_dict(state)
    return other


def _apart(subject: Subject, options: Options) -> bool:
    """Return whether, with an option, a parameter among others moves as it does alone."""
    key = ("apart", repr(sorted(options.items())))
    if key not in subject.memory:
        start, gradients = subject.draw(FLAT, STEPS, ID, "apart")
        both = subject.run(start, gradients, options=options)
        alone = subject.run(start[:1], [row[:1] for row in gradients], options=options)
        near = gap(alone, Trajectory([row[:1] for row in both.values])) <= tolerance(subject, ID)
        subject.memory[key] = near and not coupled(subject)
    return bool(subject.memory[key])


def _always(subject: Subject, options: Options) -> bool:
    del subject, options
    return True


def _may_be_empty(subject: Subject, options: Options) -> bool:
    del options
    return subject.handles((0,))


def _has_kernels(subject: Subject, options: Options) -> bool:
    del options
    return subject.handles(KERNEL[0]) and "sparse" not in subject.needs


def _has_a_rate(subject: Subject, options: Options) -> bool:
    del options
    return usual_rate(subject) is not None and "fused" not in subject.needs


def _turns(subject: Subject, options: Options) -> bool:
    return subject.default("maximize") is False and "maximize" not in options


def _spares(subject: Subject, options: Options) -> bool:
    return "grad_first" not in subject.needs and _apart(subject, options)


def _saves(subject: Subject, options: Options) -> bool:
    """Return whether to ask for a resumed run; ``api.resume`` asks with switches itself."""
    switch = any(isinstance(value, bool) for value in options.values())
    return "process_group" not in subject.needs and not switch


def _saves_and_loses(subject: Subject, options: Options) -> bool:
    """Return whether a resumed run goes on where all have gradients, and one may lose its own."""
    if subject.needs & {"process_group", "grad_first"}:
        return False
    pair = _resumed(False, subject, options)
    start, gradients = subject.draw(FLAT, STEPS, ID, "saved")
    try:
        apart = gap(pair.other(start, gradients), pair.plain(start, gradients))
    except Exception:
        return False
    return apart <= tolerance(subject, ID)


DRIVES = (
    (Drive(_empty, _may_be_empty),),
    (Drive(_channels_last, _has_kernels, KERNEL),),
    (Drive(_rate_in_a_tensor, _has_a_rate),),
    (Drive(_uphill, _turns),),
    (Drive(_beside, _spares),),
    (Drive(partial(_resumed, False), _saves), Drive(partial(_resumed, True), _saves_and_loses)),
)
"""Those of a row show the same faults."""
