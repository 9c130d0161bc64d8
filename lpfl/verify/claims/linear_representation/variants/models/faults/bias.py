"""Faults that the check of LR-44 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-44",
        "lpfl.optim.core.affine:_moved",
        old="bias_factor == 'shared'",
        new="True",
        why="the bias is one more column although it has a factor of its own",
    ),
    Fault(
        "LR-44",
        "lpfl.optim.core.affine:affine_step",
        old="over @ batch.cov_x @ over.mT",
        new="over @ batch.cov_x @ over.mT + 1e-3 * over @ over.mT",
        why="a little damping in the factor of the head",
    ),
    Fault(
        "LR-44",
        "lpfl.problems.linear_representation.affine:affine_gradients",
        old="F.mT @ residual",
        new="F.mT @ (residual - residual[..., -1:] * batch.cov_x[..., -1:, :])",
        why="the mean of the residual taken out of the gradient",
    ),
    Fault(
        "LR-44",
        "theory.linear_representation.variants.models.bias:FLOOR",
        old="n - 1",
        new="n",
        why="no degree of freedom for the mean",
    ),
    Fault(
        "LR-44",
        "theory.linear_representation.variants.models.bias:RHO",
        old="sp.sqrt(mean_2 / (1 + mean_2))",
        new="mean_2 / (1 + mean_2)",
        why="the squared correlation in place of the correlation",
    ),
    Fault(
        "LR-44",
        "theory.linear_representation.variants.models.bias:MODES",
        old="k * (d - k)",
        new="k * (d - k + 1)",
        why="the bias counted among the new directions of the subspace",
    ),
    Fault(
        "LR-44",
        "theory.linear_representation.variants.models.bias:bias_spectrum",
        old="number('mean_norm2', mean_norm2, low=0.0)",
        new="number('mean_norm2', mean_norm2, low=0.0) ** 2",
        why="norm of the mean squared twice",
    ),
)
