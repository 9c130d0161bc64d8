"""Faults that the check of LR-38 must refute."""

from lpfl.verify.planting import Fault

CARRIED = "lpfl.optim.core.momentum:carried"

FAULTS = (
    Fault("LR-38", CARRIED, 'kind == "averaged"', 'kind != "nesterov"', "an averaged velocity"),
    Fault("LR-38", CARRIED, 'kind == "nesterov"', 'kind != "averaged"', "Nesterov for all"),
)
