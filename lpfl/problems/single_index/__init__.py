"""The single-index learning problem ``y = g(beta' x) + noise``."""

from lpfl.problems.single_index.model import (
    Sample,
    SingleIndexProblem,
    covariance_root,
    draw_problem,
    draw_targets,
    normalised_teacher,
    sample,
    times_covariance,
    times_root,
)

__all__ = [
    "Sample",
    "SingleIndexProblem",
    "covariance_root",
    "draw_problem",
    "draw_targets",
    "normalised_teacher",
    "sample",
    "times_covariance",
    "times_root",
]
