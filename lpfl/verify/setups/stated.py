"""What a function of the theory gives, beside the number of the statement that runs decide on."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
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


def at_the_edge(
    part: str, function: Callable[..., Any], cases: Mapping[str, tuple[Mapping[str, Any], bool]]
) -> Same:
    """Compare what a function refuses with where its domain ends.

    cases: name -> arguments, and whether they lie inside. A ValueError is a refusal.
    """
    return Same(
        part=part,
        measured=np.array([accepts(function, known) for known, _ in cases.values()], dtype=float),
        predicted=np.array([inside for _, inside in cases.values()], dtype=float),
        scale=1.0,
        tolerance=FORMULA,
        label=f"what the function refuses: {', '.join(cases)}",
    )


def accepts(function: Callable[..., Any], known: Mapping[str, Any]) -> bool:
    """Say whether a function gives an answer."""
    try:
        function(**known)
    except ValueError:
        return False
    return True
