"""Faults in what the Gauss-Newton matrix, damping, the paper's form and transfer rest on."""

from tests.faults.planted import Fault

MODEL = "lpfl.problems.linear_representation.model"
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
    Fault(
        "LR-09", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, damped(cov_x, damping + 0.1))",
        "a damping nobody asked for",
    ),
    Fault(
        "LR-09", KFAC, "F = least_squares_head(G, batch)", "F = weights.head", "old head used",
    ),
    Fault(
        "LR-09", "theory.linear_representation.cone_numbers",
        "2 * limit / (total + math.sqrt(discriminant))",
        "limit / (total + math.sqrt(discriminant))",
        "half the admissible start",
    ),
    Fault(
        "LR-10", KFAC, "return G - step_size * right_solve(",
        "return G - 0.8 * step_size * right_solve(",
        "a step 20 % too short",
    ),
    Fault(
        "LR-10", "theory.linear_representation.headline_numbers",
        '"batch_size": count("n", n),', '"batch_size": count("n", n) ** 2,',
        "1/n for 1/sqrt(n) in the noise term",
    ),
    Fault(
        "LR-10", "lpfl.problems.linear_representation.moments",
        "(problem.noise_std / batch_size**0.5)", "problem.noise_std",
        "noise that does not average over the rows",
    ),
)  # fmt: skip
