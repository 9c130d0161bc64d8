"""The smallest setting in which a subject leaves its definition, as a program of its own."""

from typing import Any

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.option_names import written
from lpfl.conformance.definition.precision import bounds
from lpfl.conformance.definition.runs import Candidate, Run, gaps
from lpfl.conformance.definition.scenarios import Scenario, size_at, stream
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.signatures import named_options, takes_any_option
from lpfl.conformance.smallest import smallest as hypothesis_smallest
from lpfl.conformance.snippets import program, proven
from lpfl.seeding import derive_seed

SHOWN = 1e-3
LONGEST = 64

_BODY = """\
sizes = {sizes}


def history(raw):
    rows = [s * (g + 0.5 * raw[0]) for s, g in zip(sizes, raw)]{zeros}
    return rows


rows = [history([g[0] for g in gradients])]
{others}gradients = [list(row) for row in zip(*rows)]
{extra}{build}
for t, g in enumerate(gradients, 1):
    before = read(optimizer, params) if t > 1 else start
{changes}    step(optimizer, params, g)
update = read(optimizer, params)[0].double() - before[0].double()
expected = torch.tensor({expected}, dtype=torch.float64).reshape(update.shape)
gap = float((update - expected).norm() / max(update.norm(), expected.norm()))
print("step {step}: relative distance from the definition", gap)
"""
_ZEROS = """
    rows = [g * (r > -0.25) for g, r in zip(rows, raw)]
    for g in rows:
        if g.ndim and g.shape[-1] > 1:
            g[..., 0] = 0.0"""
_NARROW = """
    flat = rows[0].reshape(len(rows[0]), -1)
    tall = flat.shape[0] > flat.shape[1]
    Q = torch.linalg.qr(flat if tall else flat.T).Q
    rows = [g.reshape(flat.shape) for g in rows]
    rows = [(Q @ Q.T @ g if tall else g @ Q @ Q.T).reshape(raw[0].shape) for g in rows]"""
_PARALLEL = """
    rows = [s * raw[0] for s in sizes]"""
_SHAPED = {"zeros": _ZEROS, "narrow": _NARROW, "parallel": _PARALLEL}
_OTHER = """\
draw = torch.Generator().manual_seed({seed})
start.append(normal({shape}))
rows.append(history([normal({shape}) for _ in sizes]))
"""
_ALONE = """\
optimizer, params = begin(start, **{direct})
for group in optimizer.param_groups:
    group.update({later})"""
_GROUPED = """\
params = [torch.nn.Parameter(v.clone()) for v in start]
optimizer = make([{groups}], **{fixed})"""
_CHANGES = """\
    for group in optimizer.param_groups:
        group.update({changes}.get(t, {{}}))
"""
_STRIDED = """\
back = lambda x: tuple(reversed(range(x.ndim)))
turn = lambda x: x.permute(back(x)).contiguous().permute(back(x))
start, gradients = [turn(x) for x in start], [[turn(x) for x in row] for row in gradients]
"""
_CAST = """\
start = [x.to({dtype}) for x in start]
gradients = [[x.to({dtype}) for x in row] for row in gradients]
"""


def first_miss(run: Run, comparison: Comparison, reading: Candidate, least: float) -> int | None:
    """Return the first step of a run whose relative distance exceeds ``least``.

    Steps that the definition does not determine, in the null space of a statistic, do not count.
    """
    errors = gaps(run, run.reference(comparison.oracle, reading))
    if not any(e > least for e in errors):
        return None
    allowed = bounds(comparison.oracle, run, reading)
    pairs = enumerate(zip(errors, allowed, strict=True), 1)
    return next((t for t, (e, bound) in pairs if e > max(least, bound)), None)


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

    each = calls_per_step(comparison.subject)
    shapes, steps = hypothesis_smallest(shows, [run.shapes[0]], step, each=each)
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
    if scenario.second and subject.needs & {"group_flags", "model", "named"}:
        return "", "groups of this optimizer have no short program"
    wanted = run.reference(comparison.oracle, reading, steps=step)[step - 1][0]
    if wanted.numel() > LONGEST:
        return "", "the weights are too large to be written out"
    u = run.moves()[step - 1][0]
    size = max(float(u.norm()), float(wanted.norm()))
    if not size > 0:
        return "", "nothing moves here"
    fine = scenario.dtype.itemsize >= 8
    body = _BODY.format(
        sizes=tuple(size_at(scenario.profile, t) for t in range(step)),
        zeros=_SHAPED.get(scenario.profile, ""),
        others=_others(comparison, run) if scenario.second else "",
        extra=(f"start = [{scenario.start!r} * v for v in start]\n" if scenario.start != 1 else "")
        + (_STRIDED if scenario.strided else "")
        + ("" if fine else _CAST.format(dtype=scenario.dtype)),
        build=_grouped(comparison, run) if scenario.second else _alone(comparison, run),
        changes=_changes(comparison, scenario),
        step=step,
        expected=[float(x) for x in wanted.reshape(-1)],
    )
    shape = run.shapes[0]
    text = program(subject, body, shapes=[shape], steps=step, stream=stream(scenario, shape))
    return proven(subject, text, float((u - wanted).norm()) / size)


def _alone(comparison: Comparison, run: Run) -> str:
    factory = comparison.subject.spec.factory
    named, every = named_options(factory), takes_any_option(factory)
    direct = {k: v for k, v in run.given.items() if every or k in named}
    later = {k: v for k, v in run.given.items() if k not in direct}
    return _ALONE.format(direct=direct, later=later)


def _together(comparison: Comparison, run: Run) -> list[tuple[int, ...]]:
    """Return the shapes of the run's optimizer, those of the first group first."""
    return [shape for shape in run.scenario.shapes if comparison.takes(shape)]


def _others(comparison: Comparison, run: Run) -> str:
    """Return the lines that draw the weights beside the one that is watched."""
    seed = comparison.subject.seed
    return "".join(
        _OTHER.format(
            shape=shape, seed=derive_seed(seed, "conformance", "draw", *stream(run.scenario, shape))
        )
        for shape in _together(comparison, run)
        if shape != run.shapes[0]
    )


def _grouped(comparison: Comparison, run: Run) -> str:
    """Return the lines that build the optimizer of two groups; the watched weight comes first."""
    subject, second = comparison.subject, run.scenario.second
    named = named_options(subject.spec.factory)
    first = {k: v for k, v in run.given.items() if k not in named}
    fixed = {k: v for k, v in run.given.items() if k in named}
    own = written(subject, comparison.where, {**comparison.common, **second})
    changed = {comparison.where[name].option for name in second}
    theirs = {**first, **{k: v for k, v in own.items() if k in changed}}
    shapes = _together(comparison, run)
    places = [run.shapes[0], *(shape for shape in shapes if shape != run.shapes[0])]
    in_order = [f"params[{places.index(shape)}]" for shape in shapes]
    groups = (
        f"{{'params': [{in_order[0]}], **{first!r}}}",
        f"{{'params': [{', '.join(in_order[1:])}], **{theirs!r}}}",
    )
    return _GROUPED.format(groups=", ".join(groups), fixed=fixed)


def _changes(comparison: Comparison, scenario: Scenario) -> str:
    if not scenario.changes:
        return ""
    new = {t: written(comparison.subject, comparison.where, c) for t, c in scenario.changes.items()}
    return _CHANGES.format(changes=new)
