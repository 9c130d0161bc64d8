"""What a method that orthogonalises its momentum does instead, where no reading fits.

Its first step is a function of the gradient's singular values: U f(S) V'. Whether it is, which
polynomial f is, and which sum of gradients the second step sees, can be told from the updates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.optimize import least_squares
from torch import Tensor

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.precision import EXACT
from lpfl.conformance.definition.residuals import settings_without_decay
from lpfl.conformance.definition.runs import Candidate, Run
from lpfl.conformance.oracles.base import Oracle

TOLD = 1e-6
"""Relative rest up to which an update is what is said of it."""
MOST_ROUNDS = 20
FAR = 1e6
Pairs = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Spectrum:
    """One first step: singular values over the gradient's norm, what becomes of them, the rest."""

    run: Run
    given: np.ndarray
    made: np.ndarray
    rest: float
    turned: bool


def in_words(comparison: Comparison, reading: Candidate) -> str:
    """Return what the first two steps say; nothing where they say nothing, or no method."""
    oracle = comparison.oracle
    if EXACT not in oracle.conventions.get("orthogonalisation", ()) or oracle.claim == "normuon":
        return ""
    runs = [run for run in comparison.runs(settings_without_decay(comparison)) if _matrix(run)]
    first = [u for run in runs for u in run.moves()[0]]
    if not all(bool(u.isfinite().all()) and bool(u.any()) for u in first) or not runs:
        return ""
    seen = [spectrum(run) for run in runs]
    odd = [s for s in seen if s.rest > TOLD]
    if odd:
        names = ", ".join(f"{m} x {n}" for m, n in (s.run.shapes[0] for s in odd))
        kind = "the transpose of one" if all(s.turned for s in odd) else "none"
        which = "" if len(odd) == len(seen) else f" for {names}"
        said = "the first step should be a function of the gradient's singular values"
        return f"{said}, and is {kind}{which}"
    return polynomial(seen, oracle, reading) or carried(runs, oracle, reading)


def _matrix(run: Run) -> bool:
    return len(run.shapes[0]) == 2 and min(run.shapes[0]) > 1


def spectrum(run: Run) -> Spectrum:
    """Return what the first step makes of the gradient's singular values."""
    g, u = run.gradients[0][0].double(), -run.moves()[0][0]
    U, s, Vh = torch.linalg.svd(g, full_matrices=False)
    made = (U.T @ u @ Vh.T).diagonal()
    size = max(float(u.norm()), 1e-300)
    rest = float((u - (U * made) @ Vh).norm()) / size
    turned = False
    if rest > TOLD and g.shape[0] == g.shape[1]:
        other = (U.T @ u.T @ Vh.T).diagonal()
        turned = float((u.T - (U * other) @ Vh).norm()) / size <= TOLD
    return Spectrum(run, (s / g.norm()).numpy(), made.numpy(), rest, turned)


def iterate(x: np.ndarray, coefficients: Sequence[float], rounds: int) -> np.ndarray:
    """Return x after ``rounds`` rounds of x <- a x + b x^3 + c x^5."""
    a, b, c = coefficients
    with np.errstate(all="ignore"):  # an iteration that is not the subject's may overflow
        for _ in range(rounds):
            x = a * x + b * x**3 + c * x**5
    return x


def polynomial(seen: Sequence[Spectrum], oracle: Oracle, reading: Candidate) -> str:
    """Return which rounds or coefficients fit the first steps, where those asked for do not."""
    options = {**oracle.options, **seen[0].run.options}
    asked, rounds = [float(options[f"ns_{k}"]) for k in "abc"], int(options["ns_steps"])
    by_factor = [
        [(s.given, s.made / unit(s, oracle, reading, kind)) for s in seen]
        for kind in oracle.conventions.get("shape factor", ("",))
    ]
    if any(rest(pairs, asked, rounds) <= TOLD for pairs in by_factor):
        return ""
    for pairs in by_factor:
        for times in range(1, MOST_ROUNDS):
            if rest(pairs, asked, times) <= TOLD:
                return f"it makes {times} rounds of the iteration, not {rounds}"
    for pairs in by_factor:
        found = least_squares(partial(_away, pairs, rounds), asked, xtol=1e-15, ftol=1e-15)
        if rest(pairs, found.x, rounds) <= TOLD:
            said, wanted = (", ".join(f"{c:.5g}" for c in row) for row in (found.x, asked))
            return f"it iterates with the coefficients {said}, not {wanted}"
    listed = ", ".join(f"{a:.3g} to {b:.3g}" for a, b in zip(*by_factor[0][0], strict=True))
    return f"the first step sends singular values, over the gradient's norm, from {listed}"


def rest(pairs: Pairs, coefficients: Sequence[float], rounds: int) -> float:
    """Return the largest relative distance of an iteration from what was made."""
    return max(
        float(np.linalg.norm(iterate(x, coefficients, rounds) - y)) / float(np.linalg.norm(y))
        for x, y in pairs
    )


def _away(pairs: Pairs, rounds: int, coefficients: Sequence[float]) -> Any:
    found = np.concatenate([iterate(x, coefficients, rounds) - y for x, y in pairs])
    return np.nan_to_num(found, nan=FAR, posinf=FAR, neginf=-FAR).clip(-FAR, FAR)


def unit(s: Spectrum, oracle: Oracle, reading: Candidate, kind: str) -> float:
    """Return the length that a reading with this shape factor gives to a singular value of one."""
    convention = {**reading.convention, "orthogonalisation": EXACT}
    if kind:
        convention["shape factor"] = kind
    exact = Candidate(convention, reading.hidden)
    ref = s.run.reference(oracle, exact, steps=1)[0][0]
    return float(ref.norm()) / len(s.given) ** 0.5


def carried(runs: Sequence[Run], oracle: Oracle, reading: Candidate) -> str:
    """Return how much of the first gradient the second step sees, beside the definition's."""
    ours, theirs = [], []
    for run in runs:
        if min(run.shapes[0]) < 3 or len(run.gradients) < 2:
            continue
        old, new = (row[0].double() for row in run.gradients[:2])
        ours.append(share(run.moves()[1][0], new, old))
        theirs.append(share(run.reference(oracle, reading, steps=2)[1][0], new, old))
    if not ours or any(left > TOLD for _, left in [*ours, *theirs]):
        return ""
    (one, _), (other, _) = ours[0], theirs[0]
    if max(abs(w - one) for w, _ in ours) > 1e-4 or abs(one - other) <= 1e-4:
        return ""
    return (
        f"the second step orthogonalises its gradient plus {one:.4g} times the first, where the "
        f"definition has {other:.4g}"
    )


def share(update: Tensor, new: Tensor, old: Tensor) -> tuple[float, float]:
    """Return w with ``update`` a function of the singular values of new + w old, and the rest.

    update' (new + w old) is symmetric then, and so is its other product.
    """
    skew = lambda M: (M - M.T).flatten()  # noqa: E731
    both = lambda g: torch.cat([skew(update.T @ g), skew(update @ g.T)])  # noqa: E731
    a, b = both(new), both(old)
    w = -float(a.dot(b)) / max(float(b.dot(b)), 1e-300)
    return w, float((a + w * b).norm()) / max(float(a.norm()), 1e-300)
