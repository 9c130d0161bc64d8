"""Faults that the check of SI-24 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-24",
        "theory.single_index.variants.left_factor:_TOP",
        old="c_act ** 2 * residual_power",
        new="residual_power",
        why="mean slope of the activation forgotten in the left factor",
    ),
    Fault(
        "SI-24",
        "lpfl.optim.kfac:Kfac.move",
        old="damped(P, self.output_damping)",
        new="damped(P, self.output_damping * P.shape[-1])",
        why="left damping multiplied by the width",
    ),
    Fault(
        "SI-24",
        "lpfl.problems.single_index.network:first_layer_gradient",
        old="(outputs - targets) / targets.shape[-1]",
        new="2.0 * (outputs - targets) / targets.shape[-1]",
        why="gradient twice as large",
    ),
    Fault(
        "SI-24",
        "theory.single_index.variants.left_factor:left_factor_strength",
        old="step.energy(weight)",
        new="step.energy('identity')",
        why="length of the direction without the weight",
    ),
    Fault(
        "SI-24",
        "theory.single_index.variants.left_factor:left_factor_strength",
        old="math.sqrt(step.energy(weight))",
        new="step.energy(weight)",
        why="squared length of the direction",
    ),
    Fault(
        "SI-24",
        "theory.single_index.variants.left_factor:SI_24",
        "ratio_plain * _TOP / mu",
        "ratio_plain * mu / _TOP",
        "the visibility upside down",
    ),
    Fault(
        "SI-24",
        "theory.single_index.variants.left_factor:SI_24",
        "width * mu_library",
        "mu_library / width",
        "the units of the damping the other way round",
    ),
)
