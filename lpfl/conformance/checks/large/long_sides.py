"""A matrix with one long side: its steps are those of a small one that is filled up with zeros."""

import torch

from lpfl.conformance.checks.promised.told_of import undecayed
from lpfl.conformance.definition.seen.cuts import limits_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import Undrivable, told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "def.long-sides"
CLAIMS = ("lamb", "lars", "muon", "normuon")
"""Methods whose step on a matrix filled up with zeros is, but for a factor, that on the matrix."""
SMALL, STEPS = (8, 6), 4
USUAL = (100, 200)
LONG = ((32, 1100), (600, 16))
"""A wide matrix and a tall one; sides of two usual lengths are compared beside them.

None is so much longer than wide that it is left to a rule for vectors: timm does so from 128 on.
"""
CLOSE, FAR = 1e-3, 0.05


@check(ID, tags=("def",), cost=0.1, claims=CLAIMS, needs=("inject",))
def long_sides(subject: Subject) -> CheckResult:
    """A matrix with a side of 1100, zero but for few columns, moves in the direction of these."""
    if not subject.handles(SMALL) or limits_of(subject):
        message = "Not applicable: it takes no matrices, or a largest side of them is an option."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    farthest, compared = 0.0, 0
    for shape in LONG:
        try:
            control = _off(subject, _cut(shape, USUAL[1]))
            away = _off(subject, shape) if control <= CLOSE else 0.0
        except Undrivable:
            raise
        except Exception as error:
            message = f"Not driven: a weight of shape {shape} raises {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
        if away > FAR:
            return _finding(subject, shape, control, away)
        compared += control <= CLOSE
        farthest = max(farthest, away)
    if not compared:
        message = (
            f"Not judged: filled up with zeros to {USUAL[1]} it moves in another direction too."
        )
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    message = f"Filled up with zeros, matrices move up to {farthest:.2g} in another direction."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _filled(value: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Return the matrix with zeros beyond it."""
    whole = torch.zeros(shape, dtype=value.dtype)
    whole[: value.shape[0], : value.shape[1]] = value
    return whole


def _off(subject: Subject, shape: tuple[int, int]) -> float:
    """Return the largest part of a step that is not along that of a matrix filled up to 100.

    Weight decay is off: it is not made longer by a factor that the shape has.
    """
    small, given = _small(shape), undecayed(subject)
    start, gradients = subject.draw([small], STEPS, ID)
    few, whole = (
        subject.run(
            [_filled(start[0], size)],
            [[_filled(row[0], size)] for row in gradients],
            options=given,
        ).moves()
        for size in (_cut(shape, USUAL[0]), shape)
    )
    if _by_signs(few[0][: small[0], : small[1]]) != _by_signs(whole[0][: small[0], : small[1]]):
        raise Undrivable(f"{shape[0]} x {shape[1]} is left to a rule for vectors")
    return max(_apart(a, b, small) for a, b in zip(few, whole, strict=True))


def _by_signs(move: torch.Tensor) -> bool:
    """Return whether a first step has entries of one size, as Adam's has."""
    sizes = move.abs()
    return float(sizes.max() - sizes.min()) < 1e-3 * float(sizes.max())


def _cut(shape: tuple[int, int], most: int) -> tuple[int, int]:
    """Return the shape with a long side of this length."""
    return min(shape[0], most), min(shape[1], most)


def _small(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the shape of the small matrix that lies along the long side."""
    return SMALL if shape[0] < shape[1] else (SMALL[1], SMALL[0])


def _apart(few: torch.Tensor, whole: torch.Tensor, small: tuple[int, int]) -> float:
    a, b = (v[: small[0], : small[1]] for v in (few, whole))
    return float((b - (a * b).sum() / a.square().sum() * a).norm() / b.norm())


def _finding(subject: Subject, shape: tuple[int, int], control: float, away: float) -> CheckResult:
    small, usual, larger = _small(shape), _cut(shape, USUAL[0]), _cut(shape, USUAL[1])
    body = f"""
def filled(value, shape):
    whole = torch.zeros(shape, dtype=value.dtype)
    whole[: value.shape[0], : value.shape[1]] = value
    return whole


def moves(start, gradients):
    optimizer, params = begin(start, **{undecayed(subject)!r})
    values = [start[0].clone()]
    for g in gradients:
        step(optimizer, params, g)
        values.append(read(optimizer, params)[0])
    return [b - a for a, b in zip(values, values[1:])]


def apart(shape):
    found = []
    given = lambda row, size: [filled(row[0], size)]
    runs = [moves(given(start, s), [given(g, s) for g in gradients]) for s in ({usual}, shape)]
    for a, b in zip(*runs):
        a, b = (v[: {small[0]}, : {small[1]}] for v in (a, b))
        found.append(float((b - (a * b).sum() / (a * a).sum() * a).norm() / b.norm()))
    return max(found)


print('filled up to {larger} beside {usual}:', apart({larger}))
print('filled up to {shape} beside {usual}:', apart({shape}))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"A weight of {small[0]} x {small[1]} that zeros fill up to {shape[0]} x "
        f"{shape[1]} is stepped in another direction than up to {usual[0]} x {usual[1]}, by "
        f"{away:.2g} of the step; up to {larger[0]} x {larger[1]} it is not ({control:.1g}).",
        measured=away,
        bound=FAR,
        scenario={"shape": shape, "small": small, "steps": STEPS},
        **evidence(subject, body, away, shapes=[small], steps=STEPS, stream=(ID,)),
    )
