"""Faults that the check of LR-34 must refute."""

from lpfl.verify.planting import Fault

FACTOR = "lpfl.optim.core.output_factor:output_factor"
THEORY = "theory.linear_representation.variants.factors.empirical_far:LR_34"

FAULTS = (
    Fault(
        "LR-34",
        FACTOR,
        old="second_moment(Y - X @ (F @ G).mT)",
        new="2 * second_moment(Y - X @ (F @ G).mT)",
        why="an empirical factor twice as large",
    ),
    Fault(
        "LR-34",
        FACTOR,
        old="F.mT @ moment @ F",
        new="F.mT @ F",
        why="Gauss-Newton whatever was asked for",
    ),
    Fault(
        "LR-34",
        THEORY,
        old="3 - 8 * sigma**2 / eta",
        new="3 - 6 * sigma**2 / eta",
        why="another slope on the 2-cycle",
    ),
    Fault(
        "LR-34",
        THEORY,
        old="c_scale + eta / c_scale",
        new="c_scale + eta / (2 * c_scale)",
        why="a Cauchy law that widens half as fast",
    ),
    Fault(
        "LR-34",
        THEORY,
        old="1 + kappa_E * t_tan**2",
        new="1",
        why="the step along the truth forgotten",
    ),
    Fault(
        "LR-34",
        THEORY,
        old="sigma**2 * lam_i + lam_P",
        new="sigma**2 * (lam_i + lam_P)",
        why="damping in units of the noise",
    ),
    Fault(
        "LR-34",
        FACTOR,
        old="F.mT @ moment @ F if first else moment",
        new="F.mT @ moment @ F if first else None",
        why="no residuals in the head's factor",
    ),
)
