"""Values as users write them: pairs as lists, whole numbers, infinite bounds; closures likewise."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.promised.clip_options import clips
from lpfl.conformance.definition.alternatives import usual_rate
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import needs_loss, parameters_of
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.value-forms"
SHAPES = ((6, 4), (5,))
STEPS = 4
SAME = 1e-12


@check(ID, tags=("api",), cost=0.05, needs=("inject",))
def value_forms(subject: Subject) -> Iterator[CheckResult]:
    """betas as a list, lr=1, an infinite clip, a closure without a value do as usual forms do."""
    shapes, compared = subject.shapes(*SHAPES), 0
    for pair in _pairs(subject):
        result = agree(subject, pair, shapes, STEPS)
        if result.outcome in FINDINGS:
            yield result
            return
        compared += result.outcome is Outcome.CONFORMS
    message = f"The number of forms of values that change a run is 0 of {compared}."
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _pairs(subject: Subject) -> Iterator[Pair]:
    held = subject.default("betas")
    if isinstance(held, tuple) and subject.accepts("betas"):
        yield _options(subject, "betas as a list", {"betas": held}, {"betas": list(held)})
    if usual_rate(subject) and subject.accepts("lr"):
        yield _options(subject, "lr=1, a whole number", {"lr": 1.0}, {"lr": 1})
    for clip in clips(subject):
        for name in clip:
            endless = {name: float("inf")}
            yield _options(subject, f"{name} infinite, beside none", {}, endless)
    yield from _closures(subject)


def _options(subject: Subject, says: str, usual: dict[str, Any], other: dict[str, Any]) -> Pair:
    def ran(options: dict[str, Any], start: Start, gradients: Gradients) -> Trajectory:
        return subject.run(start, gradients, options=options)

    text = repr(other).replace(": inf", ": float('inf')")
    return Pair(
        check=ID,
        says=f"with {says}",
        plain=partial(ran, usual),
        other=partial(ran, other),
        body=f"a, b = run(start, gradients, **{text}), run(start, gradients, **{usual!r})",
        options=usual,
        differs=Outcome.LIMIT,
        scenario={"options": {k: str(v) for k, v in other.items()}},
    )


def _closures(subject: Subject) -> Iterator[Pair]:
    """Yield the run by closures that return nothing, as trainers hand over for a lost batch."""
    optimizer = subject.open(subject.draw(subject.shapes(*SHAPES), 0, ID)[0]).optimizer
    names = [p.name for p in parameters_of(optimizer.step)]
    if subject.needs & {"keeps_grad", "sparse"} or not names:
        return
    if "closure" not in names or needs_loss(documentation(subject, optimizer)):
        return

    def ran(valued: bool, start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)

        def move(row: Any) -> None:
            loss = surrogate(session.params, row, value=10.0 ** (3 - session.steps))
            _step(session, loss, valued)

        return session.follow(gradients, move)

    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    try:
        used = gap(ran(True, start, gradients), subject.run(start, gradients)) > SAME
    except Exception:  # closures are another check's
        return
    if used:
        return
    yield Pair(
        check=ID,
        says="with a closure that returns None",
        plain=partial(ran, True),
        other=partial(ran, False),
        body="""
def ends(valued):
    optimizer, params = begin(start)
    for t, g in enumerate(gradients):
        def closure():
            optimizer.zero_grad()
            loss = sum((x * (p - p.detach())).sum() for p, x in zip(params, g)) + 10.0 ** (3 - t)
            loss.backward()
            return loss if valued else None

        optimizer.step(closure)
    return read(optimizer, params)


a, b = ends(False), ends(True)
""",
        differs=Outcome.LIMIT,
    )


def _step(session: Session, loss_function: Callable[[], Any], valued: bool) -> None:
    def closure() -> Any:
        session.zero()
        loss = loss_function()
        loss.backward()
        return loss if valued else None

    session.optimizer.step(closure)
