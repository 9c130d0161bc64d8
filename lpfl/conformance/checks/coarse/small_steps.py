"""Many steps in bfloat16, each far below the spacing of the weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.coarse.told import kept, options
from lpfl.conformance.checks.low_precision import round_state
from lpfl.conformance.checks.promised.told_of import undecayed
from lpfl.conformance.definition.alternatives import usual_rate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory

ID = "api.small-steps"
SHAPES = ((16, 32), (512,))
STEPS = 128
SPACING = 2.0**-7
"""Distance of two numbers of bfloat16 between 1 and 2, where all weights are."""
WAY = 8 * SPACING
"""Length of the way of an entry: a step is a sixteenth of the spacing."""
ABOUT = 2.0
"""Factor by which the length of the way may miss that."""
HALF = 0.5 * SPACING
KEEPS = (0.5, 2.0)
"""Share of the way in float32 that is kept where steps are told not to be lost."""
FAR = (-0.5, 3.0)
"""Share of the way in float32 beyond which no rounding to the nearest number leads."""
WORKS, LOST = 0.7, 0.3
TRIES = 3
BF16 = torch.bfloat16
AMONG: Mapping[str, tuple[int, ...]] = {
    "": (1,), " behind one in float32": (0, 1), " before one in float32": (1, 0)
}  # fmt: skip
"""Which of the parameters are in bfloat16, by what is said of it."""


@dataclass(frozen=True)
class Shares:
    """Mean way in bfloat16 over that in float32, of entries that shrink and of those that grow."""

    shrinking: float
    growing: float

    def within(self, bounds: tuple[float, float]) -> bool:
        """Return whether both are within the bounds."""
        return all(bounds[0] <= share <= bounds[1] for share in (self.shrinking, self.growing))

    @property
    def worst(self) -> float:
        """The share that is farther from 1."""
        return max((self.shrinking, self.growing), key=lambda share: abs(share - 1))

    @property
    def words(self) -> str:
        """Both shares, in words."""
        return f"{self.shrinking:.2g} of weights that shrink and {self.growing:.2g} of others"


@check(ID, tags=("api",), cost=0.3, needs=("inject", "lr"))
def small_steps(subject: Subject) -> CheckResult:
    """Steps far below the spacing of bfloat16 add up where this is told, and never to too much."""
    shapes = subject.shapes(*SHAPES)[:1]
    made, why = 0, ""
    for given in ({}, *options(subject)):
        promised = bool(given) or kept(subject)
        base = _rated(subject, shapes, given)
        if base is None:
            why = why or "no rate was found at which steps are that small"
            continue
        found: dict[str, Shares] = {}
        for among, few in AMONG.items():
            try:
                shares = _shares(subject, shapes, base, few)
            except Exception as error:
                why = why or f"a run in bfloat16 raises {told(error)}"
                break
            if shares is None:
                why = why or "the run does not go far enough, or not in small steps"
                break
            found[among], made = shares, made + 1
            said = _against(found, among, promised)
            sure = said and _again(subject, shapes, base, few, promised)
            if sure and (promised or not _by_state(subject, shapes, base)):
                return _finding(subject, shapes, base, among, shares, said)
            if not promised and not _sound(found[""]):
                break
    if not made:
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=f"Not judged: {why}.")
    message = f"The mean way in bfloat16 is within bounds in {made} run(s) of {STEPS} small steps."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _sound(shares: Shares) -> bool:
    return shares.within((WORKS, 1 / WORKS))


def _against(found: Mapping[str, Shares], among: str, promised: bool) -> str:
    """Return what speaks against a run, in words; nothing if nothing does."""
    shares = found[among]
    if not shares.within(FAR):
        return "rounding leads to one side"
    if promised and not shares.within(KEEPS):
        return "small steps are told not to be lost"
    if among and _sound(found[""]) and min(shares.shrinking, shares.growing) < LOST:
        return "alone it is not lost"
    return ""


def _again(
    subject: Subject,
    shapes: Sequence[tuple[int, ...]],
    base: Mapping[str, Any],
    few: Sequence[int],
    promised: bool,
) -> bool:
    """Return whether another seed shows as much: chance may have a part."""
    subject.seed += 1
    try:
        shares = _shares(subject, shapes, base, few)
    finally:
        subject.seed -= 1
    bounds = KEEPS if promised or len(few) > 1 else FAR
    return shares is not None and not shares.within(bounds)


def _by_state(subject: Subject, shapes: Sequence[tuple[int, ...]], base: Mapping[str, Any]) -> bool:
    """Return whether weights in float32 go as far astray once the state is kept in bfloat16."""
    start, gradients = _drawn(subject, shapes)
    single = _single(subject, start, gradients, base)
    rounded = subject.run(
        [v.float() for v in start],
        [[g.float() for g in row] for row in gradients],
        options=base,
        observe=lambda session, t: round_state(session, BF16),
    )
    return not (rounded.finite and _compared(rounded, single, 0).within(FAR))


def _drawn(subject: Subject, shapes: Sequence[tuple[int, ...]]) -> tuple[Start, Gradients]:
    """Return weights between 1.3 and 1.5, and gradients that keep their signs."""
    start, rows = subject.draw(shapes, STEPS, ID)
    first = rows[0][0].sign()
    return (
        [((1.4 + 0.1 * v.tanh()) * v.sign()).to(BF16) for v in start],
        [[((1.0 + 0.2 * g.tanh()) * first).to(BF16) for g in row] for row in rows],
    )


def _rated(
    subject: Subject, shapes: Sequence[tuple[int, ...]], given: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return options with a rate at which a run in float32 goes the way; None if none is found."""
    still = undecayed(subject)
    rate, start_row = usual_rate(subject), _drawn(subject, shapes)
    if rate is None or not rate > 0:
        return None
    for _ in range(TRIES):
        base = {**still, **given, "lr": rate}
        try:
            run = _single(subject, *start_row, base)
        except Exception:
            return None
        way = _rms(run.end[0] - run.values[0][0])
        if not run.finite or not way > 0:
            return None
        if 1 / ABOUT < way / WAY < ABOUT:
            return base
        rate *= WAY / way
    return None


def _rms(values: torch.Tensor) -> float:
    return float(values.double().square().mean()) ** 0.5


def _single(
    subject: Subject, start: Start, gradients: Gradients, base: Mapping[str, Any], times: int = 1
) -> Trajectory:
    """Return the run of the weights in float32, among as many equal ones."""
    rows = [[g.float() for g in row] * times for row in gradients]
    return subject.run([v.float() for v in start] * times, rows, options=base)


def _shares(
    subject: Subject,
    shapes: Sequence[tuple[int, ...]],
    base: Mapping[str, Any],
    few: Sequence[int],
) -> Shares | None:
    """Return the shares of the way; None where float32 goes not that way in small steps."""
    start, gradients = _drawn(subject, shapes)
    place = few.index(1)
    single = _single(subject, start, gradients, base, len(few))
    kinds = [BF16 if bit else torch.float32 for bit in few]
    narrow = subject.run(
        [start[0].to(kind) for kind in kinds],
        [[row[0].to(kind) for kind in kinds] for row in gradients],
        options=base,
    )
    wanted = single.end[place] - single.values[0][place]
    longest = max(_rms(move) for move in single.moves(place))
    near = 1 / ABOUT < _rms(wanted) / WAY < ABOUT
    if not single.finite or not near or longest > HALF:
        return None
    return _compared(narrow, single, place)


def _compared(narrow: Trajectory, single: Trajectory, place: int) -> Shares:
    """Return the mean way of one run along another, of entries that shrink and that grow."""
    wanted = single.end[place] - single.values[0][place]
    moved = narrow.end[place] - narrow.values[0][place]
    grows = wanted * single.values[0][place] > 0
    parts = [
        float((moved * wanted)[some].sum() / wanted[some].square().sum())
        for some in (~grows, grows)
    ]
    return Shares(*parts)


def _finding(
    subject: Subject,
    shapes: Sequence[tuple[int, ...]],
    base: Mapping[str, Any],
    among: str,
    shares: Shares,
    said: str,
) -> CheckResult:
    few = AMONG[among]
    kinds = [f"torch.{'bfloat16' if bit else 'float32'}" for bit in few]
    side = "" if shares.worst == shares.growing else "~"
    body = f"""
first = [g.sign() for g in gradients[0]]
start = [((1.4 + 0.1 * v.tanh()) * v.sign()).bfloat16() for v in start]
gradients = [[((1 + 0.2 * x.tanh()) * s).bfloat16() for x, s in zip(g, first)] for g in gradients]
cast = lambda values, kinds: [values[0].to(kind) for kind in kinds]


def moved(kinds):
    ends = run(cast(start, kinds), [cast(g, kinds) for g in gradients], **{dict(base)!r})
    return ends[{few.index(1)}].double() - start[0].double()


a, b = moved([{", ".join(kinds)}]), moved([torch.float32] * {len(few)})
some = {side}(b * start[0].double() > 0)
print('mean way in bfloat16 over that in float32', float((a * b)[some].sum() / (b * b)[some].sum()))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.NUMERICS,
        message=f"The mean way of {STEPS} small steps in bfloat16{among} is "
        f"{shares.words}, in units of that in float32: {said}.",
        measured=shares.worst,
        scenario={"options": dict(base), "steps": STEPS, "dtype": "bfloat16"},
        **evidence(subject, body, shares.worst, shapes=shapes, steps=STEPS, stream=(ID,)),
    )
