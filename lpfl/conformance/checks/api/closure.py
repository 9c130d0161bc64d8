"""step(closure): called with gradients on, its value handed back, the run unchanged; modes."""

from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.protocol.evaluations import called_again, unfinished
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.refusals import says_so
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.oracles.methods import PER_PARAMETER
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import needs_loss, parameters_of, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

ID = "api.closure"
SHAPES = ((6, 4), (5,))
SAME = 1e-2
"""Distance from every loss of a step, relative, from which a returned number is another one."""
_BODY = """
def with_closure():
    optimizer, params = begin(start)
    values, calls, losses = [], [], []
    {first}for g in gradients:
        def closure():
            calls.append(torch.is_grad_enabled())
            optimizer.zero_grad()
            loss = sum((x * (p - p.detach())).sum() for p, x in zip(params, g)) + 3.0
            loss.backward()
            losses[-1].append(float(loss.detach()))
            return loss

        losses.append([])
        values.append(optimizer.step(closure))
    return read(optimizer, params), values, calls, losses


def another(value, made):
    off = [] if value is None else [abs(float(value) - x) for x in made]
    return bool(off) and min(off) > SAME * max(1.0, abs(made[0]))


try:
    a, values, calls, losses = with_closure()
    odd = any(map(another, values, losses))
    print(f'calls: {len(calls)}, with gradients off: {calls.count(False)}, another value: {odd},',
          'returned:', values[0])
except Exception as error:
    print(type(error).__name__)
"""


@check(ID, tags=("api",), cost=0.1, needs=("params",))
def closure(subject: Subject) -> CheckResult:
    """step(closure) calls it with gradients on, returns its value and gives the same run."""
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, 6, ID)
    session = subject.open(start)
    if not subject.needs & {"closure"}:
        names = [p.name for p in parameters_of(session.optimizer.step)]
        offered = "closure" in names or any("args" in n for n in names) or not names
        if not offered or not subject.injects or subject.needs & {"keeps_grad", "sparse"}:
            message = "Not applicable: step() offers no ordinary closure."
            return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    if "value_closure" in subject.needs:
        message = "Not applicable: the closure returns a number, as the spec says."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    watch = _Watch()
    values = [session.values()]
    if "grad_first" in subject.needs:
        surrogate(session.params, gradients[0])().backward()
    try:
        for step in gradients:
            watch.losses.append([])
            watch.returned.append(session.optimizer.step(watch.closure(session, step)))
            values.append(session.values())
    except Exception as error:
        if watch.without_grad and not watch.caused(error):
            watch.without_grad = 0
        return _raises(subject, error, watch)
    if watch.calls == 0:
        message = "step(closure) never calls the closure: it is called 0 times in 6 steps."
        return _answer(subject, Outcome.LIMIT, message, "calls: 0,")
    if watch.without_grad:
        message = (
            f"step(closure) calls it with gradients off in {watch.without_grad} of {watch.calls} "
            "calls, so that its backward() cannot run."
        )
        return _answer(subject, Outcome.LIMIT, message, f"gradients off: {watch.without_grad},")
    if watch.returned[0] is None:
        message = "step(closure) returns None, not the loss that the closure returns."
        return _answer(subject, Outcome.LIMIT, message, "returned: None")
    if other := watch.another():
        given, made = other
        message = f"step(closure) returns {given:.6g}, and the closure {made:.6g}: not its loss."
        return _answer(subject, Outcome.LIMIT, message, "another value: True")
    if subject.needs & {"closure"}:
        if left := unfinished(subject):
            return left
        message = f"The closure is called {watch.calls / 6:.3g} times a step, gradients on."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)
    once = bool(subject.spec.claims & PER_PARAMETER) or watch.repeated == len(gradients)
    if watch.calls > len(gradients) and once:
        message = f"The closure is called {watch.calls / 6:.3g} times a step, and once is enough."
        return _answer(subject, called_again(subject, start), message, f"calls: {watch.calls},")
    return _same_run(subject, start, gradients, Trajectory(values), watch.calls)


class _Watch:
    """Counts what happens to the closures it makes."""

    def __init__(self) -> None:
        self.calls = 0
        self.without_grad = 0
        self.repeated = 0  # calls where the one before had been, with nothing moved in between
        self.returned: list[Any] = []
        self.losses: list[list[float]] = []  # of each step

    def another(self) -> tuple[float, float] | None:
        """Return a number that a step returned and none of its closures, and one of theirs."""
        for given, made in zip(self.returned, self.losses, strict=False):
            if isinstance(given, torch.Tensor) and given.numel() == 1:
                given = given.item()
            if not isinstance(given, float) or given != given or not made:
                continue
            if min(abs(given - loss) for loss in made) > SAME * max(1.0, abs(made[0])):
                return given, made[0]
        return None

    def caused(self, error: Exception) -> bool:
        return "require" in str(error) and "grad" in str(error)

    def closure(self, session: Any, step: Any) -> Any:
        loss_function = surrogate(session.params, step)
        seen: list[list[torch.Tensor]] = []

        def evaluate() -> torch.Tensor:
            self.calls += 1
            here = [p.detach().clone() for p in session.params]
            self.repeated += any(all(map(torch.equal, here, there)) for there in seen)
            seen.append(here)
            self.without_grad += not torch.is_grad_enabled()
            session.zero()
            loss = loss_function() + 3.0
            loss.backward()
            if self.losses:
                self.losses[-1].append(float(loss.detach()))
            return loss

        return evaluate


def _raises(subject: Subject, error: Exception, watch: _Watch) -> CheckResult:
    if not subject.needs & {"closure"}:
        subject.run(*subject.draw(subject.shapes(*SHAPES), 6, ID))  # raises where any run does
    why = ", because gradients are off while the closure runs" if watch.without_grad else ""
    outcome = Outcome.VARIANT if says_so(error) and not watch.without_grad else Outcome.LIMIT
    message = f"step(closure) raises {told(error).rstrip('.')}{why}."
    return _answer(subject, outcome, message, type(error).__name__)


def _same_run(
    subject: Subject, start: Start, gradients: Gradients, run: Trajectory, calls: int
) -> CheckResult:
    def with_closure(some: Start, steps: Gradients) -> Trajectory:
        session, watch = subject.open(some), _Watch()
        return session.follow(
            steps, lambda step: session.optimizer.step(watch.closure(session, step))
        )

    said = needs_loss(documentation(subject, subject.open(start).optimizer))
    pair = Pair(
        check=ID,
        says="by closure",
        plain=subject.run,
        other=with_closure,
        body=_body(subject).partition("try:")[0]
        + "\na, b = with_closure()[0], run(start, gradients)",
        differs=Outcome.VARIANT if calls > len(gradients) or said else Outcome.DEVIATES,
    )
    if gap(run, subject.run(start, gradients)) == 0:
        message = "The run by closure is 0 from the ordinary one; its value is handed back."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    return agree(subject, pair, subject.shapes(*SHAPES), 6)


def _answer(subject: Subject, outcome: Outcome, message: str, proof: str) -> CheckResult:
    more: dict[str, Any] = {}
    if outcome is not Outcome.VARIANT:
        shapes = subject.shapes(*SHAPES)
        more = evidence(subject, _body(subject), proof, shapes=shapes, steps=6, stream=(ID,))
    return CheckResult(check=ID, outcome=outcome, message=message, scenario={"steps": 6}, **more)


def _body(subject: Subject) -> str:
    first = "sum((x * p).sum() for p, x in zip(params, gradients[0])).backward()\n    "
    body = _BODY.replace("SAME", str(SAME))
    return body.replace("{first}", first if "grad_first" in subject.needs else "")


_EARLY = """
optimizer, params = begin(start)
try:
    optimizer.eval()
    optimizer.train()
    step(optimizer, params, gradients[0])
except Exception as error:
    print(type(error).__name__)
"""
_LOOKED = """
optimizer, params = begin(start)
for g in gradients:
    step(optimizer, params, g)
    read(optimizer, params)
print('distance', gap(run(start, gradients), read(optimizer, params), start))
"""
_TWICE = """
optimizer, params = begin(start)
for g in gradients:
    step(optimizer, params, g)
moved = []
for switch in (optimizer.eval, optimizer.train):
    switch()
    once = [p.detach().clone() for p in params]
    switch()
    moved.append(gap(once, [p.detach() for p in params], start))
print('distance', max(moved))
"""


@check("api.mode", tags=("api",), cost=0.1)
def mode(subject: Subject) -> CheckResult:
    """eval() before the first step does no harm; eval and train in between change nothing."""
    check_id = "api.mode"
    if "mode" not in subject.needs:
        message = "Not applicable: it has no modes."
        return CheckResult(check=check_id, outcome=Outcome.NOT_CLAIMED, message=message)
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, 8, check_id)
    try:
        early = subject.open(start)
        early.optimizer.eval()
        early.optimizer.train()
        early.step(gradients[0])
    except Exception as error:
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=f"eval() before the first step raises {told(error)}.",
            scenario={"steps": 0},
            **evidence(
                subject, _EARLY, type(error).__name__, shapes=shapes, steps=8, stream=(check_id,)
            ),
        )
    session = subject.open(start)
    for step in gradients:
        session.step(step)
    plain = subject.run(start, gradients)  # reads in eval mode after each step
    begin = plain.values[0]
    apart = gap(Trajectory([begin, session.values()]), Trajectory([begin, plain.end]))
    message = f"A run with eval() and train() after each step is {apart:.2g} from one without."
    if apart <= 1e-9 and (again := _switched_twice(session, begin)) > 1e-9:
        return CheckResult(
            check=check_id,
            outcome=Outcome.DEVIATES,
            message=f"eval() or train() called twice moves weights by {again:.2g} of their way.",
            measured=again,
            bound=1e-9,
            scenario={"steps": 8},
            **evidence(subject, _TWICE, again, shapes=shapes, steps=8, stream=(check_id,)),
        )
    if apart <= 1e-9:
        return CheckResult(
            check=check_id, outcome=Outcome.CONFORMS, message=message, measured=apart, bound=1e-9
        )
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES,
        message=message,
        measured=apart,
        bound=1e-9,
        scenario={"steps": 8},
        **evidence(subject, _LOOKED, apart, shapes=shapes, steps=8, stream=(check_id,)),
    )


def _switched_twice(session: Session, start: list[torch.Tensor]) -> float:
    """Return how far a second eval(), or a second train(), moves the parameters, in their way."""
    read = lambda: [p.detach().to("cpu", torch.float64, copy=True) for p in session.params]  # noqa: E731
    moved = []
    for switch in (session.optimizer.eval, session.optimizer.train):
        switch()
        once = read()
        switch()
        moved.append(gap(Trajectory([start, once]), Trajectory([start, read()])))
    return max(moved)
