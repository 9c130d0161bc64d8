"""Faults that the check of LR-47 must refute."""

from lpfl.verify.planting import Fault

THEORY = "theory.linear_representation.variants.steps.paper_scheme:LR_47"

FAULTS = (
    Fault(
        "LR-47",
        "lpfl.optim.kfac.paper:representation_first",
        "'representation_first'",
        "'joint'",
        "both layers from the old weights",
    ),
    Fault(
        "LR-47",
        "lpfl.optim.kfac.paper:representation_first",
        "rule.head_step_size",
        "rule.step_size",
        "the step size of the representation for the head",
    ),
    Fault(
        "LR-47",
        THEORY,
        "(1 - eta) * (1 - eta_F)",
        "1 - eta - eta_F",
        "the spectrum of layers that move at once",
    ),
    Fault(
        "LR-47",
        THEORY,
        "KFAC_FLOOR",
        "KFAC_FLOOR * (n - d - 1) / n",
        "the floor of a factor from the population",
    ),
    Fault(
        "LR-47",
        "theory.linear_representation.variants.steps.paper_scheme:_HIDDEN",
        "G_next * Sigma_hat * G_next.T",
        "G_next * G_next.T",
        "hidden units of the paper's scheme taken as white",
    ),
)
