"""Linear and logarithmic axes: values to pixels, and ticks a person would choose."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from lpfl.report.numerals import short

_HUGE = 1e140
_LARGEST_TICK_COUNT = 7
_RAISED = frozenset("⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """Maps [low, high] to pixels [start, end]; values outside are put on the edge."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the pixel of ``value``."""
        if self.log and value <= 0:
            return self.start
        low, high, value = (log10(v) if self.log else v for v in (self.low, self.high, value))
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Return (pixel, label) of each tick; the labels are to be multiplied by ``factor``."""
        values, digits, power = self._labelled()
        return [(self.at(value), short(value / 10.0**power, digits)) for value in values]

    @property
    def factor(self) -> str:
        """The power of ten that the labels of a linear axis leave out: "×10⁻⁵", or nothing."""
        power = self._labelled()[2]
        return f"×{short(10.0**power, 1)}" if power else ""

    def _labelled(self) -> tuple[list[float], int, int]:
        """Return the values of the ticks, the digits of their labels, and the power left out."""
        if self.log:
            return _log_ticks(self.low, self.high), 3, 0
        values, digits, power = _ticks(self.low, self.high), 3, 0
        if len(values) > 1:
            leading = floor(log10(max(map(abs, values))))
            digits = max(3, 1 + leading - floor(log10(values[1] - values[0])))
            if any(_RAISED & set(short(value, digits)) for value in values):
                power = leading
        return values, digits, power


def axis_for(values: Sequence[float], start: float, end: float, *, log: bool = False) -> Axis:
    """Return an axis that holds ``values`` with some room; of a log axis only the positive ones."""
    held = [min(_HUGE, max(-_HUGE, v)) for v in values if v > 0 or not log]
    if not held:
        return Axis(0.1 if log else 0.0, 1.0, start, end, log)
    low, high = min(held), max(held)
    if log:
        low, high = max(low, 1 / _HUGE), max(high, 1 / _HUGE)
        room = max(0.04 * log10(high / low), 0.1)
        return Axis(low * 10**-room, high * 10**room, start, end, True)
    largest = max(abs(low), abs(high))
    wide = high - low > 1e-9 * largest
    room = 0.05 * (high - low) if wide else (0.1 * largest or 1.0)
    return Axis(low - room, high + room, start, end)


def spans_decades(values: Sequence[float], decades: float = 2.0) -> bool:
    """Say whether all values are positive and spread over more than ``decades``."""
    return bool(values) and min(values) > 0 and log10(max(values)) - log10(min(values)) > decades


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)
    first, last = ceil(low / step), floor(high / step)
    return [round(i * step, 12 - floor(log10(step))) if step < 1e12 else i * step
            for i in range(first, last + 1)][:_LARGEST_TICK_COUNT]  # fmt: skip


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9)
    if last - first >= 1:
        every = ceil((last - first + 1) / _LARGEST_TICK_COUNT)
        return [10.0**i for i in range(first, last + 1, every)]
    base = 10.0 ** floor(log10(low))
    fine = [base * m for m in (1, 2, 3, 5, 10, 20, 30, 50) if low <= base * m <= high]
    return fine or _ticks(low, high)
