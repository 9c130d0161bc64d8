"""Faults in what the Gauss-Newton matrix, damping, the paper's form and transfer rest on."""

from tests.faults.planted import Fault

MODEL = "lpfl.problems.linear_representation"
KFAC = "lpfl.optim.kfac"

FAULTS = (
    Fault(
        "LR-02", MODEL, 'torch.einsum("rij,kl->rikjl", cov_x.expand(replicates, d, d), eye_m)',
        'torch.einsum("rij,kl->rikjl", torch.diag_embed(cov_x.diagonal(dim1=-2, dim2=-1))'
        ".expand(replicates, d, d), eye_m)",
        "Sigma replaced by its diagonal",
    ),
    Fault(
        "LR-02", MODEL, 'torch.einsum("rij,kl->rjkil", G, eye_m)',
        'torch.einsum("rij,kl->rjkil", 0.99 * G, eye_m)',
        "head columns one per cent short: no gauge is left",
    ),
    Fault(
        "LR-02", MODEL, "torch.cat([vec(weights.representation), vec(weights.head)], dim=-1)",
        "torch.cat([vec(weights.representation.mT), vec(weights.head)], dim=-1)",
        "rows stacked instead of columns",
    ),
    Fault(
        "LR-05", KFAC, "return cov_x + damping * eye", "return cov_x + damping * damping * eye",
        "damping squared",
    ),
    Fault(
        "LR-05", KFAC, "right_solve(half, damped(cov_x, damping))", "right_solve(half, cov_x)",
        "damping lost",
    ),
    Fault(
        "LR-05", "theory.linear_representation.kfac_damped",
        "root = np.linalg.cholesky(np.linalg.inv(shifted)[k:, k:])",
        "root = np.linalg.inv(np.linalg.cholesky(shifted[k:, k:])).T",
        "block of the inverse taken for the inverse of the block",
    ),
)  # fmt: skip
