"""Groups: options per group, groups added later, the order of the parameters."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree, agree_or_on_squares
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.joint.options_of_groups import (
    in_the_group,
    rate_beside_another,
    switched_groups,
)
from lpfl.conformance.checks.rate_of_group import rate_as_a_number
from lpfl.conformance.definition.alternatives import together
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import end_gap, gap

STEPS = 8


@check("api.groups", tags=("api",), cost=0.4, needs=("params",))
def groups(subject: Subject) -> Iterable[CheckResult]:
    """An option of a group does what it does in the constructor, also beside another group."""
    if answer := rate_as_a_number(subject):
        yield answer
    options = together(subject)
    if not options:
        message = "No option of the groups has a second value that is known to be allowed."
        yield CheckResult(check="api.groups", outcome=Outcome.UNDRIVABLE, message=message)
        return
    pair = in_the_group(subject, options, "the options", Outcome.DEVIATES)
    result = agree(subject, pair, [(6, 4), (6, 4)], STEPS)
    if result.outcome is Outcome.DEVIATES and _by_rate(subject, options):
        more = "with lr in the constructor it is the same: a group's rate is measured against it"
        message = f"{result.message[:-1]}; {more}."
        result = replace(result, outcome=Outcome.LIMIT, message=message)
    yield result
    if result.outcome in FINDINGS:
        return
    yield from switched_groups(subject)
    if not coupled(subject):
        yield _beside(subject, options)
    elif answer := rate_beside_another(subject):
        yield answer


def _by_rate(subject: Subject, options: Mapping[str, Any]) -> bool:
    """Return whether the two runs agree once the constructor is given the group's rate too.

    The group's rate must have a part: one that is not read at all is another matter.
    """
    if "lr" not in options:
        return False
    everywhere = [([0, 1], {"lr": options["lr"]})]
    start, gradients = subject.draw([(6, 4), (6, 4)], STEPS, "api.groups", "rate")
    plain = subject.run(start, gradients, options=options)
    other = subject.run(start, gradients, options={"lr": options["lr"]}, groups=[([0, 1], options)])
    read = gap(subject.run(start, gradients, groups=everywhere), subject.run(start, gradients))
    same = tolerance(subject, "api.groups")
    return gap(other, plain) <= same < read


def _beside(subject: Subject, options: Mapping[str, Any]) -> CheckResult:
    """Compare two groups that differ in every option with each of them alone."""
    says = "of two groups that differ in every option, against each group alone,"
    pair = beside_each_alone(subject, "api.groups", says, options)
    return agree(subject, pair, [(6, 4), (6, 4)], STEPS)


def beside_each_alone(
    subject: Subject, check_id: str, says: str, options: Mapping[str, Any]
) -> Pair:
    """Return two groups, of which the second has the options, against each of them alone."""

    def alone(start: Start, gradients: Gradients) -> Trajectory:
        first = subject.run(start[:1], [g[:1] for g in gradients])
        rest = subject.run(start[1:], [g[1:] for g in gradients], options=options)
        return Trajectory([a + b for a, b in zip(first.values, rest.values, strict=True)])

    def both(start: Start, gradients: Gradients) -> Trajectory:
        apart = [([0], {}), (list(range(1, len(start))), options)]
        return subject.run(start, gradients, groups=apart[: len(start)])

    def control(start: Start, gradients: Gradients) -> float:
        """Return how far the same parameters are apart in one group, together and each alone."""
        single = [
            subject.run([v], [[g[i]] for g in gradients], options=options)
            for i, v in enumerate(start)
        ]
        steps = range(len(gradients) + 1)
        apart = Trajectory([[run.values[t][0] for run in single] for t in steps])
        return end_gap(apart, subject.run(start, gradients, options=options))

    text = repr(dict(options))
    return Pair(
        check=check_id,
        says=says,
        plain=alone,
        other=both,
        body=f"""
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make([{{"params": params[:1]}}, {{"params": params[1:], **{text}}}])
for g in gradients:
    step(optimizer, params, g)
a = read(optimizer, params)
b = run(start[:1], [g[:1] for g in gradients])
b += run(start[1:], [g[1:] for g in gradients], **{text})
""",
        scenario={"options of the second group": dict(options)},
        control=control,
    )


@check("api.order", tags=("api",), cost=0.2, needs=("params",))
def order(subject: Subject) -> CheckResult:
    """The order in which the parameters are given does not matter."""

    def turned(start: Start, gradients: Gradients) -> Trajectory:
        run = subject.run(start[::-1], [g[::-1] for g in gradients])
        return Trajectory([values[::-1] for values in run.values])

    pair = Pair(
        check="api.order",
        says="with the parameters in reverse order",
        plain=subject.run,
        other=turned,
        body="""
a = run(start[::-1], [g[::-1] for g in gradients])[::-1]
b = run(start, gradients)
""",
    )
    shapes = subject.shapes((6, 4), (5,), (3, 4))
    return agree_or_on_squares(subject, _scaled(pair), shapes, 8)


def _scaled(pair: Pair) -> Pair:
    """Return the pair with parameters of very different sizes (0.1, 1, 10)."""

    def sized(start: Start) -> Start:
        return [v * 10.0 ** (i - 1) for i, v in enumerate(start)]

    plain, other = pair.plain, pair.other
    body = "start = [v * 10.0 ** (i - 1) for i, v in enumerate(start)]\n" + pair.body.strip()
    return replace(
        pair,
        plain=lambda s, g: plain(sized(s), g),
        other=lambda s, g: other(sized(s), g),
        body=body,
    )


@check("api.keys", tags=("api",), cost=0.1)
def keys(subject: Subject) -> CheckResult:
    """step() does not change the options that the constructor took."""
    check_id = "api.keys"
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 6, check_id)
    session = subject.open([10.0 * v for v in start])
    before = [_numbers(group) for group in session.optimizer.param_groups]
    for step in gradients:
        session.step(step)
    after = [_numbers(group) for group in session.optimizer.param_groups]
    named = subject.constructor_names | {"lr"}
    changed = {
        name: (old[name], new.get(name))
        for old, new in zip(before, after, strict=True)
        for name in old
        if name in named and old[name] != new.get(name)
    }
    if not changed:
        message = "The number of options changed by six steps is 0."
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    name, (old, new) = next(iter(changed.items()))
    if all(repr(None) == was for was, _ in changed.values()):
        message = f"The option {name!r}, left open, is filled in by step()."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    body = f"""
optimizer, params = begin([10.0 * v for v in start])
for g in gradients:
    step(optimizer, params, g)
print({name!r}, 'was', {old!r}, 'is', optimizer.param_groups[0][{name!r}])
"""
    shapes = subject.shapes((6, 4), (5,))
    text = program(subject, body, shapes=shapes, steps=6, stream=(check_id,))
    text, why = proven(subject, text, f"{name} was")
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES,
        message=f"The option {name!r} goes from {old} to {new} in six steps, by step() itself.",
        measured=float(len(changed)),
        bound=0.0,
        scenario={"steps": 6, "changed": {k: list(v) for k, v in changed.items()}},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _numbers(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a group's options."""
    kept = {}
    for name, value in group.items():
        if name != "params" and not isinstance(value, dict):
            kept[name] = float(value) if _single(value) else repr(value)
    return kept


def _single(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.numel() == 1
