"""What is handed to an optimizer: a generator of parameters, weights loaded later, a validation."""

from collections.abc import Iterable
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.protocol.handed import generators_in_groups, handed
from lpfl.conformance.checks.protocol.replaced import replaced
from lpfl.conformance.drives.bag import Bag
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory, Undrivable

SHAPES = ((6, 4), (5,))
EDITED = 3
"""Steps before the weights are changed by hand."""
UNDONE = 1e-3
"""Share of a change by hand that is left where it was undone."""


@check("api.generator", tags=("api",), cost=0.1, needs=("params",))
def generator(subject: Subject) -> Iterable[CheckResult]:
    """A generator of parameters, as model.parameters() is, does as a list does."""
    if "named" in subject.needs:
        raise Undrivable("it takes named parameters")

    def from_generator(start: Start, gradients: Gradients) -> Trajectory:
        twin = handed(subject, start, lambda params: (p for p in params))
        held = {id(p) for group in twin.optimizer.param_groups for p in group["params"]}
        if any(id(p) not in held for p in twin.params):
            raise ValueError("parameters of the generator are lost")
        return twin.follow(gradients)

    pair = Pair(
        check="api.generator",
        says="with a generator of parameters",
        plain=subject.run,
        other=from_generator,
        body="""
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make(p for p in params)
for g in gradients:
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients)
""",
    )
    yield agree(subject, pair, subject.shapes(*SHAPES), 3)
    yield from generators_in_groups(subject)


@check("api.loaded-weights", tags=("api",), cost=0.1)
def loaded_weights(subject: Subject) -> Iterable[CheckResult]:
    """Weights loaded after the optimizer was built are the weights it starts from."""

    def loaded(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open([torch.full_like(v, 0.3) for v in start])
        for p, v in zip(session.params, start, strict=True):
            p.data.copy_(v)
        return session.follow(gradients)

    pair = Pair(
        check="api.loaded-weights",
        says="with the weights loaded after the optimizer was built",
        plain=subject.run,
        other=loaded,
        body="""
optimizer, params = begin([torch.full_like(v, 0.3) for v in start])
for p, v in zip(params, start):
    p.data.copy_(v)
for g in gradients:
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients)
""",
        differs=Outcome.LIMIT,
    )
    yield agree(subject, pair, subject.shapes(*SHAPES), 4)
    yield from replaced(subject)
    for dtype in (torch.float64, torch.bfloat16):
        left = _undone(subject, dtype)
        if left is not None and left <= UNDONE:
            yield _accused(subject, dtype, left)
            return


def _undone(subject: Subject, dtype: torch.dtype) -> float | None:
    """Return how near to the run without it a step ends after the weights were changed by hand.

    In units of the change. None where the run raises.
    """
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, EDITED + 1, "edited")
    start = [v.to(dtype) for v in start]
    rows = [[g.to(dtype) for g in row] for row in gradients]
    ends = []
    try:
        for by_hand in (False, True):
            session = subject.open(start)
            for row in rows[:EDITED]:
                session.step(row)
            if by_hand:
                with torch.no_grad():
                    for p in session.params:
                        p.add_(p.flip(0) if p.ndim else p)
                changed = session.values()
            else:
                before = session.values()
            session.step(rows[EDITED])
            ends.append(session.values())
    except Exception:
        return None
    size = max(float((a - b).norm()) for a, b in zip(before, changed, strict=True))
    away = max(float((a - b).norm()) for a, b in zip(*ends, strict=True))
    return away / size if size > 0 else None


def _accused(subject: Subject, dtype: torch.dtype, left: float) -> CheckResult:
    kind = str(dtype).removeprefix("torch.")
    shapes = subject.shapes(*SHAPES)
    body = f"""
start = [v.to({dtype}) for v in start]
gradients = [[g.to({dtype}) for g in row] for row in gradients]
ends = []
for by_hand in (False, True):
    optimizer, params = begin(start)
    for g in gradients[:-1]:
        step(optimizer, params, g)
    before = [p.detach().clone() for p in params]
    if by_hand:
        for p in params:
            p.data.add_(p.data.flip(0))
    changed = [p.detach().clone() for p in params]
    step(optimizer, params, gradients[-1])
    ends.append([p.detach().double() for p in params])
size = max(float((a.double() - b.double()).norm()) for a, b in zip(before, changed))
print('distance', max(float((a - b).norm()) for a, b in zip(*ends)) / size)
"""
    more = evidence(subject, body, left, shapes=shapes, steps=EDITED + 1, stream=("edited",))
    return CheckResult(
        check="api.loaded-weights",
        outcome=Outcome.LIMIT,
        message=(
            f"Weights changed by hand after step {EDITED} are undone in {kind}: after the next "
            f"step {left:.2g} of the change is left."
        ),
        measured=left,
        bound=UNDONE,
        scenario={"steps": EDITED + 1, "dtype": kind},
        **more,
    )


@check("api.validation", tags=("api",), cost=0.1)
def validation(subject: Subject) -> CheckResult:
    """A forward pass without gradients, between steps, changes nothing for a hooked model."""
    if "model" not in subject.needs:
        message = "Not applicable: it sees no forward pass."
        return CheckResult(check="api.validation", outcome=Outcome.NOT_CLAIMED, message=message)

    def validated(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start)
        model = session.model
        assert isinstance(model, Bag)

        def move(step: Any) -> None:
            inputs, _ = model.places([3.0 * g for g in step], seed=99)
            model.eval()
            with torch.no_grad():
                model([5.0 * x.to(subject.device) for x in inputs])
            model.train()
            session.step(step)

        return session.follow(gradients, move)

    pair = Pair(
        check="api.validation",
        says="with a validation pass (eval mode, no gradients) before each step",
        plain=subject.run,
        other=validated,
        body="""
optimizer, params = begin(start)
for g in gradients:
    inputs, _ = model.places([3.0 * x for x in g], seed=99)
    model.eval()
    with torch.no_grad():
        model([5.0 * x for x in inputs])
    model.train()
    step(optimizer, params, g)
a = read(optimizer, params)
b = run(start, gradients)
""",
    )
    return agree(subject, pair, subject.shapes((6, 4)), 4)
