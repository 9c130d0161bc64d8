"""Comparisons: what a check yields. Each names a part and carries both numbers in its units.

A comparison is decided by the runner, which knows the level of one decision: a check that yields
more noisy comparisons than it declared is refused, so the error budget holds by construction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lpfl import decide
from lpfl.decide import Verdict
from lpfl.verify.tolerance import Tolerance

Array = NDArray[np.float64]


class Comparison(Protocol):
    """What the runner needs: which part, whether chance enters, and the decision."""

    @property
    def part(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def noisy(self) -> bool: ...
    def decide(self, alpha: float) -> Verdict: ...


@dataclass(frozen=True)
class Rival:
    """The nearest other statement: the value it predicts, and its name."""

    name: str
    value: float


def as_array(values: Any) -> Array:
    """Return numbers, arrays or tensors as a float64 array on the host."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


def _require_tolerance(tolerance: Any) -> None:
    if not isinstance(tolerance, Tolerance):
        raise TypeError(f"tolerance={tolerance!r} is a bare number, needs a Tolerance")


@dataclass(frozen=True, kw_only=True)
class Same:
    """``measured`` equals ``predicted`` up to rounding: vectors or matrices with leading axes.

    axes: how many trailing axes make one object (2: matrices, 0: numbers). scale: what errors are
    relative to, one number per object (default: the norm of the predicted one). The record shows
    the pair of entries that differ most.
    """

    part: str
    measured: Any
    predicted: Any
    tolerance: Tolerance
    axes: int = 0
    scale: Any = None
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _require_tolerance(self.tolerance)

    def decide(self, alpha: float) -> Verdict:
        measured, predicted = np.broadcast_arrays(as_array(self.measured), as_array(self.predicted))
        trailing = tuple(range(-self.axes, 0))
        gap = measured - predicted
        size = np.sqrt(np.square(gap).sum(trailing)) if trailing else np.abs(gap)
        if self.scale is not None:
            scale = as_array(self.scale)
        else:
            norm = np.sqrt(np.square(predicted).sum(trailing)) if trailing else np.abs(predicted)
            scale = np.maximum(norm, np.finfo(np.float64).tiny)
        verdict = decide.identity(size / scale, tolerance=max(self.tolerance.value, 1e-300))
        worst = int(np.argmax(np.abs(gap)))
        return replace(
            verdict,
            predicted=float(predicted.ravel()[worst]),
            measured=float(measured.ravel()[worst]),
            detail=_joined(verdict.detail, f"tolerance: {self.tolerance.why}"),
        )


@dataclass(frozen=True, kw_only=True)
class Below:
    """``measured <= limit`` always; an excess beyond the rounding (absolute) refutes."""

    part: str
    measured: Any
    limit: Any
    tolerance: Tolerance
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _require_tolerance(self.tolerance)

    def decide(self, alpha: float) -> Verdict:
        return decide.bound(
            as_array(self.measured), as_array(self.limit), rounding=self.tolerance.value
        )


@dataclass(frozen=True, kw_only=True)
class Above:
    """``measured >= least`` always: what must fail does so by at least ``least`` > 0.

    least: far above rounding, and a named judgement of what is visible.
    """

    part: str
    measured: Any
    least: Tolerance
    label: str = ""
    noisy: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _require_tolerance(self.least)

    def decide(self, alpha: float) -> Verdict:
        measured = as_array(self.measured)
        tiny = np.finfo(np.float64).tiny
        verdict = decide.bound(self.least.value / np.maximum(measured, tiny), 1.0, rounding=0.0)
        return replace(verdict, predicted=self.least.value, measured=float(measured.min()))


@dataclass(frozen=True, kw_only=True)
class Near:
    """The mean of independent replicates equals ``predicted`` within the tolerance.

    rival: the nearest other statement; a comparison that could not tell the two apart is
    inconclusive.
    """

    part: str
    samples: ArrayLike
    predicted: float
    tolerance: Tolerance
    rival: Rival | None = None
    label: str = ""
    noisy: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        _require_tolerance(self.tolerance)

    def decide(self, alpha: float) -> Verdict:
        distance = None if self.rival is None else abs(self.predicted - self.rival.value)
        verdict = decide.equivalence(
            as_array(self.samples),
            predicted=float(self.predicted),
            tolerance=self.tolerance.value,
            alpha=alpha,
            matters=distance,
        )
        said = "" if self.rival is None else f"{self.rival.name}: {self.rival.value:.4g}"
        return verdict.with_detail(_joined(said, f"tolerance: {self.tolerance.why}"))


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """``better`` is at least as good (as large) as ``worse`` in the mean of paired replicates."""

    part: str
    better: ArrayLike
    worse: ArrayLike
    slack: Tolerance
    matters: float | None = None
    label: str = ""
    noisy: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        _require_tolerance(self.slack)

    def decide(self, alpha: float) -> Verdict:
        better, worse = as_array(self.better), as_array(self.worse)
        verdict = decide.ordering(
            better - worse, slack=self.slack.value, alpha=alpha, matters=self.matters
        )
        return replace(verdict, predicted=float(worse.mean()), measured=float(better.mean()))


@dataclass(frozen=True, kw_only=True)
class ChiSquare:
    """``totals`` add up to a chi-square with ``dof`` degrees of freedom per replicate.

    scale: the ratio of scales that matters (see :class:`Scale`). origin, unit: a mean of x stands
    for origin + unit x in the units of the claim; both numbers are shown so.
    """

    part: str
    totals: ArrayLike
    dof: int
    scale: "Scale"
    unit: float = 1.0
    origin: float = 0.0
    label: str = ""
    noisy: bool = field(default=True, init=False)

    def decide(self, alpha: float) -> Verdict:
        totals = np.atleast_1d(as_array(self.totals))
        verdict = decide.chi_square(
            float(totals.sum()),
            self.dof * totals.size,
            alpha=alpha,
            matters=self.scale.matters,
            draws=totals.size,
        )
        seen = verdict.measured
        measured = None if seen is None else self.origin + seen * self.unit
        return replace(verdict, predicted=self.origin + self.unit, measured=measured)


@dataclass(frozen=True)
class Scale:
    """A ratio of scales worth noticing, and why; plans the replicates that can see it."""

    matters: float
    why: str

    def replicates(self, alpha: float, dof: int, *, least: int = 1) -> int:
        """Return how many replicates of ``dof`` degrees of freedom see the ratio at ``alpha``.

        A tenth more than the exact number, so that its rounding never decides.
        """
        needed = decide.dof_for_scale(alpha, self.matters)
        return max(least, int(np.ceil(1.1 * needed / dof)))


@dataclass(frozen=True, kw_only=True)
class UniformLaw:
    """Probability transforms are uniform on [0, 1]; ``distance`` is the one worth noticing."""

    part: str
    transforms: ArrayLike
    distance: Tolerance
    label: str = ""
    noisy: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        _require_tolerance(self.distance)

    def decide(self, alpha: float) -> Verdict:
        return decide.uniform_law(
            np.clip(as_array(self.transforms), 0.0, 1.0), alpha=alpha, matters=self.distance.value
        )


@dataclass(frozen=True, kw_only=True)
class Exceeds:
    """A bound that holds with probability 1 - delta fails in ``violations`` of ``trials`` runs."""

    part: str
    violations: int
    trials: int
    delta: float
    label: str = ""
    noisy: bool = field(default=True, init=False)

    def decide(self, alpha: float) -> Verdict:
        return decide.bound_whp(self.violations, self.trials, delta=self.delta, alpha=alpha)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A verdict that was reached elsewhere (the exact reading of an identity)."""

    part: str
    verdict: Verdict
    label: str = ""

    @property
    def noisy(self) -> bool:
        """Chance entered if the verdict has a level."""
        return self.verdict.alpha > 0.0

    def decide(self, alpha: float) -> Verdict:
        return self.verdict


@dataclass(frozen=True)
class Shown:
    """A comparison with a picture or a table to show beside it."""

    comparison: Comparison
    picture: Mapping[str, Any] | None = None
    table: Mapping[str, Any] | None = None


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)
