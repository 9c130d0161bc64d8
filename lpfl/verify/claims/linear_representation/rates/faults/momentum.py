"""Faults that the check of LR-38 must refute."""

from lpfl.verify.planting import Fault

KFAC = "lpfl.optim.kfac:Kfac.update"
STEP = "moved - W"

FAULTS = (
    Fault("LR-38", KFAC, STEP, "(1.0 - self.momentum) * (moved - W)", "an averaged velocity"),
    Fault("LR-38", KFAC, "W + velocity", "moved + self.momentum * velocity", "Nesterov"),
)
