"""Faults that the checks of LR-08 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-08",
        "lpfl.optim.kfac:kfac_step",
        old="step_size * right_solve(half, damped(cov_x, damping))",
        new="step_size * right_solve(half, damped(cov_x, damping)) @ cov_x @ cov_x",
        why="multiplied by the covariance instead of divided",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:CONE_FACTOR",
        old="1 - eta * b_cone",
        new="1 + eta * b_cone",
        why="a bound that is too strong",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:CONE_FACTOR",
        old="(1 - eta) / (1 - eta * b_cone)",
        new="((1 - eta) / (1 - eta * b_cone)) ** 2",
        why="square of the factor as bound",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:CONE_FACTOR",
        old="(1 - eta) / (1 - eta * b_cone)",
        new="((1 - eta) / (1 - eta * b_cone)) ** sp.Rational(1, 2)",
        why="root of the factor: a bound that is true and not sharp",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:HALF_ANGLE_DEFECT",
        old="((sp.sqrt(kappa) - 1) / (sp.sqrt(kappa) + 1)) ** 2",
        new="((sp.sqrt(kappa) - 1) / (sp.sqrt(kappa) + 1)) ** 4",
        why="another power in the largest defect",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:LR_08",
        old="sp.Lt(theta_next, sp.pi / 2 - phi, evaluate=False)",
        new="sp.Lt(theta_next, sp.pi / 4 - phi / 2, evaluate=False)",
        why="a cone half as wide taken to be invariant",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:LR_08",
        old="sp.Min(phi / 2, sp.pi / 2 - phi)",
        new="phi / 2",
        why="slowest angle outside the cone",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:worst_case_covariance",
        old="theta - math.atan(math.sqrt(condition_number))",
        new="theta + math.atan(math.sqrt(condition_number))",
        why="worst covariance turned the wrong way",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:HALF_ANGLE_DEFECT",
        "((sp.sqrt(kappa) - 1) / (sp.sqrt(kappa) + 1))**2",
        "(kappa - 1) / (kappa + 1)",
        "a bound of the defect that is never reached",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:cone_contraction",
        old="float(bound) / math.tan(theta)",
        new="float(bound) / math.sin(theta)",
        why="the factor over the sine of the angle",
    ),
    Fault(
        "LR-08",
        "theory.linear_representation.contraction.cone:_inside",
        old="math.pi / 2 - phi",
        new="math.pi / 2 - phi / 2",
        why="angles beyond the edge of the cone taken",
    ),
)
