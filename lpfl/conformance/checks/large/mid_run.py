"""What changes in the middle of a run: the memory order of the weights, the path of the steps."""

from collections.abc import Iterator
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS, Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.layout import channels_last
from lpfl.conformance.checks.switches import works
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

LAYOUT, PATH = "api.turned-layout", "api.switched-path"
KERNELS = ((4, 3, 2, 3),)
SHAPES = ((6, 4), (5,))
WHEN, STEPS = 3, 7
PATHS = ("foreach", "multi_tensor", "use_foreach")


@check(LAYOUT, tags=("api",), cost=0.05, needs=("params",))
def turned_layout(subject: Subject) -> CheckResult:
    """A model turned to channels_last after the first steps goes on as it would have."""
    if "sparse" in subject.needs or not subject.handles(KERNELS[0]):
        message = "Not applicable: it takes no dense kernels."
        return CheckResult(check=LAYOUT, outcome=Outcome.NOT_CLAIMED, message=message)
    if not _goes_in_order(subject):
        message = "Not judged: in this order from the start it goes another way, see api.strides."
        return CheckResult(check=LAYOUT, outcome=Outcome.INCONCLUSIVE, message=message)
    result = agree(subject, _laid(subject, "channels_last"), KERNELS, STEPS)
    if result.outcome not in FINDINGS:
        return result
    copied = agree(subject, _laid(subject, "contiguous_format"), KERNELS, STEPS)
    if copied.outcome in FINDINGS:
        message = "Not judged: new memory of the weights ends the run, see api.loaded-weights."
        return CheckResult(check=LAYOUT, outcome=Outcome.INCONCLUSIVE, message=message)
    return result


def _goes_in_order(subject: Subject) -> bool:
    """Return whether a run in channels_last from the start is the ordinary one."""
    start, gradients = subject.draw(KERNELS, STEPS, LAYOUT)
    laid = [[channels_last(g) for g in row] for row in gradients]
    try:
        run = subject.run([channels_last(v) for v in start], laid)
    except Exception:
        return False
    return gap(run, subject.run(start, gradients)) <= max(SCALARS, tolerance(subject, LAYOUT))


def _laid(subject: Subject, order: str) -> Pair:
    """Return the pair whose weights get new memory in this order, and their gradients with them."""
    form = getattr(torch, order)
    last = order == "channels_last"

    def other(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)

        def move(row: Any) -> None:
            if session.steps == WHEN:
                for p in session.params:
                    p.data = p.data.clone(memory_format=form) if p.ndim == 4 else p.data.clone()
            turned = last and session.steps >= WHEN
            session.step([channels_last(g) if turned else g for g in row])

        return session.follow(gradients, move)

    return Pair(
        check=LAYOUT,
        says=f"whose weights are turned to channels_last after {WHEN} steps",
        plain=subject.run,
        other=other,
        body=f"""
lay = lambda v: v.contiguous(memory_format=torch.{order}) if v.ndim == 4 else v
optimizer, params = begin(start)
for t, g in enumerate(gradients):
    if t == {WHEN}:
        for p in params:
            p.data = lay(p.data)
    step(optimizer, params, [lay(x) for x in g] if t >= {WHEN} else g)
a, b = read(optimizer, params), run(start, gradients)
""",
    )


@check(PATH, tags=("api",), cost=0.1, needs=("params",))
def switched_path(subject: Subject) -> Iterator[CheckResult]:
    """A run whose path is switched in its groups after the first steps goes on as it would have."""
    compared, farthest = 0, 0.0
    for name in (n for n in PATHS if n in subject.default_group):
        if not all(works(subject, {name: value}) for value in (True, False)):
            continue
        for value in (True, False):
            result = agree(subject, _switched(subject, name, value), subject.shapes(*SHAPES), STEPS)
            if result.outcome in FINDINGS:
                yield result
                return
            compared += result.outcome is Outcome.CONFORMS
            farthest = max(farthest, result.measured or 0.0)
    message = f"Of {compared} runs whose path is switched, the farthest is {farthest:.2g} off."
    yield CheckResult(check=PATH, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _switched(subject: Subject, name: str, value: bool) -> Pair:
    """Return the pair whose groups have this value for a path after some steps."""

    def control(start: Start, gradients: Gradients) -> float:
        paths = ({name: value}, {name: not value})
        return gap(*(subject.run(start, gradients, options=o) for o in paths))

    def other(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start, options={name: not value})

        def move(row: Any) -> None:
            _turn(session, name, value)
            session.step(row)

        return session.follow(gradients, move)

    return Pair(
        check=PATH,
        says=f"in whose groups {name} is set to {value} after {WHEN} steps",
        plain=lambda s, g: subject.run(s, g, options={name: not value}),
        other=other,
        body=f"""
optimizer, params = begin(start, {name}={not value})
for t, g in enumerate(gradients):
    if t == {WHEN}:
        for group in optimizer.param_groups:
            group[{name!r}] = {value}
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients, {name}={not value})
""",
        scenario={"switch": name, "to": value},
        tolerance=max(SCALARS, tolerance(subject, PATH)),
        control=control,
    )


def _turn(session: Session, name: str, value: bool) -> None:
    if session.steps == WHEN:
        for group in session.optimizer.param_groups:
            group[name] = value
