"""Small sides joined before they are preconditioned: a kernel moves as its reshaped weight."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

from torch import Tensor

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.definition.seen.cuts import BLOCKS, LIMITS, MERGE, aside
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, gap

ID = "def.merged-sides"
SHAPES, LARGEST, STEPS, LOOSE = ((2, 3, 7), (7, 3, 2)), 7, 6, 1e-5
CLAIMED = frozenset({"shampoo", "soap"})


def groupings(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the shapes that joining neighbours gives, the one of all sides apart first."""
    places = range(1, len(shape))
    for count in reversed(range(len(shape))):
        for cut in combinations(places, count):
            found = []
            for a, b in pairwise((0, *cut, len(shape))):
                size = 1
                for n in shape[a:b]:
                    size *= n
                found.append(size)
            yield tuple(found)


@check(ID, tags=("def",), cost=0.2, needs=("inject", MERGE))
def merged_sides(subject: Subject) -> CheckResult:
    """With small sides joined, a kernel moves as the weight of the joined sides would."""
    if not isinstance(subject.default(MERGE), bool):
        message = f"Not applicable: {MERGE} is no switch."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    on, off = _options(subject)
    found = {}
    for shape in subject.shapes(*SHAPES):
        start, gradients = subject.draw([shape], STEPS, ID, *shape)
        joined = subject.run(start, gradients, options=on)
        apart = {}
        for other in groupings(shape):
            if subject.handles(other):
                apart[other] = gap(joined, _reshaped(subject, start, gradients, other, off))
        close = max(tolerance(subject, ID), LOOSE)
        fits = [other for other, distance in apart.items() if distance <= close]
        if not fits:
            return _unlike(subject, shape, min(apart.values(), default=1.0), on, off)
        found[shape] = fits[0]
    if all(shape == other for shape, other in found.items()):
        message = f"With {MERGE}=True kernels move as without it."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    words = ", ".join(f"{_size(shape)} as {_size(other)}" for shape, other in found.items())
    message = f"With {MERGE}=True a kernel moves as the weight of the joined sides: {words}."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _options(subject: Subject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options with sides joined up to ``LARGEST``, and with none joined."""
    names = subject.constructor_names | set(map(str, subject.default_group))
    sizes = [n for n in names if LIMITS.search(n) or BLOCKS.search(n)]
    limits = {n: LARGEST for n in sizes if isinstance(subject.default(n), int)}
    plain = {**without_decay(subject), **aside(subject, {MERGE: 0, **limits}), **limits}
    return {**plain, MERGE: True}, {**plain, MERGE: False}


def _reshaped(
    subject: Subject,
    start: Sequence[Tensor],
    gradients: Sequence[Sequence[Tensor]],
    shape: tuple[int, ...],
    options: dict[str, Any],
) -> Trajectory:
    """Return the run of the weight in another shape, brought back to its own."""
    rows = [[g.reshape(shape) for g in row] for row in gradients]
    run = subject.run([p.reshape(shape) for p in start], rows, options=options)
    return Trajectory(values=[[p.reshape(start[0].shape) for p in row] for row in run.values])


def _unlike(
    subject: Subject, shape: tuple[int, ...], apart: float, on: dict[str, Any], off: dict[str, Any]
) -> CheckResult:
    """Grade a kernel that moves as no grouping of its neighbouring sides."""
    start, gradients = subject.draw([shape], STEPS, ID, *shape)

    def joined(s: Sequence[Tensor], g: Sequence[Sequence[Tensor]]) -> Trajectory:
        return subject.run(s, g, options=on)

    told = attributable(subject, apart, start, gradients, runs=(joined,))
    message = f"With {MERGE}=True a {_size(shape)} kernel moves as no joining of its sides does."
    if not told or not subject.spec.claims & CLAIMED:
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message, measured=apart)
    body = f"""
a = run(start, gradients, **{on!r})
found = []
for shape in {list(groupings(shape))!r}:
    try:
        b = run([p.reshape(shape) for p in start], [[g.reshape(shape) for g in row]
                for row in gradients], **{off!r})
    except Exception:
        continue
    found.append(gap(a, [p.reshape(start[0].shape) for p in b], start))
print('as none of them:', min(found) > {LOOSE})
"""
    more = evidence(subject, body, "True", shapes=[shape], steps=STEPS, stream=(ID, *shape))
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=message,
        measured=apart,
        bound=LOOSE,
        scenario={"shape": shape, "options": on, "steps": STEPS},
        **more,
    )
