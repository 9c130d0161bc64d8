"""Faults that the checks of LR-19 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-19",
        "lpfl.optim.kfac.both:on_both_layers",
        old="replace(rule, step_size=head_step_size)",
        new="rule",
        why="the head takes the step of the representation",
    ),
    Fault(
        "LR-19",
        "lpfl.optim.drive:on_linear_representation",
        old="after is not slopes_at",
        new="False",
        why="old head in the gradient of the representation",
    ),
    Fault(
        "LR-19",
        "lpfl.optim.drive:inputs_of",
        old="G @ batch.cov_x @ G.mT",
        new="G @ G.mT",
        why="features not weighted by the covariance",
    ),
    Fault(
        "LR-19",
        "theory.linear_representation.rates.joint_kfac:LR_19",
        old="(1 - eta) * (1 - eta_F)",
        new="1 - eta - eta_F",
        why="one layer after the other taken for both at once",
    ),
    Fault(
        "LR-19",
        "lpfl.optim.core.whitening:foof_step",
        old="step_size",
        new="0.999 * step_size",
        why="head step one part in a thousand too short",
    ),
    Fault(
        "LR-19",
        "theory.linear_representation.rates.local_rate:_kfac_joint",
        old="_sizes(1 if rank is None and m is None else count('rank', rank), m)",
        new="_sizes(1 if rank is None and m is None else count('rank', rank), None)",
        why="head directions of its own where the head is square",
    ),
    Fault(
        "LR-19",
        "theory.linear_representation.rates.joint_kfac:kfac_spectrum",
        old="'in_turn' if truth('in_turn', in_turn) else 'together'",
        new="'together'",
        why="order ignored by the function",
    ),
    Fault(
        "LR-19",
        "theory.linear_representation.rates.joint_kfac:LR_19",
        old="1 - eta - eta_F",
        new="1 - eta + eta_F",
        why="steps of both layers with opposite signs",
    ),
    Fault(
        "LR-19",
        "theory.linear_representation.rates.local_rate:_sizes",
        old="rank + 1 if output_dim is None else output_dim",
        new="rank if output_dim is None else output_dim",
        why="no head direction of its own unless asked for",
    ),
    Fault(
        "LR-19",
        "lpfl.simulate:simulate",
        old="seen[name].append(look(weights))",
        new="seen[name].append(seen[name][0])",
        why="a run that shows its start at every step",
    ),
)
