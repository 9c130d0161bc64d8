"""bfloat16 and float16: the way is as long as in float32, for gradients of every size."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.switches import switches
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Session, Subject, Trajectory
from lpfl.conformance.trajectory import gap

SHAPES = ((6, 4), (5,))
STEPS = 6
SMALL = 0.1
"""Start values in this unit, so that the format of the weights rounds little beside the way."""
RATE = 0.1
"""Least learning rate: a smaller one is rounded away."""
BRAIN, HALF = "api.bfloat16", "api.float16-sizes"
SIZES = (1e-4, 500.0)
"""Sizes of gradients whose squares float16 cannot hold."""
DECAY = 3.0
CHANGED = 0.08
"""Relative change of the length of the way that is more than bfloat16 makes."""
FACTOR = 2.0
"""Factor of the length of the way that is more than rounding to float16 makes."""
MAGNIFIED = 4.0
SEEDS = 4
"""Other seeds that are tried of an optimizer that draws."""


@dataclass(frozen=True)
class Ways:
    """Lengths of two runs from the same numbers: in a format of few bits, and in float32.

    chance: relative change of the one in float32 by rounding of weights, gradients and state, and
    by other seeds.
    """

    narrow: float
    single: float
    chance: float

    @property
    def ratio(self) -> float:
        """Return the length in few bits over that in float32."""
        return self.narrow / self.single


@check(BRAIN, tags=("api",), cost=0.2, needs=("inject",))
def brain(subject: Subject) -> CheckResult:
    """A run in bfloat16 goes as far as one in float32, with each switch turned over too."""
    farthest, compared = 1.0, 0
    for options in ({}, *({n: v} for n, v in switches(subject).items()), *_decayed(subject)):
        ways = _ways(subject, torch.bfloat16, 1.0, options)
        if isinstance(ways, str):
            if not options:
                return CheckResult(check=BRAIN, outcome=Outcome.UNDRIVABLE, message=ways)
            continue
        compared += 1
        off = abs(ways.ratio - 1)
        if off > max(CHANGED, MAGNIFIED * ways.chance):
            return _finding(subject, BRAIN, torch.bfloat16, 1.0, options, ways)
        farthest = max(farthest, ways.ratio, key=lambda r: abs(r - 1))
    message = f"The way in bfloat16 is {farthest:.2g} of that in float32, of {compared} compared."
    return CheckResult(check=BRAIN, outcome=Outcome.CONFORMS, message=message, measured=farthest)


@check(HALF, tags=("api",), cost=0.1, needs=("inject",))
def half(subject: Subject) -> CheckResult:
    """Gradients whose squares float16 cannot hold move float16 weights as far as float32 ones."""
    farthest, failed, compared = 1.0, "", 0
    for scale in SIZES:
        ways = _ways(subject, torch.float16, scale, {})
        if isinstance(ways, str):
            failed = failed or ways
            continue
        compared += 1
        told = ways.chance < CHANGED or not math.isfinite(ways.ratio)
        if told and not 1 / FACTOR < ways.ratio < FACTOR:
            return _finding(subject, HALF, torch.float16, scale, {}, ways)
        farthest = max(farthest, ways.ratio, key=lambda r: abs(r - 1))
    if failed and not compared:
        return CheckResult(check=HALF, outcome=Outcome.UNDRIVABLE, message=failed)
    message = f"The way in float16 is {farthest:.2g} of that in float32, of {compared} compared."
    return CheckResult(check=HALF, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _decayed(subject: Subject) -> list[dict[str, Any]]:
    """Return options with a weight decay that shows beside the gradients, if there is one."""
    known = isinstance(subject.default("weight_decay"), int | float)
    return [{"weight_decay": DECAY}] if known and subject.accepts("weight_decay") else []


def with_rate(subject: Subject, options: Mapping[str, Any]) -> dict[str, Any]:
    rate = subject.default("lr")
    small = isinstance(rate, float) and 0 < rate < RATE and subject.accepts("lr")
    return {**({"lr": RATE} if small else {}), **options}


def _drawn(subject: Subject, dtype: torch.dtype, scale: float) -> tuple[Start, Gradients]:
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, "low precision")
    return (
        [(SMALL * v).to(dtype) for v in start],
        [[(scale * g).to(dtype) for g in row] for row in gradients],
    )


def _single(start: Start, gradients: Gradients) -> tuple[Start, Gradients]:
    return [v.float() for v in start], [[g.float() for g in row] for row in gradients]


def _ways(
    subject: Subject, dtype: torch.dtype, scale: float, options: Mapping[str, Any]
) -> Ways | str:
    """Return the lengths of both ways, or why they are not compared."""
    start, gradients = _drawn(subject, dtype, scale)
    name, used = str(dtype).removeprefix("torch."), with_rate(subject, options)
    try:
        single = subject.run(*_single(start, gradients), options=used)
        narrow = subject.run(start, gradients, options=used)
        others = [
            subject.run(*_single(*_rounded(subject, dtype, start, gradients, i)), options=used)
            for i in range(2)
        ]
        if dtype == torch.bfloat16 and dtype in _kept(subject, dtype, used):
            rounding = lambda session, t: round_state(session, dtype)  # noqa: E731
            given = _single(start, gradients)
            others.append(subject.run(*given, options=used, observe=rounding))
        others += _seeded(subject, single, *_single(start, gradients), used)
    except Exception as error:
        return f"Not compared: a run in {name} raises {told(error)}."
    way = single.displacement()
    if not single.finite or not way > 0 or max(float(v.abs().max()) for v in single.end) > 1e4:
        return f"Not compared: a run in float32 with gradients x {scale:g} ends nowhere near."
    if (dtype == torch.bfloat16 and not narrow.finite) or _buried(single, dtype, way):
        return f"Not compared: {name} does not hold the steps of this run."
    chance = max(abs(other.displacement() / way - 1) for other in others)
    return Ways(narrow.displacement(), way, chance)


def _seeded(
    subject: Subject, plain: Trajectory, start: Start, gradients: Gradients, used: dict[str, Any]
) -> list[Trajectory]:
    """Return runs with other seeds, of the optimizer's own generators too; one if none differs."""
    found: list[Trajectory] = []
    for seed in range(subject.seed + 1, subject.seed + 1 + SEEDS):
        with other_draws(seed):
            found.append(subject.run(start, gradients, options=used, seed=seed))
        if gap(found[0], plain) == 0.0:
            break
    return found


def _rounded(
    subject: Subject, dtype: torch.dtype, start: Start, gradients: Gradients, draw: int
) -> tuple[Start, Gradients]:
    """Return the inputs, each number changed by about half a spacing of the format."""
    stream = subject.stream("low precision", "rounding", draw)

    def near(v: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(v.shape, generator=stream, dtype=torch.float64)
        return v.double() * (1 + 0.5 * torch.finfo(dtype).eps * noise)

    return [near(v) for v in start], [[near(g) for g in row] for row in gradients]


def _buried(run: Trajectory, dtype: torch.dtype, way: float) -> bool:
    """Return whether rounding the weights after each step may change the way noticeably."""
    size = max(float(sum(v.square().sum() for v in row)) ** 0.5 for row in run.values)
    return 0.5 * torch.finfo(dtype).eps * size * math.sqrt(STEPS) > CHANGED * way


def _finding(
    subject: Subject,
    check_id: str,
    dtype: torch.dtype,
    scale: float,
    options: Mapping[str, Any],
    ways: Ways,
) -> CheckResult:
    name, used = str(dtype).removeprefix("torch."), with_rate(subject, options)
    body = f"""
few = lambda vs, unit: [(unit * v).to({dtype}) for v in vs]
start, gradients = few(start, {SMALL}), [few(g, {scale}) for g in gradients]
length = lambda a, b: sum((x.double() - y.double()).square().sum() for x, y in zip(a, b)) ** 0.5
single = [v.float() for v in start]
a = length(run(start, gradients, **{used!r}), start)
b = length(run(single, [[x.float() for x in g] for g in gradients], **{used!r}), single)
print('way in {name} over that in float32', float(a / b))
"""
    shapes = subject.shapes(*SHAPES)
    text = program(subject, body, shapes=shapes, steps=STEPS, stream=("low precision",))
    finite = math.isfinite(ways.ratio)
    text, why = proven(subject, text, ways.ratio if finite else str(ways.ratio))
    said = "".join(f", {k}={v}" for k, v in options.items())
    sizes = "" if scale == 1.0 else f" by gradients x {scale:g}"
    outcome, also = Outcome.NUMERICS, ""
    if torch.float32 not in _kept(subject, dtype, used):
        outcome = Outcome.VARIANT if check_id == HALF else Outcome.NUMERICS
        also = ": nothing is kept in float32" + ", as in torch's own Adam" * (check_id == HALF)
    return CheckResult(
        check=check_id,
        outcome=outcome,
        message=f"The way in {name}{sizes}{said} is {ways.ratio:.2g} of that in float32{also}.",
        measured=ways.ratio if finite else None,
        bound=CHANGED if check_id == BRAIN else FACTOR,
        scenario={"dtype": name, "gradients times": scale, "steps": STEPS, "options": used},
        snippet="" if outcome is Outcome.VARIANT else text,
        details={
            "change by rounding": ways.chance,
            **({"snippet": why} if why else {}),
        },
    )


def _kept(subject: Subject, dtype: torch.dtype, options: Mapping[str, Any]) -> set[torch.dtype]:
    """Return the formats of the state for weights of few bits, single numbers left out.

    One that keeps float32 does not mean to square gradients in fewer bits, as torch's own do.
    """
    start, gradients = _drawn(subject, dtype, 1.0)
    session = subject.open(start, options=options)
    session.step(gradients[0])
    return {x.dtype for x in _tensors(session.optimizer.state) if x.dim() > 0}


def round_state(session: Session, dtype: torch.dtype) -> None:
    """Round what is kept in float32, in place, as if it were kept in fewer bits."""
    for held in _tensors(session.optimizer.state):
        if held.dtype == torch.float32 and held.dim() > 0:
            held.copy_(held.to(dtype))


def _tensors(held: Any) -> Iterator[torch.Tensor]:
    if isinstance(held, torch.Tensor):
        yield held
    elif isinstance(held, Mapping):
        for value in held.values():
            yield from _tensors(value)
