"""Faults that the checks of SI-09 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-09",
        "theory.single_index.outlier:SI_09",
        old="theta ** 2 + psi",
        new="theta ** 2 + 1",
        why="overlap of the other side",
    ),
    Fault(
        "SI-09",
        "lpfl.one_step:one_step",
        old="step_size * precondition(gradient, inputs)",
        new="0.5 * step_size * precondition(gradient, inputs)",
        why="half a step",
    ),
    Fault(
        "SI-09",
        "lpfl.problems.single_index.network:initialise",
        old="sqrt(dim)",
        new="sqrt(width)",
        why="first layer scaled by the width",
    ),
    Fault(
        "SI-09",
        "lpfl.one_step:one_step",
        old="network.first_layer - step_size * precondition(gradient, inputs)",
        new="network.first_layer + step_size * precondition(gradient, inputs)",
        why="a step of ascent",
    ),
    Fault(
        "SI-09",
        "theory.single_index.outlier:SI_09",
        old="sp.Eq(theta_c, sp.root(psi, 4))",
        new="sp.Eq(theta_c, 1.5 * sp.root(psi, 4))",
        why="a threshold 1.5 times too high",
    ),
    Fault(
        "SI-09",
        "theory.single_index.outlier:SI_09",
        old="sp.Eq(theta_c, sp.root(psi, 4))",
        new="sp.Eq(theta_c, sp.sqrt(psi))",
        why="square root of the width ratio in the threshold",
    ),
    Fault(
        "SI-09",
        "theory.single_index.outlier:SI_09",
        old="sp.Abs(c_act) * beta_norm",
        new="c_act ** 2 * beta_norm",
        why="square of the slope in the critical step",
    ),
    Fault(
        "SI-09",
        "theory.single_index.outlier:outlier",
        old="strength <= threshold",
        new="strength <= threshold / 2",
        why="outliers claimed from half of the threshold on",
    ),
    Fault(
        "SI-09",
        "theory.single_index.outlier:critical_step_size",
        old="""SI_09['critical_step'].number(
            c_act=c_act, direction_norm=direction_norm, width_ratio=width_ratio
        )""",
        new="""SI_09['critical_step'].number(
            c_act=c_act ** 2, direction_norm=direction_norm, width_ratio=width_ratio
        )""",
        why="square of the slope in the function",
    ),
    Fault(
        "SI-09",
        "theory.single_index.direction:_STEPS",
        old="c1**2 * E(s) + s2_link",
        new="c1**2 + s2_link",
        why="power of the labels without the mean eigenvalue",
    ),
    Fault(
        "SI-09",
        "theory.single_index.direction:energy",
        old="T * s * r**2",
        new="T * r**2",
        why="noise of a direction without the covariance",
    ),
    Fault(
        "SI-09",
        "theory.single_index.direction:energy",
        "phi * tau2 * E(T * s * r**2)",
        "phi * tau2 * E(T * r**2)",
        "noise of a direction without its variances",
    ),
    Fault(
        "SI-09",
        "theory.single_index.direction:overlap",
        "c1 * E(T * _STEPS[step][0])",
        "c1**2 * E(T * _STEPS[step][0])",
        "slope of the labels squared in an overlap",
    ),
    Fault(
        "SI-09",
        "theory.single_index.direction:direction",
        "damping == 0 and aspect < 1",
        "damping == 0",
        "the ridgeless direction of many rows for few",
    ),
)
