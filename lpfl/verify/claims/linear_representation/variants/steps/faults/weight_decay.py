"""Faults that the check of LR-39 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-39",
        "lpfl.optim.kfac:Kfac.update",
        "self.step_size * self.weight_decay * W",
        "self.weight_decay * W",
        "decoupled decay that forgets the step size",
    ),
    Fault(
        "LR-39",
        "lpfl.optim.kfac:Kfac.slope",
        "self.decay_kind == 'coupled'",
        "False",
        "coupled decay ignored",
    ),
    Fault(
        "LR-39",
        "lpfl.optim.kfac:Kfac.update",
        "self.decay_kind == 'decoupled'",
        "True",
        "coupled decay applied twice",
    ),
    Fault(
        "LR-39",
        "theory.linear_representation.variants.steps.weight_decay:LR_39",
        "-H_r.inv() * G_star * Sigma.inv() * B.T",
        "H_r.inv() * G_star * Sigma * B.T",
        "the cross-covariance without the two inverses",
    ),
    Fault(
        "LR-39",
        "theory.linear_representation.variants.steps.weight_decay:LR_39",
        old="1 / (1 + w_d)",
        new="1 - w_d",
        why="product under decay to first order only",
    ),
    Fault(
        "LR-39",
        "theory.linear_representation.variants.steps.weight_decay:LR_39",
        old="1 - eta / (1 - eta * w_d)",
        new="1 - eta / (1 + eta * w_d)",
        why="refitted step with the sign of the decay turned",
    ),
    Fault(
        "LR-39",
        "theory.linear_representation.variants.steps.weight_decay:LR_39",
        old="1 - eta_F * (1 + w_d)",
        new="1 - eta_F",
        why="head without the decay",
    ),
    Fault(
        "LR-39",
        "theory.linear_representation.rates.variants:kfac_joint",
        old='k + 1 if m is None else count("output_dim", m, low=k)',
        new="k",
        why="no head direction of its own",
    ),
    Fault(
        "LR-39",
        "theory.linear_representation.variants.steps.weight_decay:LR_39",
        old="(eta + eta_F) * (1 + w_d) < 2",
        new="(eta + eta_F) * (1 + w_d) < 4",
        why="unstable steps admitted",
    ),
)
