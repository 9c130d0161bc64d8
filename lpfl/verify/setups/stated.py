"""What a function of the theory gives, beside the number of the statement that runs decide on."""

from typing import Any

import torch

from lpfl.verify.expect import Same
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial

FORMULA = rounding(torch.float64, dim=1000, why="sums of at most 1000 positive terms in float64")


def same_function(part: str, value: Any, stated: Any, *, label: str = "the function") -> Same:
    """Compare the number that a user gets with the one that the runs are held against."""
    return Same(part=part, measured=value, predicted=stated, tolerance=FORMULA, label=label)


def stated_order(trial: Trial, part: str, spectrum: Any = None, **known: Any) -> Same:
    """Compare the direction of a printed inequality with these numbers, by code name."""
    return Same(
        part=part,
        measured=float(trial.claim[part].holds(known, spectrum)),
        predicted=1.0,
        tolerance=FORMULA,
        label="the direction of the printed relation",
    )
