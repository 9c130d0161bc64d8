"""Documented choices of the coefficients by which a step is made orthogonal."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from lpfl.conformance.checks.promised.named_values import said_of, texts
from lpfl.conformance.checks.promised.told_of import undecayed
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "def.coefficients"
SHAPES = ((6, 4), (4, 6), (5, 5))
SPREAD = 2.5
"""Ratio of the singular values of a step that is called orthogonal; it is 1.7 in Muon's own."""
FAR = 2.5
"""Ratio of a singular value to that of the default in the middle, above or below."""
NAMED = re.compile(r"coeff?|polar|polynom|newton|schulz|(^|_)ns(_|$)|zeropower|msign|ortho")
MEANT = re.compile(
    r"coeff|polar|polynom|newton|schulz|quintic|cubic|zeropower|orthogonali[sz]", re.IGNORECASE
)
OTHERWISE = re.compile(
    r"none|off|identity|sgd|adam|sign|norm|rms|row|col|frobenius|spectral|diag|raw|skip|whiten",
    re.IGNORECASE,
)
"""Values that stand for another kind of step."""


@dataclass(frozen=True)
class Spectra:
    """The least and the largest singular value of the first step over several gradients.

    lowest: of gradients that are nearly orthogonal already; highest: of all.
    """

    lowest: float
    middle: float
    highest: float


def makes_orthogonal(claims: frozenset[str]) -> bool:
    """Return whether a claimed method orthogonalises its step."""
    known = [oracle for claim in claims if (oracle := oracle_of(claim))]
    return any("orthogonalisation" in oracle.conventions for oracle in known)


@check(ID, tags=("def",), cost=0.1, needs=("inject",), claims=makes_orthogonal)
def coefficients(subject: Subject) -> Iterator[CheckResult]:
    """Whatever documented coefficients are chosen, the singular values of a step are near 1."""
    named = list(_named(subject))
    shapes = subject.shapes(*SHAPES)
    plain = _spectra(subject, shapes, {}) if named and shapes else None
    if plain is None or plain.highest > SPREAD * plain.lowest:
        return
    farthest = 1.0
    for name, value in named:
        seen = _spectra(subject, shapes, {name: value})
        if seen is None:
            continue
        far = max(seen.highest / plain.middle, plain.middle / max(seen.lowest, 1e-300))
        if not far <= FAR:
            yield _finding(subject, shapes, (name, value), far, plain)
            return
        farthest = max(farthest, far)
    message = (
        f"With each of {len(named)} named values the singular values of a step are within a factor "
        f"of {farthest:.2g} of those by default."
    )
    yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=farthest)


def _named(subject: Subject) -> Iterator[tuple[str, str]]:
    for name, value in texts(subject):
        about = NAMED.search(name) and MEANT.search(f"{name} {value} {said_of(subject, name)}")
        if about and not OTHERWISE.search(value):
            yield name, value


def _spectra(
    subject: Subject, shapes: list[tuple[int, ...]], options: Mapping[str, Any]
) -> Spectra | None:
    """Return what becomes of gradients of many spectra in the first step; None if it raises."""
    start, drawn = subject.draw(shapes, 3, ID)
    usual = undecayed(subject)
    found: list[tuple[float, float, float]] = []
    for round_, row in enumerate(drawn):
        given = [near_orthogonal(g) for g in row] if round_ == 0 else row
        try:
            run = subject.run(start, [given], options={**usual, **options})
        except Exception:
            return None
        for end, begun in zip(run.end, start, strict=True):
            s = torch.linalg.svdvals((end - begun).double())
            scale = max(1.0, len(begun) / begun.shape[1]) ** 0.5
            found.append(tuple(float(v) / scale for v in (s[-1], s.median(), s[0])))
    near = found[: len(shapes)]
    middle = sorted(m for _, m, _ in near)[len(near) // 2]
    return Spectra(min(low for low, _, _ in near), middle, max(high for *_, high in found))


def near_orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return a matrix of the same singular vectors, with singular values from 0.5 to 1."""
    U, s, Vh = torch.linalg.svd(matrix, full_matrices=False)
    return (U * torch.linspace(1.0, 0.5, len(s), dtype=s.dtype)) @ Vh


def _finding(
    subject: Subject,
    shapes: list[tuple[int, ...]],
    chosen: tuple[str, str],
    far: float,
    plain: Spectra,
) -> CheckResult:
    options = {**undecayed(subject), chosen[0]: chosen[1]}
    body = f"""
def near_orthogonal(matrix):
    U, s, Vh = torch.linalg.svd(matrix, full_matrices=False)
    return (U * torch.linspace(1.0, 0.5, len(s), dtype=s.dtype)) @ Vh


gradients[0] = [near_orthogonal(g) for g in gradients[0]]
far = 1.0
for t, g in enumerate(gradients):
    for end, begun in zip(run(start, [g], **{options!r}), start):
        s = torch.linalg.svdvals((end - begun).double())
        s = s / max(1, len(begun) / begun.shape[1]) ** 0.5 / {plain.middle}
        far = max(far, float(s[0]), 1 / float(s[-1]) if t == 0 else 1)
print('singular values of the step, over those by default:', far)
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"With {chosen[0]}={chosen[1]!r} a singular value of the first step is a factor of "
        f"{far:.3g} from those by default, which are near one number.",
        measured=far,
        bound=FAR,
        scenario={"options": dict(options), "steps": 1},
        **evidence(subject, body, far, shapes=shapes, steps=3, stream=(ID,)),
    )
