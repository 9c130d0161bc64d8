"""Faults that the checks of LR-03, LR-04, LR-06 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-03",
        "lpfl.optim.kfac:kfac_step",
        old="F.mT @ F",
        new="torch.diag_embed(torch.diagonal(F.mT @ F, dim1=-2, dim2=-1))",
        why="F'F replaced by its diagonal",
    ),
    Fault(
        "LR-03",
        "lpfl.optim.kfac:kfac_step",
        old="damping",
        new="damping + 0.01",
        why="a damping nobody asked for",
    ),
    Fault(
        "LR-03",
        "lpfl.optim.kfac:kfac_step",
        old="step_size",
        new="0.5 * step_size",
        why="half a step",
    ),
    Fault(
        "LR-04",
        "lpfl.optim.kfac:kfac_step",
        old="step_size",
        new="step_size * (1.0 - 1e-06)",
        why="a step short by one part in a million",
    ),
    Fault(
        "LR-04",
        "lpfl.linalg.algebra:subspace_distance",
        old="rows @ G_star.mT",
        new="0.5 * (rows @ G_star.mT)",
        why="half a projection in the distance",
    ),
    Fault(
        "LR-06",
        "lpfl.optim.kfac:kfac_head_step",
        old="G @ cov_x",
        new="G",
        why="features not weighted by the covariance",
    ),
    Fault(
        "LR-06",
        "lpfl.problems.linear_representation.model:gradients",
        old="residual @ G.mT",
        new="2.0 * residual @ G.mT",
        why="a factor two in the head's gradient",
    ),
    Fault(
        "LR-03",
        "theory.linear_representation.contraction.kfac:LR_03",
        old="eta * F_plus * F_star * G_star",
        new="eta * F_star.T * F_star * G_star",
        why="transpose of the head for its pseudo-inverse in the statement",
    ),
    Fault(
        "LR-04",
        "theory.linear_representation.contraction.kfac:_BAD_HEAD",
        old="1 - eta",
        new="1 + eta",
        why="sign in the bad head of the statement",
    ),
    Fault(
        "LR-04",
        "theory.linear_representation.contraction.kfac:LR_04",
        old="sp.Eq(dist_bad, 1, evaluate=False)",
        new="sp.Eq(dist_bad, 1 - eta, evaluate=False)",
        why="distance taken to shrink for every head",
    ),
    Fault(
        "LR-06",
        "theory.linear_representation.contraction.kfac:LR_06",
        old="(1 - eta_F) * F",
        new="(1 - eta_F) ** 2 * F",
        why="the old head forgotten twice as fast in the statement",
    ),
    Fault(
        "LR-06",
        "lpfl.problems.linear_representation.model:least_squares_head",
        old="G @ batch.cov_x @ G.mT",
        new="G @ G.mT",
        why="least squares as if the input were white",
    ),
    Fault(
        "LR-06",
        "lpfl.optim.drive:on_linear_representation",
        old="""
            after = after._replace(**{layer: moved})
        """,
        new="""
            after = after._replace(**{layer: moved})
            after = after._replace(head=0.5 * after.head) if head == "least_squares" else after
        """,
        why="a head handed back that is not the refitted one",
    ),
    Fault(
        "LR-03",
        "theory.linear_representation.contraction.steps:pseudo_inverse",
        old="(head.T * head).inv() * head.T",
        new="head.T",
        why="Gram matrix of the head forgotten",
    ),
    Fault(
        "LR-06",
        "theory.linear_representation.contraction.steps:least_squares_head",
        old="F_star * truth * cov + noise",
        new="F_star * truth * cov",
        why="noise forgotten in the least-squares head",
    ),
    Fault(
        "LR-06",
        "theory.linear_representation.contraction.steps:least_squares_head",
        old="F_star * truth * cov + noise",
        new="F_star * truth * cov",
        why="head fitted to labels without noise",
    ),
)
