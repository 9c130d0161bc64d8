"""Faults that the checks of LR-07 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-07",
        "lpfl.optim.drive:on_linear_representation",
        old="least_squares_head(weights.representation, batch)",
        new="weights.head",
        why="old head used",
    ),
    Fault(
        "LR-07",
        "lpfl.optim.kfac:kfac_step",
        old="damped(cov_x, damping)",
        new="torch.diag_embed(torch.diagonal(cov_x, dim1=-2, dim2=-1))",
        why="Sigma replaced by its diagonal",
    ),
    Fault(
        "LR-07",
        "theory.linear_representation.contraction.angles:TANGENT_MAP",
        old="sp.tan(theta) ** 2",
        new="sp.tan(theta)",
        why="t for the square of t in the isotropic map",
    ),
    Fault(
        "LR-07",
        "theory.linear_representation.contraction.angles:angle_map",
        old="eta * tangents",
        new="tangents",
        why="the step size missing from the pull-back",
    ),
    Fault(
        "LR-07",
        "theory.linear_representation.contraction.tangent_step:tangent_step",
        old="frame[rank:]",
        new="frame[rank:][::-1]",
        why="rows of the complement in another order",
    ),
    Fault(
        "LR-07",
        "lpfl.problems.linear_representation.model:population_batch",
        old="problem.product_star @ cov_x",
        new="problem.product_star",
        why="cross-moment of the population without its covariance",
    ),
    Fault(
        "LR-07",
        "lpfl.problems.linear_representation.model:tilt",
        old="tan_angle / torch.linalg.matrix_norm(T, ord=2)",
        new="0.5 * tan_angle / torch.linalg.matrix_norm(T, ord=2)",
        why="half the tangent asked for",
    ),
    Fault(
        "LR-07",
        "theory.linear_representation.contraction.angles:LR_07",
        old="B * Sigma * (G_star + T * B).T",
        new="B * (G_star + T * B).T",
        why="covariance left out of W",
    ),
    Fault(
        "LR-07",
        "theory.linear_representation.contraction.angles:angle_map",
        old="eta * tangents * pull_back",
        new="tangents * pull_back",
        why="step size forgotten in the angle",
    ),
)
