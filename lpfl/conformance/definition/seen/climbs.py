"""The gradients that a step of sharpness-aware minimization may take: of a loss known in full.

Source: Foret et al. 2021, equations 2 and 3; Kwon et al. 2021 for the adaptive climb.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from lpfl.conformance.drives.session import LossFunction
from lpfl.conformance.outcomes import Outcome

RADIUS = 0.5
Points = Sequence[Tensor]


@dataclass(frozen=True)
class Bowl:
    """The loss sum h sqrt(1 + d^2) + d^2 / 4 over all entries, where d = w - t."""

    curves: Points
    targets: Points

    def slopes(self, points: Points) -> list[Tensor]:
        """Return the gradient at the points."""
        away = [w - t for w, t in zip(points, self.targets, strict=True)]
        return [h * d / (1 + d**2).sqrt() + 0.5 * d for h, d in zip(self.curves, away, strict=True)]

    def loss(self, params: Sequence[torch.nn.Parameter]) -> LossFunction:
        """Return the loss of these parameters as a function."""

        def value() -> Tensor:
            away = [p - t.to(p) for p, t in zip(params, self.targets, strict=True)]
            parts = [
                (h.to(d) * (1 + d**2).sqrt() + 0.25 * d**2).sum()
                for h, d in zip(self.curves, away, strict=True)
            ]
            return torch.stack(parts).sum()

        return value


def top(bowl: Bowl, points: Points, climb: Points) -> list[Tensor]:
    return bowl.slopes([w + e for w, e in zip(points, climb, strict=True)])


def norm(parts: Points) -> Tensor:
    return torch.stack([part.norm() for part in parts]).norm()


def _jointly(bowl: Bowl, points: Points) -> list[Tensor]:
    g = bowl.slopes(points)
    return top(bowl, points, [RADIUS * x / norm(g) for x in g])


def _each(bowl: Bowl, points: Points) -> list[Tensor]:
    return top(bowl, points, [RADIUS * x / x.norm() for x in bowl.slopes(points)])


def _adaptively(bowl: Bowl, points: Points, least: float = 0.0) -> list[Tensor]:
    g = bowl.slopes(points)
    sizes = [w.abs() + least for w in points]
    scaled = [t * x for t, x in zip(sizes, g, strict=True)]
    climb = [t * t * x for t, x in zip(sizes, g, strict=True)]
    return top(bowl, points, [RADIUS * x / norm(scaled) for x in climb])


def _downhill(bowl: Bowl, points: Points) -> list[Tensor]:
    g = bowl.slopes(points)
    return top(bowl, points, [-RADIUS * x / norm(g) for x in g])


def _undivided(bowl: Bowl, points: Points) -> list[Tensor]:
    return top(bowl, points, [RADIUS * x for x in bowl.slopes(points)])


def _both(bowl: Bowl, points: Points) -> list[Tensor]:
    pairs = zip(bowl.slopes(points), _jointly(bowl, points), strict=True)
    return [0.5 * (x + y) for x, y in pairs]


def _start(bowl: Bowl, points: Points) -> list[Tensor]:
    return bowl.slopes(points)


PAPER = "the gradient at the top"
BOTH = "the gradients at the start and at the top together"
UNDIVIDED = "the top of a climb of rho times the gradient, not rho long"
READINGS: Mapping[str, tuple[Outcome, Callable[[Bowl, Points], list[Tensor]]]] = {
    PAPER: (Outcome.CONFORMS, _jointly),
    "the top of a climb of rho in each parameter": (Outcome.CONVENTION, _each),
    "the top of an adaptive climb": (Outcome.VARIANT, _adaptively),
    "the top of an adaptive climb of sizes plus 0.01": (
        Outcome.VARIANT,
        partial(_adaptively, least=0.01),
    ),
    "the gradient at the start: it never climbs": (Outcome.DEVIATES, _start),
    BOTH: (Outcome.DEVIATES, _both),
    "the gradient downhill, not uphill": (Outcome.DEVIATES, _downhill),
    UNDIVIDED: (Outcome.DEVIATES, _undivided),
}
"""What the steps take -> how that is graded, and the gradients that they take."""
TOLD = {
    BOTH: re.compile(r"\b(mean|average|both|penali[sz]\w*|weighted|WSAM)\b", re.IGNORECASE),
    UNDIVIDED: re.compile(r"unnormali[sz]ed|without (a|the|its) norm|\bUSAM\b", re.IGNORECASE),
    "": re.compile(
        r"\b(Look|G|W|E|A|M|momentum[- ]?|friendly[- ]?)SAM\b|surrogate gap|schedul|warm|adaptive|"
        r"\bvectors?\b|\bbias(es)?\b|\bmatri(x|ces)\b|every \w+ steps|Kwon",
        re.IGNORECASE,
    ),
}
"""What the steps take ("" for nothing known) -> words of other members of the family."""
