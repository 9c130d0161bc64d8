"""Where the functions of the variants' floors stop to answer: just inside and just outside."""

from typing import Any

import numpy as np

from lpfl.verify.expect import Same
from lpfl.verify.setups.stated import at_the_edge
from theory.linear_representation import factor_floor, output_factor
from theory.linear_representation.variants.factors.stale_cycle import stale_cycle
from theory.linear_representation.variants.steps.gradient_floor import row_floor

SIZES = {"n": 20, "d": 3, "k": 1}
NEARLY = 0.999


def of_factor_floors() -> Same:
    """LR-29: rows of both batches, and the steps of one layer and of two."""
    independent = {"factor": "independent", "step_size": 0.1, **SIZES}
    joint = {"head": "joint", "head_step_size": 0.1}
    own = {"factor": "same_batch", **SIZES}
    both = {**own, "step_size": 1.2, "head": "joint"}
    d = SIZES["d"]
    return at_the_edge(
        "independent_floor",
        factor_floor,
        {
            "n_f = d + 4": ({**independent, "factor_rows": d + 4}, True),
            "n_f = d + 3": ({**independent, "factor_rows": d + 3}, False),
            "n_f = d + 4, both layers": ({**independent, **joint, "factor_rows": d + 4}, True),
            "n_f = d + 3, both layers": ({**independent, **joint, "factor_rows": d + 3}, False),
            "n_f = d + 2, both layers": ({**independent, **joint, "factor_rows": d + 2}, False),
            "steps below 2 together": ({**both, "head_step_size": 0.8 * NEARLY}, True),
            "steps of 2 together": ({**both, "head_step_size": 0.8}, False),
            "a step below 2": ({**own, "step_size": 2.0 * NEARLY}, True),
            "a step of 2": ({**own, "step_size": 2.0}, False),
            "n = d + 2": ({**own, "step_size": 1.0, "n": d + 2}, True),
            "n = d + 1": ({**own, "step_size": 1.0, "n": d + 1}, False),
        },
    )


def of_stale_cycle(part: str) -> Same:
    """LR-31: the rows below which a cycle has no mean square."""
    cases: dict[str, Any] = {}
    for length in (2, 3):
        known = {"factor_every": length, "step_size": 0.5, "d": 3, "k": 1}
        for more, inside in ((4 * length - 2, True), (4 * length - 3, False)):
            cases[f"{length} steps, n = d + {more}"] = ({**known, "n": 3 + more}, inside)
    return at_the_edge(part, stale_cycle, cases)


def of_output_factor() -> Same:
    """LR-33: the step of the empirical factor is below twice the noise's variance."""
    known = {"kind": "empirical", "n": 4000, "d": 3, "k": 1}
    cases = {}
    for std in (0.5, 2.0):
        for share, inside in ((0.9, True), (1.0, False)):
            step = share * 2.0 * std**2
            name = f"a share {share:g} of the limit, σ = {std:g}"
            cases[name] = ({**known, "noise_std": std, "step_size": step}, inside)
    return at_the_edge("empirical_floor", output_factor, cases)


def of_row_floor() -> Same:
    """LR-32: a row with one direction is stable in mean square up to 2n/(n - k + 2)."""
    n, k = 10, 3
    known = {"head_eigenvalue": 2.0, "noise_std": 1.0, "n": n, "rank": k}
    one = {**known, "schur_eigenvalues": np.array([0.5])}
    limit = 2.0 * n / (n - k + 2)
    return at_the_edge(
        "gain",
        row_floor,
        {
            "below the limit": ({**one, "step_size": limit * NEARLY}, True),
            "above the limit": ({**one, "step_size": limit / NEARLY}, False),
        },
    )
