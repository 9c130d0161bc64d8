"""Which twin trainings are asked of an optimizer, and what was seen of each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lpfl.conformance.claims import AFFINE, GAUGE, LOSS, Pair, Promise
from lpfl.conformance.learning.fingerprint import World, deviation, spent, trained_steps, variation
from lpfl.conformance.learning.inner_rounding import precision
from lpfl.conformance.learning.transforms import TRANSFORMS
from lpfl.conformance.subject import Subject

ID = "inv.fingerprint"
WORLDS: Mapping[str, World] = {
    "tall": World((9, 5)),
    "wide": World((4, 9)),
    "two layers": World((6, 4, 8)),
    "square": World((6, 6)),
    "null space": World((6, 6), rank=4),
}
LARGE = {2: World((24, 40), rows=64), 3: World((32, 24, 40), rows=64)}
"""Above the sides from which libraries treat a weight as a matrix."""
ORDER = ("general", "rotation", "scale", "diagonal", "permutation")
CALLS = {True: 6e5, False: 2.5e6}
"""Calls of functions, as in ``learning.cost``, after which no more is asked."""
BLIND = 0.2
"""Deviation by rounding and chance from which a world tells nothing of a larger one."""
LOSS_FACTOR = 100.0
SAME_LOSS = 0.05
LOSS_POWERS = (-8, -6, -4, -3, -2, -1, 1, 2, 3, 4, 6, 8)


@dataclass
class Seen:
    """Deviations by (world, side, transform), and how far each world can tell."""

    subject: Subject
    values: dict[tuple[str, str, str], float] = field(default_factory=dict)
    bounds: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def ask(self, world: str, pair: Pair) -> None:
        """Train the twins of one question, unless this world cannot be trained in."""
        if world in self.refused or (world, *pair) in self.values:
            return
        where = WORLDS[world]
        try:
            if world not in self.bounds:
                self.bounds[world] = precision(self.subject, where).bound
            if pair == LOSS:
                value = variation(self.subject, where, factor=LOSS_FACTOR)
            else:
                value = deviation(self.subject, where, *pair)
        except Exception as error:
            self.refused[world] = f"{type(error).__name__}: {str(error)[:120]}"
            return
        if math.isnan(value):
            self.refused[world] = "plain training does not move, or not to finite values"
        else:
            self.values[world, *pair] = value

    def bound(self, world: str, pair: Pair) -> float:
        """Return the deviation that counts as none."""
        least = self.subject.tolerance(ID, SAME_LOSS if pair == LOSS else 0.0)
        return max(self.bounds[world], least)

    def telling(self, pair: Pair) -> dict[str, float]:
        """Return world -> deviation where a promise about this pair can be held against it."""
        full = ("tall", "square", "two layers")
        affine = pair in (AFFINE | GAUGE) and pair[1] not in ("rotation", "permutation")
        return {
            w: v
            for (w, *p), v in self.values.items()
            if tuple(p) == pair
            and w != "null space"
            and (not affine or w in full)
            and (self.bounds[w] < BLIND or v <= self.bounds[w])
        }

    def hidden(self, pair: Pair) -> bool:
        """Return whether chance or rounding would hide any deviation, in every world."""
        return all(self.bounds[w] >= BLIND for w in self.telling(pair))

    def holds(self, pair: Pair) -> bool | None:
        """Return whether training never feels this change; None if nothing tells."""
        seen = self.telling(pair)
        return all(v <= self.bound(w, pair) for w, v in seen.items()) if seen else None

    def felt(self, pair: Pair) -> list[tuple[float, str]]:
        """Return (deviation, world) where training feels it, in the order of the worlds."""
        seen = self.telling(pair)
        return [(seen[w], w) for w in WORLDS if w in seen and seen[w] > self.bound(w, pair)]


def _worlds(pair: Pair) -> tuple[str, ...]:
    """Return where a promise is looked at, most telling first."""
    if pair[0] == "inputs":
        turn = pair[1] in ("rotation", "permutation")
        return ("wide", "tall", "square") if turn else ("tall", "square")
    return {"outputs": ("tall", "wide"), "hidden": ("two layers",)}.get(pair[0], ("wide", "tall"))


def questions(promised: Mapping[str, Promise], quick: bool) -> list[tuple[str, Pair]]:
    """Return (world, change of coordinates), what is promised first."""
    first = [p for promise in promised.values() for p in sorted(promise.keeps | promise.breaks)]
    first.sort(key=lambda pair: ORDER.index(pair[1]))
    asked = [(w, p) for n in range(3) for p in first for w in _worlds(p)[n : n + 1]]
    asked += [("wide", LOSS), *(("tall", ("inputs", t)) for t in TRANSFORMS)]
    asked += [("two layers", ("hidden", t)) for t in TRANSFORMS]
    asked += [("tall", ("outputs", t)) for t in TRANSFORMS]
    if not quick:
        asked += [(w, ("inputs", t)) for w in ("wide", "square") for t in TRANSFORMS]
        asked += [("null space", ("inputs", t)) for t in ("rotation", "permutation", "general")]
    return list(dict.fromkeys(asked))


def look(subject: Subject, promised: Mapping[str, Promise]) -> Seen:
    """Ask questions until too many calls are spent; each promise once in any case."""
    seen, start = Seen(subject), trained_steps(subject)
    wanted = {p for promise in promised.values() for p in promise.keeps | promise.breaks}
    for world, pair in questions(promised, subject.quick):
        owed = pair in wanted and seen.holds(pair) is None
        if spent(subject, start) > CALLS[subject.quick] * (2 if owed else 1):
            break
        seen.ask(world, pair)
    return seen


def loss_domain(seen: Seen) -> str:
    """Return the interval of factors of the loss over which training stays within 5 %."""
    if not seen.holds(LOSS):
        return "none"
    world = WORLDS["wide"]

    def same(power: int) -> bool:
        return variation(seen.subject, world, factor=10.0**power) <= SAME_LOSS

    low = high = 0
    for power in (p for p in LOSS_POWERS if p > 0):
        if not same(power):
            break
        high = power
    for power in (p for p in reversed(LOSS_POWERS) if p < 0):
        if not same(power):
            break
        low = power
    return f"1e{low} to 1e{high}"
