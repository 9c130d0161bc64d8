"""Faults that the check of LR-45 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-45",
        "lpfl.optim.kfac.both:on_both_layers",
        old="replace(rule, step_size=head_step_size)",
        new="rule",
        why="the head takes the step of the representation",
    ),
    Fault(
        "LR-45",
        "lpfl.optim.core.whitening:foof_step",
        old="step_size",
        new="0.999 * step_size",
        why="a head step one part in a thousand too short",
    ),
    Fault(
        "LR-45",
        "theory.linear_representation.variants.models.plateau:CLOCK",
        old="KEPT ** (-2 * t_steps)",
        new="KEPT ** (-t_steps)",
        why="one layer's decay in the clock of the flow",
    ),
    Fault(
        "LR-45",
        "theory.linear_representation.variants.models.plateau:NEEDED",
        old="2 * tan_want**2",
        new="tan_want**2",
        why="the last part of the way twice as long",
    ),
    Fault(
        "LR-45",
        "theory.linear_representation.variants.models.plateau:PLATEAU",
        old="-2 * sp.log(KEPT)",
        new="-sp.log(KEPT)",
        why="twice the steps",
    ),
    Fault(
        "LR-45",
        "theory.linear_representation.variants.models.plateau:_rms_row",
        old="np.square(rows).sum() / len(rows)",
        new="np.square(rows).sum()",
        why="the norm of all rows in place of their root mean square",
    ),
    Fault(
        "LR-45",
        "theory.linear_representation.variants.models.plateau:PLATEAU",
        "1 + (2 - eta) * clock_need / KEPT",
        "1 + 2 * clock_need / KEPT",
        "steps from the clock of small steps",
    ),
    Fault(
        "LR-45",
        "theory.linear_representation.variants.models.plateau:start_sizes",
        "s / f * head_inside.T",
        "f / s * head_inside.T",
        "the head's share of what grows, scaled the wrong way",
    ),
    Fault(
        "LR-45",
        "theory.linear_representation.variants.models.plateau:start_sizes",
        "(inside + s / f * head_inside.T) / 2",
        "inside + s / f * head_inside.T",
        "twice what grows",
    ),
)
