"""The smallest setting in which a subject leaves its definition, as a program of its own."""

from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.runs import Candidate, Run, gaps
from lpfl.conformance.definition.scenarios import Scenario, size_at, stream
from lpfl.conformance.signatures import named_options, takes_any_option
from lpfl.conformance.smallest import smallest as hypothesis_smallest
from lpfl.conformance.snippets import program, proven

SHOWN = 1e-3
LONGEST = 64

_BODY = """\
sizes = {sizes}
first = gradients[0][0]
gradients = [[s * (g[0] + 0.5 * first)] for s, g in zip(sizes, gradients)]
{extra}optimizer, params = begin(start, **{direct})
for group in optimizer.param_groups:
    group.update({later})
for g in gradients:
    before = params[0].detach().clone()
    step(optimizer, params, g)
update = params[0].detach() - before
expected = torch.tensor({expected}, dtype=torch.float64).reshape(update.shape)
gap = float((update - expected).norm() / expected.norm())
print("step {step}: relative distance from the definition", gap)
"""
_STRIDED = """\
back = lambda x: tuple(reversed(range(x.ndim)))
turn = lambda x: x.permute(back(x)).contiguous().permute(back(x))
start, gradients = [turn(x) for x in start], [[turn(x) for x in row] for row in gradients]
"""


def first_miss(run: Run, comparison: Comparison, reading: Candidate, least: float) -> int | None:
    """Return the first step of a run whose relative distance exceeds ``least``."""
    errors = gaps(run, run.reference(comparison.oracle, reading))
    return next((t for t, e in enumerate(errors, 1) if e > least), None)


def smallest(comparison: Comparison, run: Run, reading: Candidate) -> tuple[Run, int]:
    """Return the smallest run that still misses, and the step at which it does.

    Hypothesis shrinks weights and number of steps; then options go back to their defaults.
    """
    least = SHOWN
    step = first_miss(run, comparison, reading, least)
    if step is None:
        least, step = 0.0, first_miss(run, comparison, reading, 0.0) or run.scenario.steps
    best, scenario = run, run.scenario
    if scenario.second:
        return run, step

    def shows(shapes: list[tuple[int, ...]], steps: int) -> bool:
        other = _run(comparison, scenario, shapes[0], scenario.options, steps)
        return other is not None and first_miss(other, comparison, reading, least) is not None

    shapes, steps = hypothesis_smallest(shows, [run.shapes[0]], step)
    other = _run(comparison, scenario, shapes[0], scenario.options, steps)
    found = other and first_miss(other, comparison, reading, least)
    if other is not None and found:
        best, step = other, found
    options = dict(scenario.options)
    for name in [n for n in comparison.common if n not in comparison.oracle.fixed and n != "lr"]:
        held = comparison.defaults[name]
        if held is None or name in scenario.options:
            continue
        other = _run(comparison, scenario, best.shapes[0], {**options, name: held}, step)
        found = other and first_miss(other, comparison, reading, least)
        if other is not None and found:
            options[name] = held
            best, step = other, found
    return best, step


def _run(
    comparison: Comparison, scenario: Scenario, shape: tuple[int, ...], options: Any, steps: int
) -> Run | None:
    name = f"{scenario.name}, reduced: {sorted(options)}"
    reduced = Scenario(
        name,
        (shape,),
        steps=steps,
        profile=scenario.profile,
        options=options,
        strided=scenario.strided,
        dtype=scenario.dtype,
        at_defaults=scenario.at_defaults,
        switch=scenario.switch,
        changes=scenario.changes,
        start=scenario.start,
    )
    made = comparison.runs(reduced)
    return made[0] if made else None


def snippet(comparison: Comparison, run: Run, step: int, reading: Candidate) -> tuple[str, str]:
    """Return a program, executed, that prints the distance at ``step``; or why there is none."""
    subject, scenario = comparison.subject, run.scenario
    plain = scenario.profile != "zeros" and not scenario.changes and not scenario.second
    if not plain or "mode" in subject.needs or scenario.dtype.itemsize < 8:
        return "", "this setting has no short program"
    wanted = run.reference(comparison.oracle, reading, steps=step)[step - 1][0]
    if wanted.numel() > LONGEST:
        return "", "the weights are too large to be written out"
    named = named_options(subject.spec.factory)
    every = takes_any_option(subject.spec.factory)
    direct = {k: v for k, v in run.given.items() if every or k in named}
    body = _BODY.format(
        sizes=tuple(size_at(scenario.profile, t) for t in range(step)),
        extra=(_STRIDED if scenario.strided else "")
        + (f"start = [{scenario.start!r} * v for v in start]\n" if scenario.start != 1 else ""),
        direct=direct,
        later={k: v for k, v in run.given.items() if k not in direct},
        step=step,
        expected=[float(x) for x in wanted.reshape(-1)],
    )
    shape = run.shapes[0]
    text = program(subject, body, shapes=[shape], steps=step, stream=stream(scenario, shape))
    u = run.moves()[step - 1][0]
    size = float(wanted.norm())
    if not size > 0:
        return "", "the definition does not move here"
    return proven(subject, text, float((u - wanted).norm()) / size)
