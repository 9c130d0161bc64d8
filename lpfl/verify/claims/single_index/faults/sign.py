"""Faults that the checks of SI-11 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-11",
        "lpfl.problems.single_index.directions:sign_direction",
        old="torch.sign(batch.cross_moment)",
        new="batch.cross_moment",
        why="beta in place of its sign",
    ),
    Fault(
        "SI-11",
        "theory.single_index.sign:SI_11",
        old="E(DIAGONAL.signal) ** 2 / E(sp.asin(SHARE))",
        new="_ROTATED",
        why="a diagonal covariance taken for a rotated one",
    ),
    Fault(
        "SI-11",
        "lpfl.precondition:adam_first",
        old="torch.sign(gradient)",
        new="gradient",
        why="no sign taken",
    ),
    Fault(
        "SI-11",
        "lpfl.one_step:one_step",
        old="network.first_layer - step_size * precondition(gradient, inputs)",
        new="network.first_layer + step_size * precondition(gradient, inputs)",
        why="a step of ascent",
    ),
    Fault(
        "SI-11",
        "theory.single_index.sign:sign_alignment",
        old="'rotated' if rotated else 'diagonal'",
        new="'diagonal'",
        why="rotation ignored by the function",
    ),
    Fault(
        "SI-11",
        "theory.single_index.sign:Coordinate.gradient_var",
        old="phi * self.S_kk * LABEL_ENERGY",
        new="phi * LABEL_ENERGY",
        why="variance of a coordinate forgotten",
    ),
    Fault(
        "SI-11",
        "theory.single_index.sign:Coordinate.dither_var",
        "b1**2 * c0**2 * self.S2_kk",
        "b1**2 * c0 * self.S2_kk",
        "the mean of the labels not squared in the dither",
    ),
    Fault(
        "SI-11",
        "theory.single_index.sign:Coordinate.gradient_var",
        "phi * self.S_kk * LABEL_ENERGY",
        "phi * self.S2_kk * LABEL_ENERGY",
        "the noise of the gradient with the square of the covariance",
    ),
    Fault(
        "SI-11",
        "theory.single_index.sign:SI_11",
        "sp.Le(rho2, rho2_sgd)",
        "sp.Ge(rho2, rho2_sgd)",
        "the printed order of the sign and SGD turned round",
    ),
)
