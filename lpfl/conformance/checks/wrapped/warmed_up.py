"""A warm-up of an optimizer's own beside a schedule: the rate of the group goes on to count."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.promised.told_of import words_of
from lpfl.conformance.checks.wrapped.options import is_coarse, named, same
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import Trajectory, gap

ID = "api.own-warm-up"
SHAPES = ((6, 4), (5,))
STEPS, LONG, AFTER = 12, 4, 6
NAMES = re.compile(r"^(num_|n_|lr_)?warm_?up(_(steps?|iters|iterations|updates|length|period))?$")
OWN = re.compile(
    r"overrid|overwrit|own (rate|lr|schedul)|"
    r"(instead of|without|replaces|no|not) [^.]{0,40}schedul|"
    r"schedul\w*[^.]{0,60}(no effect|ignored|overrul)|manages|by itself|(base|max|peak|initial)_lr",
    re.IGNORECASE,
)
"""Words by which its schedule is told to stand for any other."""
ACTS = 1e-3


@check(ID, tags=("api",), cost=0.05, needs=("lr", "inject", "params"))
def own_warm_up(subject: Subject) -> Iterable[CheckResult]:
    """With a warm-up of its own, over or going on, a rate halved in mid-run changes the run."""
    held = []
    for name in named(subject, NAMES):
        value = subject.default(name)
        if isinstance(value, float) or is_coarse(subject):
            continue
        for long, when in ((LONG, "after the warm-up"), (2 * STEPS, "in the warm-up")):
            answer = _of(subject, name, long, when)
            if answer is not None and answer.outcome is not Outcome.CONFORMS:
                yield answer
                return
            held += [answer] if answer else []
    yield from held[:1]


def _overwritten(
    subject: Subject, options: Mapping[str, Any], start: Start, gradients: Gradients
) -> bool:
    """Return whether a rate written into the group before a step is another one after it."""
    session = subject.open(start, options=options)
    for row in gradients[:AFTER]:
        session.step(row)
    session.set(lr=0.5 * float(session.optimizer.param_groups[0]["lr"]))
    written = float(session.optimizer.param_groups[0]["lr"])
    session.step(gradients[AFTER])
    return float(session.optimizer.param_groups[0]["lr"]) != written


def _of(subject: Subject, name: str, long: int, when: str) -> CheckResult | None:
    """Return the answer for a warm-up of this length; None where a rate does nothing anyway."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    still = {n: 0.0 for n in known_as(subject, "weight_decay") if subject.default(n)}
    on = {**still, name: long}

    def ran(options: Mapping[str, Any], factor: float) -> Trajectory:
        def halve(session: Session, t: int) -> None:
            for group in session.optimizer.param_groups if t == AFTER and factor != 1 else ():
                session.set(lr=factor * float(group["lr"]))

        return subject.run(start, gradients, options=options, observe=halve)

    try:
        usual = gap(ran(still, 0.5), ran(still, 1.0))
        plain, halved = ran(on, 1.0), ran(on, 0.5)
        acts = gap(plain, ran(still, 1.0)) > ACTS
    except Exception:  # the option, or a change of the rate, is refused
        return None
    if not acts or usual <= ACTS:
        return None
    change = gap(halved, plain)
    if when == "in the warm-up" and not _overwritten(subject, on, start, gradients):
        return None
    if change > same(subject, ID):
        message = f"A rate halved {when}, {name}={long}, changes the run by {change:.2g}."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=change)
    body = f"""
def ends(factor):
    optimizer, params = begin(start, **{on!r})
    for t, g in enumerate(gradients):
        for group in optimizer.param_groups if t == {AFTER} else ():
            group['lr'] *= factor
        step(optimizer, params, g)
    return read(optimizer, params)


print('change', gap(ends(0.5), ends(1.0), start))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.VARIANT if OWN.search(words_of(subject)) else Outcome.LIMIT,
        message=f"A rate halved {when}, {name}={long}, changes the run by {change:.2g}, and by "
        f"{usual:.2g} without a warm-up: the rate of the group is overwritten, and a schedule "
        "has no effect.",
        measured=change,
        bound=ACTS,
        scenario={"changed": on, "lr halved after": AFTER},
        **evidence(
            subject,
            body,
            change,
            shapes=subject.shapes(*SHAPES),
            steps=STEPS,
            stream=(ID,),
        ),
    )
