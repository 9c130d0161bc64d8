"""Comparisons under chance: each is one statistical decision at the level it is given."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from lpfl import decide
from lpfl.decide import Verdict
from lpfl.verify.expect.comparison import as_array, joined, require_tolerance
from lpfl.verify.tolerance import Tolerance


@dataclass(frozen=True)
class Rival:
    """The nearest other statement: the value it predicts, and its name."""

    name: str
    value: float


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
        require_tolerance(self.tolerance)

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
        return verdict.with_detail(joined(said, f"tolerance: {self.tolerance.why}"))


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
        require_tolerance(self.slack)

    def decide(self, alpha: float) -> Verdict:
        better, worse = as_array(self.better), as_array(self.worse)
        verdict = decide.ordering(
            better - worse, slack=self.slack.value, alpha=alpha, matters=self.matters
        )
        return replace(verdict, predicted=float(worse.mean()), measured=float(better.mean()))


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
class ChiSquare:
    """``totals`` add up to a chi-square with ``dof`` degrees of freedom per replicate.

    scale: the ratio of scales that matters (see :class:`Scale`). origin, unit: a mean of x stands
    for origin + unit x in the units of the claim; both numbers are shown so.
    """

    part: str
    totals: ArrayLike
    dof: int
    scale: Scale
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


@dataclass(frozen=True, kw_only=True)
class UniformLaw:
    """Probability transforms are uniform on [0, 1]; ``distance`` is the one worth noticing."""

    part: str
    transforms: ArrayLike
    distance: Tolerance
    label: str = ""
    noisy: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        require_tolerance(self.distance)

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
