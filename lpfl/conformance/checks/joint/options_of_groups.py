"""Options of a group beside the usual numbers: switches, and rates where groups meet."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lpfl.conformance.agreement import Pair, agree
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.definition.alternatives import other_value
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance, gap

ID = "api.groups"
SHAPES = ((6, 4), (6, 4))
STEPS = 8
ACTS = 1e-6
SHARED = re.compile(
    r"\b(one|single|same|common|shared|global)\b[^.]{0,60}\b(all|every|each|across)\b"
    r"[^.]{0,30}\b(parameters?|groups?|params|layers?)\b",
    re.IGNORECASE,
)
"""Words of a documentation by which groups share what they step by."""


def switched_groups(subject: Subject) -> Iterator[CheckResult]:
    """Yield the finding about a switch that is given in the group instead of the constructor."""
    for name, value in switches(subject).items():
        if name not in subject.default_group:
            continue
        said, options = f"{name}={value}", {name: value}
        pair = in_the_group(subject, options, said, Outcome.LIMIT)
        result = agree(subject, pair, SHAPES, STEPS)
        if result.outcome in FINDINGS:
            yield result
            return


def in_the_group(subject: Subject, options: Mapping[str, Any], said: str, differs: Outcome) -> Pair:
    """Return the run with options given in the group, beside the constructor's.

    said: the options in words. differs: how a difference is graded.
    """
    text = repr(dict(options))
    return Pair(
        check=ID,
        says=f"with {said} given in the group instead of the constructor",
        plain=lambda s, g: subject.run(s, g, options=options),
        other=lambda s, g: subject.run(s, g, groups=[(list(range(len(s))), options)]),
        body=f"""
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make([{{"params": params, **{text}}}])
for g in gradients:
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients, **{text})
""",
        options=options,
        differs=differs,
        scenario={"options": dict(options)},
    )


def rate_beside_another(subject: Subject) -> CheckResult | None:
    """Return the finding that the second group's rate is not read, of parameters that influence.

    None where the rate does nothing in the constructor either, or groups of two rates are refused.
    """
    rate = other_value(subject, "lr")
    if rate is None or not coupled(subject):
        return None
    start, gradients = subject.draw(SHAPES, STEPS, ID, "rates")
    try:
        plain = subject.run(start, gradients, groups=[([0], {}), ([1], {})])
        other = subject.run(start, gradients, groups=[([0], {}), ([1], {"lr": rate})])
        acts = gap(subject.run(start, gradients, options={"lr": rate}), plain)
    except Exception:  # groups of two rates are refused
        return None
    apart = distance(other.end[1:], plain.end[1:])
    if apart > 0 or acts < ACTS or not plain.finite:
        return None
    words = documentation(subject, subject.open(start).optimizer)
    message = (
        f"The change of a second group's run by lr={rate:g} is 0; given to the constructor it is "
        f"{acts:.2g} of the way: the rate of a group is not read"
    )
    if SHARED.search(words):
        message += ", and the documentation speaks of one for all."
        return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message, measured=0.0)
    body = f"""
def second(rates):
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer = make([{{"params": [p], **rate}} for p, rate in zip(params, rates)])
    for g in gradients:
        step(optimizer, params, g)
    return read(optimizer, params)[1]


print('distance', float((second([{{}}, {{}}]) - second([{{}}, {{'lr': {rate!r}}}])).norm()))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"{message}.",
        measured=0.0,
        bound=ACTS,
        scenario={"lr of the second group": rate},
        **evidence(subject, body, 0.0, shapes=SHAPES, steps=STEPS, stream=(ID, "rates")),
    )
