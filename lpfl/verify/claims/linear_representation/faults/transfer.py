"""Faults that the checks of LR-26 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-26",
        "lpfl.problems.linear_representation.model:least_squares_head",
        old="G @ batch.cov_x @ G.mT",
        new="G @ G.mT * batch.cov_x.diagonal(dim1=-2, dim2=-1).mean(-1)[:, None, None]",
        why="features not weighted by the covariance",
    ),
    Fault(
        "LR-26",
        "lpfl.problems.linear_representation.model:population_loss",
        old="problem.cov_x",
        new="torch.diag_embed(problem.cov_x.diagonal(dim1=-2, dim2=-1))",
        why="Sigma replaced by its diagonal in the excess",
    ),
    Fault(
        "LR-26",
        "lpfl.problems.linear_representation.moments:sample_moments",
        old=(
            "bartlett_factor(batch_size, d, replicates=replicates, generator=genera"
            "tor, dtype=dtype)"
        ),
        new=(
            "bartlett_factor(batch_size + 3, d, replicates=replicates, generator=ge"
            "nerator, dtype=dtype)"
        ),
        why="three degrees of freedom too many",
    ),
    Fault(
        "LR-26",
        "theory.linear_representation.transfer:transfer_bound",
        old="float((head ** 2).sum())",
        new="float((head ** 2).sum()) / head.size",
        why="mean square for the Frobenius norm",
    ),
    Fault(
        "LR-26",
        "theory.linear_representation.transfer:transfer_excess",
        old="number('noise_std', noise_std, low=0.0)",
        new="number('noise_std', noise_std, low=0.0) / 2 ** 0.5",
        why="half the noise in the mean excess",
    ),
    Fault(
        "LR-26",
        "theory.linear_representation.transfer:transfer_excess",
        old="count('n', n, low=k + 2)",
        new="count('n', n, low=k + 2) + k",
        why="degrees of freedom n - 1 instead of n - k - 1",
    ),
    Fault(
        "LR-26",
        "theory.linear_representation.transfer:transfer_excess",
        "max(0.0, float(best))",
        "max(0.0, 2.0 * float(best))",
        "excess risk of the best head doubled",
    ),
)
