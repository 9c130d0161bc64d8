"""Faults that the checks of LR-27 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-27",
        "lpfl.optim.kfac:kfac_step",
        old="damping",
        new="damping + 1e-06",
        why="a damping of one part in a million",
    ),
    Fault(
        "LR-27",
        "lpfl.optim.adam:adam_step",
        old="grad.square()",
        new="grad.square().mean((-2, -1), keepdim=True)",
        why="one scale for the whole matrix: Adam that passes rotations",
    ),
    Fault(
        "LR-27",
        "lpfl.optim.shampoo:shampoo_step",
        old="grad.mT @ grad",
        new="grad.square().sum(-2).diag_embed()",
        why="right statistic replaced by its diagonal",
    ),
    Fault(
        "LR-27",
        "lpfl.optim.kfac:Kfac.move",
        old="foof_step(W, grad, Q, **sizes)",
        new="W - self.step_size * grad",
        why="a plain gradient step of the head: the gauge is felt",
    ),
    Fault(
        "LR-27",
        "lpfl.problems.linear_representation.model:gauss_newton",
        old="[left, right]",
        new="[left, 1.001 * right]",
        why="one thousandth more of the head in the Jacobian",
    ),
    Fault(
        "LR-27",
        "lpfl.optim.adam:Adam.invariances",
        old="SIGNED_PERMUTATIONS",
        new="('signed_permutation', 'rotation')",
        why="Adam states rotations",
    ),
    Fault(
        "LR-27",
        "lpfl.optim.muon:Muon.invariances",
        old="ROTATIONS",
        new="('signed_permutation',)",
        why="Muon states less than it commutes with",
    ),
    Fault(
        "LR-27",
        "theory.linear_representation.invariance:_head_step",
        old="error_cross(head, representation) * representation.T",
        new="error_cross(head, representation) * representation.T / 2",
        why="head gradient halved",
    ),
    Fault(
        "LR-27",
        "theory.linear_representation.invariance:_mapped",
        old="linear_map * Sigma_hat * linear_map.T",
        new="Sigma_hat",
        why="moments not mapped",
    ),
    Fault(
        "LR-27",
        "theory.linear_representation.invariance:LR_27",
        old="sp.Eq(F_R, F_next * R_gauge.inv(), evaluate=False)",
        new="sp.Eq(F_R, F_next * R_gauge, evaluate=False)",
        why="head mapped the wrong way",
    ),
    Fault(
        "LR-27",
        "theory.linear_representation.invariance:GAUSS_NEWTON",
        old="D_A * (A * Sigma_hat * A.T) * D_A.T",
        new="D_A * Sigma_hat * D_A.T",
        why="form not mapped",
    ),
)
