"""The life of a gradient: left alone by step(), kept by nobody, accumulated in parts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.accumulated import accumulated
from lpfl.conformance.checks.cleared import left_by_zero_grad
from lpfl.conformance.checks.promised.clip_options import clips
from lpfl.conformance.checks.protocol.released import released
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Session, Subject, Trajectory, Undrivable

SHAPES = ((6, 4), (5,))
OPTION_SETS: tuple[Mapping[str, Any], ...] = (
    {},
    {"weight_decay": 0.1},
    {"maximize": True},
    {"momentum": 0.9},
    {"momentum": 0.9, "nesterov": True},
    {"foreach": True},
    {"foreach": True, "weight_decay": 0.1},
    {"foreach": True, "momentum": 0.9, "nesterov": True},
    {"foreach": True, "maximize": True},
    {"foreach": False, "maximize": True},
)


@check("api.grads-kept", tags=("api",), cost=0.2, needs=("inject",))
def grads_kept(subject: Subject) -> CheckResult:
    """step() leaves p.grad as it was, under every option set."""
    if "keeps_grad" in subject.needs:
        message = "The optimizer keeps its memory in p.grad, as its spec says."
        return CheckResult(check="api.grads-kept", outcome=Outcome.VARIANT, message=message)
    written: list[tuple[Mapping[str, Any], float]] = []
    for options in (*OPTION_SETS, *_decoupled(subject), *_off_by_default(subject)):
        if all(subject.accepts(name) for name in options):
            change = _change_of_gradient(subject, options)
            if change > 0:
                written.append((options, change))
    if not written:
        message = "The change of p.grad by step() is 0 under every option set."
        return CheckResult(
            check="api.grads-kept", outcome=Outcome.CONFORMS, message=message, measured=0.0
        )
    options, change = written[0]
    body = f"""
optimizer, params = begin(start, **{dict(options)!r})
changes = []
for g in gradients:
    step(optimizer, params, g)
    kept = [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
    changes.append(gap(kept, g, [0 * x for x in g]))
print('change of p.grad', max(changes))
"""
    shapes = subject.shapes(*SHAPES)
    text = program(subject, body, shapes=shapes, steps=2, stream=("api.grads-kept",))
    text, why = proven(subject, text, change)
    return CheckResult(
        check="api.grads-kept",
        outcome=Outcome.LIMIT,
        message=f"The change of p.grad by step() is {change:.2g} of it with {_named(options)}.",
        measured=change,
        bound=0.0,
        scenario={"options": dict(options), "steps": 2},
        snippet=text,
        details={"option sets": [dict(o) for o, _ in written], **({"snippet": why} if why else {})},
    )


def _decoupled(subject: Subject) -> list[Mapping[str, Any]]:
    """Return weight decay with each switch that decouples it turned the other way."""
    switches = {n: v for n, v in subject.default_group.items() if "decoupl" in str(n)}
    return [
        {"weight_decay": 0.1, str(name): not held}
        for name, held in switches.items()
        if isinstance(held, bool)
    ]


def _off_by_default(subject: Subject) -> list[Mapping[str, Any]]:
    """Return each switch turned over, and each clip that is off switched on."""
    return [*({name: value} for name, value in switches(subject).items()), *clips(subject)]


def _named(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={v}" for k, v in options.items()) or "default options"


def _change_of_gradient(subject: Subject, options: Mapping[str, Any]) -> float:
    start, gradients = subject.draw(subject.shapes(*SHAPES), 2, "api.grads-kept")
    try:
        session = subject.open(start, options=options)
        changes = []
        for step in gradients:
            session.step(step)
            changes.append(_change(session, step))
    except Exception:  # this option set is refused; api.options and others look at that
        return 0.0
    return max(changes)


def _change(session: Session, given: Sequence[torch.Tensor]) -> float:
    """Return the relative distance of the gradients from those that were given."""
    kept = [p.grad for p in session.params]
    if any(k is None for k in kept):
        return 1.0
    dense = [k.to_dense() if k.is_sparse else k for k in kept if k is not None]
    change = sum(float((k - g.to(k)).square().sum()) for k, g in zip(dense, given, strict=True))
    return float((change / sum(float(g.square().sum()) for g in given)) ** 0.5)


@check("api.grad-buffer", tags=("api",), cost=0.1, needs=("inject",))
def grad_buffer(subject: Subject) -> CheckResult:
    """One gradient tensor refilled in place gives the same run as fresh tensors."""
    pair = Pair(
        check="api.grad-buffer",
        says="with one gradient tensor refilled in place (zero_grad(set_to_none=False))",
        plain=subject.run,
        other=lambda start, gradients: _refilled(subject, start, gradients),
        body="""
optimizer, params = begin(start)
for g in gradients:
    for p, new in zip(params, g):
        if p.grad is None:
            p.grad = torch.empty_like(p)
        p.grad.copy_(new)
    optimizer.step()
a, b = read(optimizer, params), run(start, gradients)
""",
    )
    if {"keeps_grad", "sparse"} & subject.needs:
        message = "The optimizer does not take a refilled gradient, as its spec says."
        return CheckResult(check=pair.check, outcome=Outcome.VARIANT, message=message)
    return agree(subject, pair, subject.shapes(*SHAPES), 12)


def _refilled(subject: Subject, start: Start, gradients: Gradients) -> Trajectory:
    """Return a run whose gradient tensor is filled again where the optimizer left one.

    After a step that let it go, the next backward pass makes another, and so does this.
    """
    session = subject.open(start)

    def refill(step: Any) -> None:
        for p, g in zip(session.params, step, strict=True):
            if p.grad is None:
                p.grad = torch.empty_like(p)
            p.grad.copy_(g)
        session.optimizer.step()

    return session.follow(gradients, refill)


@check("api.micro-batches", tags=("api",), cost=0.2, needs=("params",))
def micro_batches(subject: Subject) -> Iterable[CheckResult]:
    """zero_grad() forgets every gradient; several backward passes give the same run as one."""
    pair = Pair(
        check="api.micro-batches",
        says="with the gradient accumulated in three backward passes",
        plain=lambda start, gradients: _in_parts(subject, start, gradients, parts=1),
        other=lambda start, gradients: _in_parts(subject, start, gradients, parts=3),
        body="""
def accumulated(parts):
    optimizer, params = begin(start)
    for g in gradients:
        optimizer.zero_grad()
        for k in range(parts):
            share = (k + 1) / (parts * (parts + 1) / 2)
            sum((share * new * p).sum() for p, new in zip(params, g)).backward()
        optimizer.step()
    return read(optimizer, params)


a, b = accumulated(3), accumulated(1)
""",
    )
    if "in_backward" in subject.needs and subject.spec.step is None:
        yield released(subject)
        return
    if not subject.injects:
        raise Undrivable("gradients cannot be prescribed through p.grad")
    if {"keeps_grad", "sparse"} & subject.needs:
        message = "Gradients accumulate otherwise here, as the spec says."
        yield CheckResult(check=pair.check, outcome=Outcome.VARIANT, message=message)
        return
    if left := left_by_zero_grad(subject):
        yield left
        return
    yield agree(subject, pair, subject.shapes(*SHAPES), 6)
    yield from accumulated(subject)


def _in_parts(subject: Subject, start: Start, gradients: Gradients, parts: int) -> Trajectory:
    session = subject.open(start)

    def accumulate(step: Any) -> None:
        session.optimizer.zero_grad()
        for k in range(parts):
            share = (k + 1) / (parts * (parts + 1) / 2)
            terms = [
                (share * g.to(p.device) * p).sum()
                for p, g in zip(session.params, step, strict=True)
            ]
            torch.stack(terms).sum().backward()
        session.optimizer.step()

    return session.follow(gradients, accumulate)
