"""The same method by another path: foreach, fused, loop; maximize against minimize."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lpfl.conformance.agreement import Gradients, Pair, Start, agree
from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.checks.no_gradient import ALWAYS
from lpfl.conformance.checks.paths_of_formats import of_two_formats
from lpfl.conformance.checks.protocol.uphill import on_a_loss
from lpfl.conformance.checks.scheduled.on_paths import from_rest, under_a_schedule
from lpfl.conformance.checks.switches import turned_over, works
from lpfl.conformance.definition.alternatives import other_value
from lpfl.conformance.definition.seen.inherited import inherited
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject, Trajectory

SWITCHES = ("foreach", "fused", "multi_tensor", "use_foreach")
GRAPHED = "capturable"
"""A path for graphs of an accelerator, which torch's own refuse on the CPU."""
UNDER: tuple[Mapping[str, Any], ...] = (
    {},
    {"weight_decay": 0.1},
    {"amsgrad": True},
    {"momentum": 0.8},
    {"momentum": 0.8, "nesterov": True},
    {"maximize": True},
    {"maximize": True, "weight_decay": 0.1},
    {"centered": True},
    {"eps": 1e-2},
)
ONE = "The number of paths to choose from is 1."
TALL = ((6, 4), (5,), (3, 4, 2))
LACKING = ((0, 3), (5,), (1, 6, 7))
"""Steps in which the first, the second and the third parameter have no gradient."""


def uneven(gradients: Gradients) -> Gradients:
    """Return the gradients with sizes that rise and fall by a factor of ten."""
    sizes = (1.0, 3.0, 10.0, 2.0, 0.5, 0.1, 0.3, 5.0, 1.0, 0.2)
    return [[sizes[t % len(sizes)] * g for g in step] for t, step in enumerate(gradients)]


UNEVEN_TEXT = """
sizes = (1.0, 3.0, 10.0, 2.0, 0.5, 0.1, 0.3, 5.0, 1.0, 0.2)
gradients = [[sizes[t % 10] * x for x in g] for t, g in enumerate(gradients)]
"""


@check("api.paths", tags=("api",), cost=0.6, needs=("params",))
def paths(subject: Subject) -> Iterable[CheckResult]:
    """foreach, fused and loop give the same run, under every option set."""
    switches = [s for s in SWITCHES if subject.accepts(s)]
    if subject.accepts(GRAPHED) and works(subject, {GRAPHED: True}):
        switches.append(GRAPHED)
    answers = [answer for switch in switches for answer in _switched(subject, switch)]
    one = CheckResult(check="api.paths", outcome=Outcome.CONFORMS, message=ONE)
    yield from answers or [one]


def _switched(subject: Subject, switch: str) -> Iterator[CheckResult]:
    agreed, worst, refused, rounded = 0, 0.0, None, None
    pairs = [_pair(subject, switch, o) for o in _sets(subject)]
    pairs += [
        *_grouped(subject, switch),
        *_thinned(subject, switch),
        *of_two_formats(subject, switch),
        *under_a_schedule(subject, switch),
        *from_rest(subject, switch),
    ]
    for pair in pairs:
        result = agree(subject, pair, subject.shapes(*TALL), 10)
        if result.outcome is Outcome.NUMERICS and switch == GRAPHED:
            continue  # its counts and corrections are tensors of float32, as torch's own
        if result.outcome is Outcome.NUMERICS:  # another set of options may show more than rounding
            rounded = rounded or result
            continue
        if result.outcome in FINDINGS:
            yield result
            return
        if result.outcome is Outcome.CONFORMS:
            agreed, worst = agreed + 1, max(worst, result.measured or 0.0)
        else:
            refused = refused or result
    if rounded is not None:
        yield rounded
    elif agreed:
        message = f"The runs with {switch} on and off are at most {worst:.2g} apart."
        yield CheckResult(
            check="api.paths", outcome=Outcome.CONFORMS, message=message, measured=worst
        )
    elif refused is not None and switch != GRAPHED:
        yield refused


def _sets(subject: Subject) -> list[Mapping[str, Any]]:
    """Return the sets of options under which paths are compared, each of them once."""
    sets: list[Mapping[str, Any]] = []
    for options in (*UNDER, *turned_over(subject)):
        known = all(subject.accepts(name) for name in options)
        numbers = "eps" not in options or isinstance(subject.default("eps"), float)
        if known and numbers and options not in sets:
            sets.append(options)
    return sets


def _pair(subject: Subject, switch: str, options: Mapping[str, Any]) -> Pair:
    off, on = {**options, switch: False}, {**options, switch: True}
    return Pair(
        check="api.paths",
        says=f"with {switch}=True" + "".join(f", {k}={v}" for k, v in options.items()),
        plain=lambda s, g: subject.run(s, uneven(g), options=off),
        other=lambda s, g: subject.run(s, uneven(g), options=on),
        body=UNEVEN_TEXT
        + f"a, b = run(start, gradients, **{on!r}), run(start, gradients, **{off!r})",
        options=off,
        raises=Outcome.VARIANT if switch == "fused" else Outcome.LIMIT,
        scenario={"options": dict(options), "switch": switch},
    )


def _grouped(subject: Subject, switch: str) -> Iterator[Pair]:
    """Yield the pair of two groups of which the second has half the rate, if the rate is known."""
    rate = other_value(subject, "lr")
    if rate is None:
        return

    def ran(on: bool) -> Callable[[Start, Gradients], Trajectory]:
        def run(start: Start, gradients: Gradients) -> Trajectory:
            apart = [([0], {}), (list(range(1, len(start))), {"lr": rate})][: len(start)]
            return subject.run(start, gradients, options={switch: on}, groups=apart)

        return run

    yield Pair(
        check="api.paths",
        says=f"with {switch}=True and half the rate in a second group",
        plain=ran(False),
        other=ran(True),
        body=f"""
def halved(on):
    params = [torch.nn.Parameter(v.clone()) for v in start]
    groups = [{{"params": params[:1]}}, {{"params": params[1:], "lr": {rate!r}}}]
    optimizer = make([group for group in groups if group["params"]], {switch}=on)
    for g in gradients:
        step(optimizer, params, g)
    return read(optimizer, params)


a, b = halved(True), halved(False)
""",
        options={switch: False},
        raises=Outcome.VARIANT if switch == "fused" else Outcome.LIMIT,
        scenario={"options of the second group": {"lr": rate}, "switch": switch},
    )


def thinned(gradients: Gradients) -> list[list[Any]]:
    """Return the gradients without some of them: each parameter lacks its own in other steps."""
    lacks = lambda i, t: t in LACKING[i % len(LACKING)]  # noqa: E731
    return [[None if lacks(i, t) else g for i, g in enumerate(s)] for t, s in enumerate(gradients)]


def _thinned(subject: Subject, switch: str) -> Iterator[Pair]:
    """Yield the pair in which parameters lack their gradient in some steps, the first at first."""
    if subject.needs & ALWAYS:
        return
    usual = decayed(subject)

    def ran(on: bool) -> Callable[[Start, Gradients], Trajectory]:
        options = {**usual, switch: on}
        return lambda s, g: subject.run(s, thinned(uneven(g)), options=options)

    yield Pair(
        check="api.paths",
        says=f"with {switch}=True and a gradient missing in some steps",
        plain=ran(False),
        other=ran(True),
        body=f"""
{UNEVEN_TEXT}
lacking = {LACKING}  # the steps in which the first, second and third have no gradient
gradients = [[None if t in lacking[i] else x for i, x in enumerate(g)]
             for t, g in enumerate(gradients)]
a, b = (run(start, gradients, {switch}=on, **{usual!r}) for on in (True, False))
""",
        options={**usual, switch: False},
        raises=Outcome.VARIANT if switch == "fused" else Outcome.LIMIT,
        scenario={"gradient": None, "in steps": LACKING, "switch": switch},
    )


@check("api.maximize", tags=("api",), cost=0.3, needs=("maximize", "params"))
def maximize(subject: Subject) -> Iterable[CheckResult]:
    """maximize on g is minimize on -g, also in a second step on the same gradient."""
    if inherited(subject, "maximize"):
        message = (
            "Not applicable: maximize is an option of the class it is built on, not of its own."
        )
        yield CheckResult(check="api.maximize", outcome=Outcome.NOT_CLAIMED, message=message)
        return
    for options in ({}, {"weight_decay": 0.1}, {"foreach": False}, {"momentum": 0.8}):
        if not all(subject.accepts(name) for name in options):
            continue
        result = agree(subject, _mirror(subject, options), subject.shapes(*TALL), 8)
        inner = not subject.hides_options and "maximize" not in subject.constructor_names
        if result.outcome is Outcome.DEVIATES and inner:
            message = f"{result.message[:-1]}: maximize is an option of what it wraps."
            result = replace(result, outcome=Outcome.LIMIT, message=message)
        yield result
        if result.outcome in FINDINGS:
            return
    for pair in on_a_loss(subject):
        result = agree(subject, pair, subject.shapes(*TALL), 4)
        if result.outcome in FINDINGS:
            yield result
            return
    if subject.injects and "keeps_grad" not in subject.needs:
        yield agree(subject, _twice(subject), subject.shapes(*TALL), 2)


def _mirror(subject: Subject, options: Mapping[str, Any]) -> Pair:
    up, down = {**options, "maximize": True}, {**options, "maximize": False}
    said = "".join(f", {k}={v}" for k, v in options.items())
    return Pair(
        check="api.maximize",
        says=f"with maximize=True on g{said}, against maximize=False on -g,",
        plain=lambda s, g: subject.run(s, [[-x for x in step] for step in g], options=down),
        other=lambda s, g: subject.run(s, g, options=up),
        body=f"""
a = run(start, gradients, **{up!r})
b = run(start, [[-x for x in g] for g in gradients], **{down!r})
""",
        options=up,
        scenario={"options": up},
    )


def _twice(subject: Subject) -> Pair:
    """Two calls of step() on each gradient that is set once, against setting it each time."""
    up = {"maximize": True}

    def again(start: Start, gradients: Gradients) -> Trajectory:
        session = subject.open(start, options=up)

        def twice(step: Any) -> None:
            session.step(step)
            session.optimizer.step()

        return session.follow(gradients, twice)

    def fresh(start: Start, gradients: Gradients) -> Trajectory:
        run = subject.run(start, [step for step in gradients for _ in (0, 1)], options=up)
        return Trajectory(run.values[::2])

    return Pair(
        check="api.maximize",
        says="with maximize=True and step() called twice on each gradient",
        plain=fresh,
        other=again,
        body=f"""
optimizer, params = begin(start, **{up!r})
for g in gradients:
    step(optimizer, params, g)
    optimizer.step()
a = read(optimizer, params)
b = run(start, [g for g in gradients for _ in (0, 1)], **{up!r})
""",
        options=up,
        differs=Outcome.LIMIT,
        scenario={"options": up},
    )
