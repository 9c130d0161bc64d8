"""Groups: options per group, groups added later, the order of the parameters."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.definition.alternatives import together
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import says_so, told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject, Trajectory

STEPS = 8


@check("api.groups", tags=("api",), cost=0.4, needs=("params",))
def groups(subject: Subject) -> Iterable[CheckResult]:
    """An option of a group does what it does in the constructor, also beside another group."""
    options = together(subject)
    if not options:
        message = "No option of the groups has a second value that is known to be allowed."
        yield CheckResult(check="api.groups", outcome=Outcome.UNDRIVABLE, message=message)
        return
    text = repr(options)
    pair = Pair(
        check="api.groups",
        says="with the options given in the group instead of the constructor",
        plain=lambda s, g: subject.run(s, g, options=options),
        other=lambda s, g: subject.run(s, g, groups=[(list(range(len(s))), options)]),
        body=f"""
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make([{{"params": params, **{text}}}])
for g in gradients:
    step(optimizer, params, g)
a, b = [p.detach() for p in params], run(start, gradients, **{text})
""",
        options=options,
        scenario={"options": options},
    )
    result = agree(subject, pair, [(6, 4), (6, 4)], STEPS)
    yield result
    if result.outcome not in FINDINGS and not coupled(subject):
        yield _beside(subject, options)


def _beside(subject: Subject, options: Mapping[str, Any]) -> CheckResult:
    """Compare two groups that differ in every option with each of them alone."""

    def alone(start: Start, gradients: Gradients) -> Trajectory:
        first = subject.run(start[:1], [g[:1] for g in gradients])
        rest = subject.run(start[1:], [g[1:] for g in gradients], options=options)
        return Trajectory([a + b for a, b in zip(first.values, rest.values, strict=True)])

    def both(start: Start, gradients: Gradients) -> Trajectory:
        apart = [([0], {}), (list(range(1, len(start))), options)]
        return subject.run(start, gradients, groups=apart[: len(start)])

    text = repr(dict(options))
    pair = Pair(
        check="api.groups",
        says="of two groups that differ in every option, against each group alone,",
        plain=alone,
        other=both,
        body=f"""
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make([{{"params": params[:1]}}, {{"params": params[1:], **{text}}}])
for g in gradients:
    step(optimizer, params, g)
a = [p.detach() for p in params]
b = run(start[:1], [g[:1] for g in gradients])
b += run(start[1:], [g[1:] for g in gradients], **{text})
""",
        scenario={"options of the second group": dict(options)},
    )
    return agree(subject, pair, [(6, 4), (6, 4)], STEPS)


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
    return agree(subject, _scaled(pair), shapes, 8)


def _scaled(pair: Pair) -> Pair:
    """Return the pair with parameters of very different sizes (0.1, 1, 10)."""
    from dataclasses import replace

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


@check("api.add-group", tags=("api",), cost=0.1, needs=("params",))
def add_group(subject: Subject) -> CheckResult:
    """A parameter added at step 3 moves, and the old ones go on as if it were not there."""
    check_id = "api.add-group"
    start, gradients = subject.draw([(6, 4), (6, 4)], 18, check_id)
    session = subject.open(start[:1])
    for step in gradients[:3]:
        session.step(step[:1])
    late = torch.nn.Parameter(subject.fitted(start[1]).clone())
    try:
        session.optimizer.add_param_group({"params": [late]})
        session.params.append(late)
        before = session.values()
        for step in gradients[3:]:
            session.step(step)
    except Exception as error:
        brought = _brought(subject, start, gradients)
        if brought:
            names = ", ".join(f"{name}={value!r}" for name, value in brought.items())
            return CheckResult(
                check=check_id,
                outcome=Outcome.CONVENTION,
                message=f"A group added later must bring {names}, as the constructor wrote it.",
                convention={"a later group brings": names},
            )
        text, why = proven(subject, _text(subject, check_id), type(error).__name__)
        return CheckResult(
            check=check_id,
            outcome=Outcome.VARIANT if says_so(error) else Outcome.LIMIT,
            message=f"The first step after add_param_group raises {told(error)}.",
            scenario={"added after": 3},
            snippet=text,
            details={"snippet": why} if why else {},
        )
    moved = [float((a - b).norm()) for a, b in zip(session.values(), before, strict=True)]
    if min(moved) == 0:
        who = "added" if moved[1] == 0 else "earlier"
        message = f"The way of the {who} parameter in 15 steps after add_param_group is 0."
        return CheckResult(
            check=check_id, outcome=Outcome.LIMIT, message=message, measured=0.0, bound=0.0
        )
    alone = subject.run(start[:1], [g[:1] for g in gradients])
    apart = float((session.values()[0] - alone.end[0]).norm()) / alone.displacement()
    message = f"The added parameter moves by {moved[1]:.2g}, the other is {apart:.2g} off its way."
    bound = max(1e-6, tolerance(subject, check_id))
    if apart > bound and not coupled(subject):
        return CheckResult(
            check=check_id, outcome=Outcome.DEVIATES, message=message, measured=apart, bound=bound
        )
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=apart)


def _brought(subject: Subject, start: Start, gradients: Gradients) -> dict[str, Any]:
    """Return the missing entries with which a later group works; {} if there are none.

    An entry that the constructor writes into its groups beside the options, a counter of steps
    say, is missing in a later group, and the KeyError names it. The caller can hand it over.
    """
    brought: dict[str, Any] = {}
    while True:
        session = subject.open(start[:1])
        written = {k: v for k, v in session.optimizer.param_groups[0].items() if k != "params"}
        options = session.optimizer.defaults.keys()
        late = torch.nn.Parameter(subject.fitted(start[1]).clone())
        try:
            for step in gradients[:3]:
                session.step(step[:1])
            session.optimizer.add_param_group({"params": [late], **brought})
            session.params.append(late)
            before = session.values()
            for step in gradients[3:]:
                session.step(step)
        except KeyError as error:
            name = str(error.args[0]) if error.args else ""
            plain = isinstance(written.get(name), bool | int | float)
            if not plain or name in brought or name in options:
                return {}
            brought[name] = written[name]
            continue
        except Exception:
            return {}
        after = session.values()
        moved = [float((a - b).norm()) for a, b in zip(after, before, strict=True)]
        if min(moved) == 0 or not all(bool(torch.isfinite(v).all()) for v in after):
            return {}
        alone = subject.run(start[:1], [g[:1] for g in gradients])
        apart = float((after[0] - alone.end[0]).norm()) / alone.displacement()
        return brought if apart <= max(1e-6, tolerance(subject, "api.add-group")) else {}


def _text(subject: Subject, check_id: str) -> str:
    body = """
optimizer, params = begin(start[:1])
for g in gradients[:3]:
    step(optimizer, params, g[:1])
params.append(torch.nn.Parameter(start[1].clone()))
try:
    optimizer.add_param_group({"params": params[1:]})
    for g in gradients[3:]:
        step(optimizer, params, g)
except Exception as error:
    print(type(error).__name__)
"""
    return program(subject, body, shapes=[(6, 4), (6, 4)], steps=18, stream=(check_id,))


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
