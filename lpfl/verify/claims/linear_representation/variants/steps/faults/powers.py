"""Faults that the check of LR-41 must refute."""

from lpfl.verify.planting import Fault

THEORY = "theory.linear_representation.variants.steps.powers:LR_41"

FAULTS = (
    Fault("LR-41", THEORY, "theta_p - 1", "theta_p", "the slowest mode's power off by one"),
    Fault("LR-41", THEORY, "4 * eps_T", "2 * eps_T", "twice the rows"),
    Fault(
        "LR-41",
        THEORY,
        "1 - 1 / Lam",
        "1 / Lam",
        "the shares of the floor and of the start exchanged",
    ),
    Fault("LR-41", "lpfl.optim.sgd:sgd_step", "step_size", "0.6 * step_size", "short steps of SGD"),
)
