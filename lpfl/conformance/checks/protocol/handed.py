"""The forms in which parameters are handed over: a list, generators inside groups, names."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from lpfl.conformance.agreement import Pair, Run, Start, agree
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.drives.backward import OwnStepSession
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Session, Subject

NAMED = "api.named"
GENERATOR = "api.generator"
SHAPES = ((6, 4), (5,))
STEPS = 3
PARTS: Mapping[str, Sequence[slice]] = {
    "with a generator inside its group": (slice(0, 2),),
    "with a generator inside each of two groups": (slice(0, 1), slice(1, 2)),
}
"""Words -> the parameters of each group."""
Form = Callable[[list[torch.nn.Parameter]], Any]


def handed(subject: Subject, start: Start, form: Form) -> Session:
    """Return a session whose optimizer was given its parameters in this form."""
    like = subject.open(start)
    params = [torch.nn.Parameter(p.detach().clone()) for p in like.params]
    seed_everything(subject.seed)
    session = type(like)(subject.build(form(params)), params, subject.needs)
    if isinstance(session, OwnStepSession):
        session.own_step, session.model = subject.spec.step, torch.nn.ParameterList(params)
    return session


def generators_in_groups(subject: Subject) -> Iterator[CheckResult]:
    """Yield a finding about generators inside groups, as {"params": model.parameters()}."""
    if len(subject.shapes(*SHAPES)) < len(SHAPES) or not _of_class(subject):
        return
    for says, parts in PARTS.items():
        result = agree(subject, _in_groups(subject, says, parts), SHAPES, STEPS)
        if result.outcome in FINDINGS | {Outcome.VARIANT}:
            yield result
            return


def _in_groups(subject: Subject, says: str, parts: Sequence[slice]) -> Pair:
    def lists(params: list[torch.nn.Parameter]) -> list[dict[str, Any]]:
        return [{"params": params[part]} for part in parts]

    def generators(params: list[torch.nn.Parameter]) -> list[dict[str, Any]]:
        return [{"params": (p for p in params[part])} for part in parts]

    each = ", ".join(f"params[{part.start}:{part.stop}]" for part in parts)
    held = ("part", "(p for p in part)")
    texts = tuple(f"[{{'params': {form}}} for part in [{each}]]" for form in held)
    return _pair(subject, GENERATOR, says, (lists, generators), texts)


@check(NAMED, tags=("api",), cost=0.05, needs=("params",))
def named(subject: Subject) -> CheckResult:
    """model.named_parameters(), which torch takes too, does as a list of parameters does."""
    if "named" in subject.needs or not _of_class(subject):
        message = "Not applicable: it takes named parameters alone, or a function hands them on."
        return CheckResult(check=NAMED, outcome=Outcome.NOT_CLAIMED, message=message)
    texts = ("params", "torch.nn.ParameterList(params).named_parameters()")
    forms = (list, lambda params: torch.nn.ParameterList(params).named_parameters())
    pair = _pair(subject, NAMED, "with named_parameters()", forms, texts)
    return agree(subject, pair, subject.shapes(*SHAPES), STEPS)


def _of_class(subject: Subject) -> bool:
    """Return whether the parameters go to the optimizer's class, not to a function before it."""
    factory: Any = subject.spec.factory
    while isinstance(factory, functools.partial):
        factory = factory.func
    return inspect.isclass(factory)


def _pair(
    subject: Subject, check_id: str, says: str, forms: tuple[Form, Form], texts: tuple[str, ...]
) -> Pair:
    """Return the pair of runs with the parameters in the usual form and in another one."""

    def given(form: Form) -> Run:
        return lambda start, gradients: handed(subject, start, form).follow(gradients)

    return Pair(
        check=check_id,
        says=says,
        plain=given(forms[0]),
        other=given(forms[1]),
        body=f"""
def ends(form):
    torch.manual_seed({subject.seed})
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer = make(form(params))
    for g in gradients:
        step(optimizer, params, g)
    return read(optimizer, params)


a, b = ends(lambda params: {texts[1]}), ends(lambda params: {texts[0]})
""",
    )
