"""Faults that the checks of LR-12 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-12",
        "lpfl.problems.linear_representation.moments:sample_moments",
        old=(
            "bartlett_factor(batch_size, d, replicates=replicates, generator=genera"
            "tor, dtype=dtype)"
        ),
        new=(
            "bartlett_factor(batch_size + d + 1, d, replicates=replicates, generato"
            "r=generator, dtype=dtype)"
        ),
        why="rows counted without the loss of degrees of freedom",
    ),
    Fault(
        "LR-12",
        "lpfl.optim.kfac:kfac_step",
        old="step_size",
        new="0.7 * step_size",
        why="a step 30 % too short",
    ),
    Fault(
        "LR-12",
        "lpfl.optim.kfac.both:on_both_layers",
        old="on_linear_representation(rule, head=rule.order, head_rule=head_rule)",
        new="on_linear_representation(head_rule, head=rule.order, head_rule=head_rule)",
        why="the head's step size used for the representation (averaged head)",
    ),
    Fault(
        "LR-12",
        "theory.linear_representation.noise_floors.floor_kfac:KFAC_FLOOR",
        old="n - d - 1",
        new="n - d",
        why="one degree of freedom too many",
    ),
    Fault(
        "LR-12",
        "theory.linear_representation.noise_floors.floor_kfac:SCHUR",
        old="(B * Sigma.inv() * B.T).inv()",
        new="B * Sigma * B.T",
        why="plain block in place of the Schur complement",
    ),
    Fault(
        "LR-12",
        "theory.linear_representation.noise_floors.floor_kfac:KFAC_FLOOR",
        old="eta / (2 - eta)",
        new="eta / 2",
        why="the memory of the recursion left out",
    ),
)
