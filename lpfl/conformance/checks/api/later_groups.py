"""A group that is added while the optimizer runs."""

from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.api.missing import FAIR
from lpfl.conformance.checks.joint.late_options import unlike_fresh
from lpfl.conformance.definition.alternatives import together
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.grouping import names_entry
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence, program, proven
from lpfl.conformance.subject import Subject

LATE = 100
"""Steps after which a group's first step is compared with that of a fresh optimizer."""


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
        before = [p.detach().to("cpu", torch.float64, copy=True) for p in session.params]
        for step in gradients[3:]:
            session.step(step)
    except Exception as error:
        brought = _brought(subject, start, gradients)
        if brought and not _miscounts(subject, start, gradients, brought):
            names = ", ".join(f"{name}={value!r}" for name, value in brought.items())
            return CheckResult(
                check=check_id,
                outcome=Outcome.CONVENTION,
                message=f"A group added later must bring {names}, as the constructor wrote it.",
                convention={"a later group brings": names},
            )
        given, error = _asked_for(subject, start, gradients, error)
        text, why = proven(subject, _text(subject, check_id, given), type(error).__name__)
        beside = "".join(f" with {name}={value!r}" for name, value in given.items())
        return CheckResult(
            check=check_id,
            outcome=Outcome.VARIANT if says_so(error) else Outcome.LIMIT,
            message=f"The first step after add_param_group{beside} raises {told(error)}.",
            scenario={"added after": 3, "options": given},
            snippet=text,
            details={"snippet": why} if why else {},
        )
    moved = [float((a - b).norm()) for a, b in zip(session.values(), before, strict=True)]
    if min(moved) == 0:
        who = "added" if moved[1] == 0 else "earlier"
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=f"The way of the {who} parameter in 15 steps after add_param_group is 0.",
            measured=0.0,
            bound=0.0,
            scenario={"added after": 3},
            **_after_adding(subject, "min(ways)", 0.0),
        )
    alone = subject.run(start[:1], [g[:1] for g in gradients])
    apart = float((session.values()[0] - alone.end[0]).norm()) / alone.displacement()
    message = f"The added parameter moves by {moved[1]:.2g}, the other is {apart:.2g} off its way."
    bound = max(1e-6, tolerance(subject, check_id))
    if apart > bound and not coupled(subject):
        return CheckResult(
            check=check_id,
            outcome=Outcome.DEVIATES,
            message=message,
            measured=apart,
            bound=bound,
            scenario={"added after": 3},
            **_after_adding(subject, "gap(ends[:1], alone, start)", apart),
        )
    return (
        _with_options(subject)
        or unlike_fresh(subject)
        or CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=apart)
    )


def _with_options(subject: Subject) -> CheckResult | None:
    """Return the finding that a later group's own options are not read, if they are not."""
    check_id, options = "api.add-group", together(subject)
    start, gradients = subject.draw([(6, 4), (6, 4)], 12, check_id, "options")

    def later(given: Mapping[str, Any], brought: Mapping[str, Any]) -> torch.Tensor:
        session = subject.open(start[:1], options=given)
        for step in gradients[:3]:
            session.step(step[:1])
        late = torch.nn.Parameter(subject.fitted(start[1]).clone())
        session.optimizer.add_param_group({"params": [late], **brought})
        session.params.append(late)
        for step in gradients[3:]:
            session.step(step)
        return session.values()[1]

    try:
        plain = later({}, {})
        unread = {}
        for name, value in options.items():
            wanted = later({name: value}, {})
            if not torch.equal(wanted, plain) and torch.equal(later({}, {name: value}), plain):
                unread[name] = value
        wanted = later(unread, {})
    except Exception:
        return None
    apart = float((plain - wanted).norm()) / max(float((wanted - start[1]).norm()), 1e-300)
    bound = max(1e-6, tolerance(subject, check_id))
    if not unread or not apart > bound or coupled(subject):
        return None
    words = ", ".join(f"{name}={value!r}" for name, value in unread.items())
    text, why = proven(subject, _options_text(subject, unread), 0.0)
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES,
        message=f"A group added with {words} moves as without: its options are not read "
        f"({apart:.2g} off the run with them).",
        measured=apart,
        bound=bound,
        scenario={"added after": 3, "options": unread},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _options_text(subject: Subject, options: Mapping[str, Any]) -> str:
    body = f"""
def later(**options):
    optimizer, params = begin(start[:1])
    for g in gradients[:3]:
        step(optimizer, params, g[:1])
    params.append(torch.nn.Parameter(start[1].clone()))
    optimizer.add_param_group({{"params": params[1:], **options}})
    for g in gradients[3:]:
        step(optimizer, params, g)
    return params[1].detach()


print('effect of the options', float((later(**{options!r}) - later()).norm()))
"""
    stream = ("api.add-group", "options")
    return program(subject, body, shapes=[(6, 4), (6, 4)], steps=12, stream=stream)


def _asked_for(
    subject: Subject, start: Start, gradients: Gradients, error: Exception
) -> tuple[dict[str, Any], Exception]:
    """Return an entry that the docstring asks of every group, and what is raised beside it.

    A group that lacks it is the caller's fault, one that has it and raises is not.
    """
    session = subject.open(start[:1])
    name = _missing_key(error)
    value = session.optimizer.param_groups[0].get(name)
    asked = names_entry(documentation(subject, session.optimizer), name)
    if not (name and asked and isinstance(value, bool | int | float | str)):
        return {}, error
    try:
        _added(subject, start, gradients, {name: value})
    except Exception as other:
        return {name: value}, other
    return {}, error


def _missing_key(error: Exception) -> str:
    key = error.args[0] if isinstance(error, KeyError) and error.args else ""
    return key if isinstance(key, str) else ""


def _added(
    subject: Subject, start: Start, gradients: Gradients, brought: Mapping[str, Any]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return the values before and after the steps that follow on adding a group."""
    session = subject.open(start[:1])
    for step in gradients[:3]:
        session.step(step[:1])
    late = torch.nn.Parameter(subject.fitted(start[1]).clone())
    session.optimizer.add_param_group({"params": [late], **brought})
    session.params.append(late)
    before = session.values()
    for step in gradients[3:]:
        session.step(step)
    return before, session.values()


def _brought(subject: Subject, start: Start, gradients: Gradients) -> dict[str, Any]:
    """Return the missing entries with which a later group works; {} if there are none.

    An entry that the constructor writes into its groups beside the options, a counter of steps
    or a name, is not there in a group added later: torch's own method does not know that the
    constructor makes it. The caller can hand it over.
    """
    brought: dict[str, Any] = {}
    kinds = bool | int | float | str if "named" in subject.needs else bool | int | float
    optimizer = subject.open(start[:1]).optimizer
    written = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
    while True:
        try:
            before, after = _added(subject, start, gradients, brought)
        except KeyError as error:
            name = _missing_key(error)
            plain = isinstance(written.get(name), kinds)
            if not plain or name in brought or name in optimizer.defaults:
                return {}
            brought[name] = written[name]
            continue
        except Exception:
            return {}
        moved = [float((a - b).norm()) for a, b in zip(after, before, strict=True)]
        if min(moved) == 0 or not all(bool(torch.isfinite(v).all()) for v in after):
            return {}
        alone = subject.run(start[:1], [g[:1] for g in gradients])
        apart = float((after[0] - alone.end[0]).norm()) / alone.displacement()
        return brought if apart <= max(1e-6, tolerance(subject, "api.add-group")) else {}


def _miscounts(
    subject: Subject, start: Start, gradients: Gradients, brought: Mapping[str, Any]
) -> bool:
    """Return whether an entry that a later group brings counts steps, or its first step is unfair.

    What the constructor writes once for all is a setting, which the caller may be asked for; a
    count is the optimizer's own business, unless its docstring names it.
    """
    session = subject.open(start[:1])
    text = documentation(subject, session.optimizer)
    group = session.optimizer.param_groups[0]
    own = {name: value for name, value in brought.items() if not names_entry(text, name)}
    for t in range(LATE):
        session.step(gradients[t % len(gradients)][:1])
        if any(group.get(name) != value for name, value in own.items()):
            return True
    late = torch.nn.Parameter(subject.fitted(start[1]).clone())
    session.optimizer.add_param_group({"params": [late], **brought})
    session.params.append(late)
    fresh = subject.open(start[1:])
    for step in gradients:
        before = session.values()[1], fresh.values()[0]
        session.step(step)
        fresh.step(step[1:])
        pair = zip((session.values()[1], fresh.values()[0]), before, strict=True)
        first, usual = (float((after - old).norm()) for after, old in pair)
        if usual > 0:
            return not FAIR[0] <= first / usual <= FAIR[1] and not coupled(subject)
    return False


def _after_adding(subject: Subject, number: str, expected: float) -> dict[str, Any]:
    """Return the program that prints a number after a group was added in step 3."""
    body = f"""
optimizer, params = begin(start[:1])
for g in gradients[:3]:
    step(optimizer, params, g[:1])
params.append(torch.nn.Parameter(start[1].clone()))
optimizer.add_param_group({{"params": params[1:]}})
before = read(optimizer, params)
for g in gradients[3:]:
    step(optimizer, params, g)
ends = read(optimizer, params)
ways = [float((a - b).norm()) for a, b in zip(ends, before)]
alone = run(start[:1], [g[:1] for g in gradients])
print('ways of the earlier and the added parameter:', ways, {number})
"""
    pair, stream = [(6, 4), (6, 4)], ("api.add-group",)
    return evidence(subject, body, expected, shapes=pair, steps=18, stream=stream)


def _text(subject: Subject, check_id: str, given: Mapping[str, Any]) -> str:
    body = f"""
optimizer, params = begin(start[:1])
for g in gradients[:3]:
    step(optimizer, params, g[:1])
params.append(torch.nn.Parameter(start[1].clone()))
try:
    optimizer.add_param_group({{"params": params[1:], **{dict(given)!r}}})
    for g in gradients[3:]:
        step(optimizer, params, g)
except Exception as error:
    print(type(error).__name__)
"""
    return program(subject, body, shapes=[(6, 4), (6, 4)], steps=18, stream=(check_id,))
