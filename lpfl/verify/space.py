"""ScenarioSpace: one description of what is drawn, for Hypothesis and for Sobol coverage.

A space is a list of axes, read in order; the bounds of an axis may depend on the values of the
axes before it. Every axis maps an integer level to a value, easiest value first, so Hypothesis
shrinks towards the easy end and a Sobol point picks a level with the same map.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import strategies as st
from scipy.stats import qmc

from lpfl.linalg.covariance import FAMILIES, ROTATIONS, CovarianceSpec
from lpfl.verify.scenario import Scenario

LEVELS = 2**20
Bound = int | float | Callable[[Mapping[str, Any]], int | float]


def _resolve(bound: Bound, values: Mapping[str, Any]) -> float:
    return bound(values) if callable(bound) else bound


class Axis(Protocol):
    """One coordinate of a space. width: how many unit numbers it consumes."""

    @property
    def name(self) -> str: ...
    @property
    def width(self) -> int: ...

    def strategy(self, values: Mapping[str, Any]) -> st.SearchStrategy[Any]: ...
    def from_unit(self, unit: Sequence[float], values: Mapping[str, Any]) -> Any: ...
    def require(self, value: Any, values: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Integers:
    """Integers in [low, high]; Sobol spreads them evenly in the logarithm if ``log``."""

    name: str
    low: Bound
    high: Bound
    log: bool = False
    width: int = 1

    def _range(self, values: Mapping[str, Any]) -> tuple[int, int]:
        low, high = int(_resolve(self.low, values)), int(_resolve(self.high, values))
        if low > high:
            raise ValueError(f"axis {self.name} is empty: low={low} > high={high} at {values}")
        return low, high

    def strategy(self, values: Mapping[str, Any]) -> st.SearchStrategy[int]:
        return st.integers(*self._range(values))

    def from_unit(self, unit: Sequence[float], values: Mapping[str, Any]) -> int:
        low, high = self._range(values)
        if self.log and low > 0:
            value = math.floor(low * ((high + 1) / low) ** unit[0])
        else:
            value = low + math.floor(unit[0] * (high - low + 1))
        return min(max(value, low), high)

    def require(self, value: Any, values: Mapping[str, Any]) -> None:
        low, high = self._range(values)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{self.name}={value!r}, needs an integer in [{low}, {high}]")


@dataclass(frozen=True)
class Reals:
    """Reals in [low, high], easiest first: ``easy`` is "low" or "high"; six digits are kept."""

    name: str
    low: Bound
    high: Bound
    log: bool = False
    easy: str = "low"
    width: int = 1

    def _value(self, level: int, values: Mapping[str, Any]) -> float:
        low, high = _resolve(self.low, values), _resolve(self.high, values)
        share = level / LEVELS
        if self.easy == "high":
            share = 1.0 - share
        raw = low * (high / low) ** share if self.log else low + (high - low) * share
        return min(max(float(f"{raw:.6g}"), float(low)), float(high))

    def strategy(self, values: Mapping[str, Any]) -> st.SearchStrategy[float]:
        return st.integers(0, LEVELS).map(lambda level: self._value(level, values))

    def from_unit(self, unit: Sequence[float], values: Mapping[str, Any]) -> float:
        return self._value(round(unit[0] * LEVELS), values)

    def require(self, value: Any, values: Mapping[str, Any]) -> None:
        low, high = _resolve(self.low, values), _resolve(self.high, values)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise ValueError(f"{self.name}={value!r}, needs a number in [{low}, {high}]")


@dataclass(frozen=True)
class Choice:
    """One of ``options``, the easiest first."""

    name: str
    options: tuple[str, ...]
    width: int = 1

    def strategy(self, values: Mapping[str, Any]) -> st.SearchStrategy[str]:
        return st.sampled_from(self.options)

    def from_unit(self, unit: Sequence[float], values: Mapping[str, Any]) -> str:
        return self.options[min(int(unit[0] * len(self.options)), len(self.options) - 1)]

    def require(self, value: Any, values: Mapping[str, Any]) -> None:
        if value not in self.options:
            raise ValueError(f"{self.name}={value!r}, needs one of {self.options}")


@dataclass(frozen=True)
class Covariances:
    """A CovarianceSpec of size ``values[dim_from]``; shrinks to the identity.

    caps: families whose condition number ends earlier, (family, log10 of it).
    """

    name: str = "covariance"
    dim_from: str = "input_dim"
    families: tuple[str, ...] = FAMILIES
    rotations: tuple[str, ...] = ROTATIONS
    max_log10_cond: float = 4.0
    caps: tuple[tuple[str, float], ...] = ()
    width: int = 4

    def _most(self, family: str) -> float:
        return min(self.max_log10_cond, dict(self.caps).get(family, self.max_log10_cond))

    def _spec(
        self, values: Mapping[str, Any], family: str, level: int, rotation: str, seed: int
    ) -> CovarianceSpec:
        most = self._most(family)
        log10_cond = 0.0 if family == "identity" else most * level / LEVELS
        log10_cond = min(float(f"{log10_cond:.4g}"), most)
        return CovarianceSpec(values[self.dim_from], family, log10_cond, rotation, seed)

    def strategy(self, values: Mapping[str, Any]) -> st.SearchStrategy[CovarianceSpec]:
        return st.builds(
            lambda family, level, rotation, seed: self._spec(values, family, level, rotation, seed),
            st.sampled_from(self.families),
            st.integers(0, LEVELS),
            st.sampled_from(self.rotations),
            st.integers(0, 999),
        )

    def from_unit(self, unit: Sequence[float], values: Mapping[str, Any]) -> CovarianceSpec:
        family = self.families[min(int(unit[0] * len(self.families)), len(self.families) - 1)]
        rotation = self.rotations[min(int(unit[2] * len(self.rotations)), len(self.rotations) - 1)]
        return self._spec(values, family, round(unit[1] * LEVELS), rotation, int(unit[3] * 999))

    def require(self, value: Any, values: Mapping[str, Any]) -> None:
        if not isinstance(value, CovarianceSpec):
            raise ValueError(f"{self.name}={value!r}, needs a covariance")
        if value.dim != values[self.dim_from]:
            raise ValueError(f"covariance dim={value.dim}, needs {values[self.dim_from]}")
        most = self._most(value.family)
        if value.log10_cond > most:
            raise ValueError(f"covariance log10_cond={value.log10_cond}, needs <= {most}")
        for field, allowed in (("family", self.families), ("rotation", self.rotations)):
            if getattr(value, field) not in allowed:
                raise ValueError(
                    f"covariance {field}={getattr(value, field)!r}, needs one of {allowed}"
                )


@dataclass(frozen=True)
class ScenarioSpace:
    """What a check draws: axes in order, and ``anchors`` that are always run (within the axes'
    types; their sizes may exceed the axes' bounds, e.g. the paper's own sizes).

    large: anchors whose size only the profiles from ci on can afford."""

    axes: tuple[Axis, ...]
    anchors: tuple[Scenario, ...] = ()
    large: tuple[Scenario, ...] = ()

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        if len(set(names)) != len(names):
            raise ValueError(f"axes {names} repeat a name")
        for anchor in self.fixed:
            if set(anchor) != set(names):
                raise ValueError(f"anchor fields {sorted(anchor)}, needs {sorted(names)}")

    @property
    def fixed(self) -> tuple[Scenario, ...]:
        """Every scenario that is not drawn."""
        return (*self.anchors, *self.large)

    def strategy(self) -> st.SearchStrategy[Scenario]:
        """Return a Hypothesis strategy; it shrinks to the easy end of every axis."""

        @st.composite
        def scenarios(draw: st.DrawFn) -> Scenario:
            values: dict[str, Any] = {}
            for axis in self.axes:
                values[axis.name] = draw(axis.strategy(values))
            return Scenario(values)

        return scenarios()

    def sobol(self, count: int, seed: int) -> list[Scenario]:
        """Return ``count`` scenarios that cover the space evenly (scrambled Sobol points)."""
        if count < 0:
            raise ValueError(f"count={count}, needs >= 0")
        if count == 0:
            return []
        dims = sum(axis.width for axis in self.axes)
        sampler = qmc.Sobol(dims, scramble=True, rng=seed % 2**32)
        points = sampler.random_base2(max(0, math.ceil(math.log2(count))))[:count]
        return [self._at(point) for point in points]

    def _at(self, point: Sequence[float]) -> Scenario:
        values: dict[str, Any] = {}
        start = 0
        for axis in self.axes:
            unit = [float(u) for u in point[start : start + axis.width]]
            values[axis.name] = axis.from_unit(unit, values)
            start += axis.width
        return Scenario(values)

    def require(self, scenario: Scenario) -> None:
        """Raise ValueError naming value and bound if ``scenario`` lies outside the space."""
        try:
            known = scenario in self.fixed
        except ValueError:  # a NaN or an infinity, which its axis names below
            known = False
        if known:
            return
        names = [axis.name for axis in self.axes]
        missing = sorted(set(names) - set(scenario))
        unknown = sorted(set(scenario) - set(names))
        if missing or unknown:
            raise ValueError(f"scenario lacks {missing} and has unknown {unknown}; needs {names}")
        values: dict[str, Any] = {}
        for axis in self.axes:
            axis.require(scenario[axis.name], values)
            values[axis.name] = scenario[axis.name]
