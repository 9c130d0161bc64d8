"""How finely an optimizer computes inside, seen from what small changes of its data do."""

from dataclasses import dataclass

from lpfl.conformance.learning.fingerprint import World, variation
from lpfl.conformance.subject import Subject

LEVELS = (1e-9, 1e-5, 2e-2)
"""Relative change of the inputs that moves a gradient of ``rows`` samples as much as rounding.

Double and single precision with room for accumulation; bfloat16 (2^-8) times sqrt(24 rows).
"""
ROOM = 3.0


@dataclass(frozen=True)
class Precision:
    """Largest deviation that rounding inside the optimizer explains, and what it was found from.

    level: relative size of rounding inside. gain: relative change of the training per relative
    change of the inputs. chance: deviation of a run with another seed.
    """

    level: float
    gain: float
    chance: float
    bound: float

    @property
    def determined(self) -> bool:
        """Whether a deviation could be told from rounding and chance at all."""
        return self.bound < 0.2


def precision(subject: Subject, world: World) -> Precision:
    """Return how finely the optimizer computes, from its answers to small changes of the inputs.

    A computation in double precision answers in proportion down to 1e-9. One that rounds to
    bfloat16 inside answers in proportion from 2e-2 on, and below that in jumps.
    """
    key = ("fingerprint precision", repr(world))
    if key not in subject.memory:
        answers = {level: variation(subject, world, noise=level) for level in LEVELS}
        gain = answers[LEVELS[-1]] / LEVELS[-1]
        level = next((x for x in LEVELS if _proportional(answers[x], gain * x)), LEVELS[-1])
        jumps = [answer for x, answer in answers.items() if x < level]
        chance = variation(subject, world, reseed=subject.seed + 7)
        bound = max(level, ROOM * gain * level, ROOM * chance, *(ROOM * j for j in jumps), 1e-9)
        subject.memory[key] = Precision(level, gain, chance, bound)
    found: Precision = subject.memory[key]
    return found


def _proportional(answer: float, expected: float) -> bool:
    return expected / 4 <= answer <= 4 * expected
