"""Faults that the checks of LR-10 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-10",
        "lpfl.optim.kfac:kfac_step",
        old="step_size",
        new="0.8 * step_size",
        why="a step 20 % too short",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.headline_numbers:headline_bound",
        old="count('n', n)",
        new="count('n', n) ** 2",
        why="1/n for 1/sqrt(n) in the noise term",
    ),
    Fault(
        "LR-10",
        "lpfl.problems.linear_representation.moments:sample_moments",
        old="problem.noise_std / batch_size ** 0.5",
        new="problem.noise_std",
        why="noise that does not average over the rows",
    ),
)
