"""Faults that the checks of LR-02 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-02",
        "lpfl.problems.linear_representation.model:gauss_newton",
        old="cov_x",
        new="torch.diag_embed(cov_x.diagonal(dim1=-2, dim2=-1))",
        why="Sigma replaced by its diagonal",
    ),
    Fault(
        "LR-02",
        "lpfl.problems.linear_representation.model:gauss_newton",
        old="torch.einsum('rij,kl->rjkil', G, eye_m)",
        new="torch.einsum('rij,kl->rjkil', 0.99 * G, eye_m)",
        why="head columns one per cent short: no gauge is left",
    ),
    Fault(
        "LR-02",
        "lpfl.problems.linear_representation.model:flatten",
        old="weights.representation",
        new="weights.representation.mT",
        why="rows stacked instead of columns",
    ),
    Fault(
        "LR-02",
        "theory.linear_representation.contraction.gauss_newton:LR_02",
        old="m + sp.Min(r_X, d) - k",
        new="m + sp.Min(r_X, d)",
        why="gauge counted in the rank",
    ),
    Fault(
        "LR-02",
        "theory.linear_representation.contraction.gauss_newton:LR_02",
        old="Kron(Sigma_hat * G.T, F.T)",
        new="Kron(Sigma_hat * G.T, -F.T)",
        why="sign of the cross block",
    ),
    Fault(
        "LR-02",
        "theory.linear_representation.contraction.gauss_newton:gauss_newton_rank",
        old="input_dim if data_rank is None else data_rank",
        new="input_dim",
        why="rank of the inputs ignored by the function",
    ),
    Fault(
        "LR-02",
        "theory.linear_representation.contraction.gauss_newton:LR_02",
        old="Kron(G * Sigma_hat * G.T, sp.Identity(m))",
        new="Kron(G * G.T, sp.Identity(m))",
        why="moment of the inputs left out of the head block",
    ),
)
