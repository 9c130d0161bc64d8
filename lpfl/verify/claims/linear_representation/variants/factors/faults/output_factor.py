"""Faults that the check of LR-33 must refute."""

from lpfl.verify.planting import Fault

THEORY = "theory.linear_representation.variants.factors.output_factor:LR_33"

FAULTS = (
    Fault(
        "LR-33",
        "lpfl.optim.core.output_factor:output_factor",
        old="Y - X @ (F @ G).mT",
        new="1.1 * (Y - X @ (F @ G).mT)",
        why="residuals a tenth too large in the empirical factor",
    ),
    Fault(
        "LR-33",
        "lpfl.optim.core.output_factor:sampled_residuals",
        old="samples_per_row * n",
        new="n // 2",
        why="samples for half the rows",
    ),
    Fault(
        "LR-33",
        "lpfl.optim.core.output_factor:output_factor",
        old="F.mT @ moment @ F",
        new="F.mT @ F",
        why="Gauss-Newton whatever was asked for",
    ),
    Fault(
        "LR-33",
        THEORY,
        old="alpha * n / (n - k)",
        new="alpha * n / (n - 2 * k - 1)",
        why="a factor from residuals of another batch",
    ),
    Fault(
        "LR-33",
        THEORY,
        old="N_s / (N_s - k - 1)",
        new="(N_s - k - 1) / N_s",
        why="the mean of an inverse turned upside down",
    ),
    Fault(
        "LR-33",
        "theory.linear_representation.variants.factors.output_factor:SCALE",
        old="n - d - 1",
        new="n - 1",
        why="floor of the output factor without the dimension",
    ),
    Fault(
        "LR-33",
        "theory.linear_representation.variants.factors.output_factor:FELT",
        old="n - 2 * k - 1",
        new="n - k - 1",
        why="the rank taken from the rows of the empirical factor once",
    ),
    Fault(
        "LR-33",
        THEORY,
        old="1 - alpha * n / (n - 2 * k - 1)",
        new="1 - alpha * n / (n - k - 1)",
        why="the rank taken once from the rows behind another batch's residuals",
    ),
    Fault(
        "LR-33",
        "lpfl.verify.setups.linear.other_residuals:step_on_other_residuals",
        old="output_factor('empirical', 'representation', model.Weights(heads[1], G), other)",
        new="output_factor('empirical', 'representation', model.Weights(heads[0], G), batch)",
        why="the residuals of the same batch in place of another one's",
    ),
    Fault(
        "LR-33",
        "theory.linear_representation.variants.factors.output_factor:LR_33",
        "(N_s - k) * (N_s - k - 1) * (N_s - k - 3)",
        "(N_s - k)**2 * (N_s - k - 3)",
        "one sample too many in the squared inverse of a sampled factor",
    ),
    Fault(
        "LR-33",
        "theory.linear_representation.variants.factors.output_factor:output_factor",
        old="2 * std ** 2",
        new="2 * std",
        why="largest step of the empirical factor from the standard deviation",
    ),
)
