"""Faults that the checks of LR-13, LR-14 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-13",
        "lpfl.optim.amgd:amgd_step",
        old="least_squares_head(G, batch)",
        new="1.05 * least_squares_head(G, batch)",
        why="head 5 % off",
    ),
    Fault(
        "LR-13",
        "lpfl.optim.amgd:amgd_step",
        old="step_size",
        new="1.1 * step_size",
        why="step 10 % too long",
    ),
    Fault(
        "LR-14",
        "lpfl.optim.amgd:amgd_step",
        old="sgd_step(G, grad_G, step_size=step_size)",
        new=(
            "sgd_step(G, (F.mT @ F).inverse() @ grad_G, step_size=step_size * float"
            "((F.mT @ F).diagonal(dim1=-2, dim2=-1).max()))"
        ),
        why="gradient preconditioned by the head",
    ),
    Fault(
        "LR-14",
        "lpfl.optim.amgd:amgd_step",
        old="gradients(Weights(F, G), batch).representation",
        new="2.0 * gradients(Weights(F, G), batch).representation",
        why="a factor two in the gradient",
    ),
    Fault(
        "LR-13",
        "theory.linear_representation.rates.amgd:_rescaled_step",
        old="eta * (R_gauge.T * R_gauge).inv()",
        new="eta",
        why="step not rescaled by the rows' Gram matrix",
    ),
    Fault(
        "LR-13",
        "theory.linear_representation.rates.amgd:LR_13",
        old="1 + h**2 * s_angle**2 * c_angle**2",
        new="1 + h * s_angle**2 * c_angle**2",
        why="a power missing in the sine",
    ),
    Fault(
        "LR-14",
        "theory.linear_representation.rates.amgd:LR_14",
        old="sp.Rational(1, 2) - 1 / h",
        new="sp.Rational(1, 2) - 1 / (2 * h)",
        why="2-cycle at another angle",
    ),
    Fault(
        "LR-14",
        "theory.linear_representation.rates.amgd:LR_14",
        old="1 - 2 / (kappa_H + 1)",
        new="1 - 1 / kappa_H",
        why="half of the progress at the best step",
    ),
    Fault(
        "LR-13",
        "theory.linear_representation.rates.amgd:amgd_sine_step",
        old="math.sqrt((1 - s) * (1 + s))",
        new="1 - s",
        why="cosine of the function",
    ),
    Fault(
        "LR-13",
        "theory.linear_representation.contraction.tangent_step:_PULL",
        old="sp.Identity(k) + T * T.T",
        new="sp.Identity(k)",
        why="rows not made orthonormal in the function",
    ),
    Fault(
        "LR-13",
        "theory.linear_representation.contraction.tangent_step:_REGRESSION",
        old="(_ROWS * Sigma * _ROWS.T).inv()",
        new="(_ROWS * _ROWS.T).inv()",
        why="regression without the covariance in the function",
    ),
    Fault(
        "LR-13",
        "theory.linear_representation.contraction.tangent_step:_REGRESSION",
        "_ROWS * Sigma * _ROWS.T",
        "_ROWS * _ROWS.T",
        "regression as for white inputs",
    ),
)
