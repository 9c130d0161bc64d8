"""Parameters in other forms: plain tensors, pieces of one buffer, shared, frozen, taken out."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.coupling import coupled
from lpfl.conformance.checks.no_gradient import ALWAYS
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.subject import Session, Subject, Trajectory

ID = "api.given-parameters"
SHAPES = ((6, 4), (5,))
STEPS = 6
TAKEN = 3
"""Steps before a group is taken out."""
Form = Callable[[Start], list[Any]]


def _plain(values: Start) -> list[Any]:
    return [v.clone().requires_grad_() for v in values]


def _pieces(values: Start) -> list[Any]:
    flat = torch.cat([v.flatten() for v in values])
    ends = torch.tensor([0, *(v.numel() for v in values)]).cumsum(0).tolist()
    pairs = itertools.pairwise(ends)
    cut = [flat[a:b].view(v.shape) for (a, b), v in zip(pairs, values, strict=True)]
    return [torch.nn.Parameter(piece) for piece in cut]


FORMS: Mapping[str, tuple[Form, str]] = {
    "on plain tensors that require gradients": (
        _plain,
        "params = [v.clone().requires_grad_() for v in start]",
    ),
    "on pieces of one flat buffer": (
        _pieces,
        """flat = torch.cat([v.flatten() for v in start])
ends = torch.tensor([0] + [v.numel() for v in start]).cumsum(0).tolist()
params = [torch.nn.Parameter(flat[i:j].view(v.shape)) for i, j, v in zip(ends, ends[1:], start)]""",
    ),
}
"""Words -> the parameters made of values, here and in programs."""


@check(ID, tags=("api",), cost=0.1, needs=("inject", "params"))
def given_parameters(subject: Subject) -> Iterator[CheckResult]:
    """Plain tensors, pieces of a buffer, used, frozen and removed parameters do as torch has it."""
    if "named" in subject.needs or "keeps_grad" in subject.needs:
        message = "Not applicable: parameters are given by name, or gradients are its own."
        yield CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
        return
    shapes, compared = subject.shapes(*SHAPES), 0
    pairs = [_formed(subject, words) for words in FORMS]
    pairs += [_used_before(subject), _taken_out(subject)]
    pairs += [] if coupled(subject) or subject.needs & ALWAYS else [_beside_infinite(subject)]
    for pair in pairs:
        result = agree(subject, pair, shapes, STEPS)
        if result.outcome in FINDINGS:
            yield result
            return
        compared += result.outcome is Outcome.CONFORMS
    message = f"The number of forms of parameters that change a run is 0 of {compared}."
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _session(subject: Subject, params: list[Any], groups: Any = None) -> Session:
    seed_everything(subject.seed)
    return Session(subject.build(groups or params), params, subject.needs)


def _fitted(subject: Subject, start: Start) -> Start:
    return [subject.fitted(v).clone() for v in start]


def _formed(subject: Subject, words: str) -> Pair:
    form, text = FORMS[words]

    def other(start: Start, gradients: Gradients) -> Trajectory:
        return _session(subject, form(_fitted(subject, start))).follow(gradients)

    return Pair(
        check=ID,
        says=words,
        plain=subject.run,
        other=other,
        body=f"""
{text}
optimizer = make(params)
for g in gradients:
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients)
""",
        differs=Outcome.LIMIT,
    )


def _used_before(subject: Subject) -> Pair:
    """A new optimizer on parameters that another one has moved, beside one on copies of them."""

    def moved(start: Start, gradients: Gradients) -> Session:
        session = subject.open(start)
        for row in gradients[:TAKEN]:
            session.step(row)
        return session

    def other(start: Start, gradients: Gradients) -> Trajectory:
        params = moved(start, gradients).params
        return _session(subject, params).follow(gradients)

    def plain(start: Start, gradients: Gradients) -> Trajectory:
        values = [p.detach().clone() for p in moved(start, gradients).params]
        return _session(subject, [torch.nn.Parameter(v) for v in values]).follow(gradients)

    return Pair(
        check=ID,
        says="of a second optimizer on the parameters of another one",
        plain=plain,
        other=other,
        body=f"""
first, params = begin(start)
for g in gradients[:{TAKEN}]:
    step(first, params, g)
values = [p.detach().clone() for p in params]
fresh = [torch.nn.Parameter(v.clone()) for v in values]
for again in (params, fresh):
    optimizer = make(again)
    for g in gradients:
        step(optimizer, again, g)
start, a, b = values, read(optimizer, params), read(optimizer, fresh)
""",
        differs=Outcome.LIMIT,
    )


def _taken_out(subject: Subject) -> Pair:
    """The second group is taken out of param_groups: its parameters stay where they are."""

    def other(start: Start, gradients: Gradients) -> Trajectory:
        params = [torch.nn.Parameter(v) for v in _fitted(subject, start)]
        groups = [{"params": params[:1]}, {"params": params[1:]}]
        session = _session(subject, params, groups)
        if [[id(p) for p in group["params"]] for group in session.optimizer.param_groups] != [
            [id(p) for p in group["params"]] for group in groups
        ]:
            raise Undrivable("the groups are its own")

        def move(row: Any) -> None:
            if session.steps == TAKEN:
                del session.optimizer.param_groups[1:]
            session.step(row)

        return session.follow(gradients, move)

    def plain(start: Start, gradients: Gradients) -> Trajectory:
        params = [torch.nn.Parameter(v) for v in _fitted(subject, start)]
        groups = [{"params": params[:1]}, {"params": params[1:]}]
        run = _session(subject, params, groups).follow(gradients)
        if coupled(subject):
            return other(start, gradients)
        stays = [run.values[min(t, TAKEN)] for t in range(len(run.values))]
        pairs = zip(run.values, stays, strict=True)
        return Trajectory([[moving[0], *still[1:]] for moving, still in pairs])

    return Pair(
        check=ID,
        says="whose second group is taken out of param_groups after 3 steps",
        plain=plain,
        other=other,
        body=f"""
def ends(taken):
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer = make([{{'params': params[:1]}}, {{'params': params[1:]}}])
    for t, g in enumerate(gradients):
        if t == {TAKEN}:
            held = [p.detach().clone() for p in params]
            if taken:
                del optimizer.param_groups[1:]
        step(optimizer, params, g)
    values = [p.detach().clone() for p in params]
    return values if taken else [values[0], *held[1:]]


a, b = ends(True), ends(False)
""",
        raises=Outcome.LIMIT,
        differs=Outcome.LIMIT,
    )


def _beside_infinite(subject: Subject) -> Pair:
    """A frozen parameter whose entries are infinite, as masks are, changes nothing for others."""

    def beside(value: float) -> Callable[[Start, Gradients], Trajectory]:
        def run(start: Start, gradients: Gradients) -> Trajectory:
            frozen = torch.full((3,), value, dtype=torch.float64)
            session = subject.open([*start, frozen])
            rows = [[*row, None] for row in gradients]
            run = session.follow(rows)
            return Trajectory([row[:-1] for row in run.values])

        return run

    return Pair(
        check=ID,
        says="beside a frozen parameter of infinite entries",
        plain=beside(0.5),
        other=beside(float("inf")),
        body="""
def beside(value):
    optimizer, params = begin([*start, torch.full((3,), value).to(start[0])])
    for g in gradients:
        step(optimizer, params, [*g, None])
    return read(optimizer, params)[:-1]


a, b = beside(float('inf')), beside(0.5)
""",
        differs=Outcome.LIMIT,
    )
