"""Faults that the checks of LR-28 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-28",
        "lpfl.optim.drive:on_linear_representation",
        old="weights._replace(head=least_squares_head(weights.representation, batch))",
        new="weights",
        why="old head used",
    ),
    Fault(
        "LR-28",
        "lpfl.optim.kfac:kfac_step",
        old="damping",
        new="damping + 0.001",
        why="a damping nobody asked for",
    ),
    Fault(
        "LR-28",
        "theory.linear_representation.contraction.global_law:global_distance_bound",
        old="count('num_steps', num_steps, low=0)",
        new="count('num_steps', num_steps, low=0) + 2",
        why="a bound two steps too strong",
    ),
    Fault(
        "LR-28",
        "theory.linear_representation.contraction.global_law:LR_28",
        old="sp.sqrt(1 + eta**2 * sp.tan(theta) ** 2)",
        new="sp.sqrt(1 + eta * sp.tan(theta) ** 2)",
        why="step size for its square in the sine",
    ),
    Fault(
        "LR-28",
        "theory.linear_representation.contraction.global_law:LR_28",
        old="sp.sqrt(kappa) * (1 - eta) ** t_steps",
        new="(1 - eta) ** t_steps / sp.sqrt(kappa)",
        why="the condition number on the wrong side of the bound of the distance",
    ),
    Fault(
        "LR-28",
        "theory.linear_representation.contraction.global_law:LR_28",
        old="sp.Eq(sp.tan(theta_next), TANGENT_MAP)",
        new="sp.Eq(sp.tan(theta_next), (1 - eta) * sp.tan(theta))",
        why="every tangent taken to shrink by 1 - eta",
    ),
    Fault(
        "LR-28",
        "lpfl.optim.core.whitening:damped",
        old="shifted.diagonal(dim1=-2, dim2=-1).add_(damping)",
        new="shifted",
        why="damping lost: the damped step keeps the law",
    ),
    Fault(
        "LR-28",
        "theory.linear_representation.contraction.global_law:global_tangent",
        old="LR_28['tangent']",
        new="LR_28['sine']",
        why="sine given for the tangent",
    ),
)
