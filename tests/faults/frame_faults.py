"""Faults planted in what the first statements of linear representation learning rest on."""

from tests.faults.planted import Fault

MODEL = "lpfl.problems.linear_representation.model"
KFAC = "lpfl.optim.kfac"
AMGD = "lpfl.optim.amgd"
LINALG = "lpfl.linalg.algebra"

FAULTS = (
    Fault(
        "LR-01", MODEL, "return Weights(residual @ G.mT, F.mT @ residual)",
        "return Weights(residual @ G.mT, F.mT @ (F @ G @ batch.cov_x + batch.cross))",
        "sign of the data term",
    ),
    Fault(
        "LR-01", MODEL, "return 0.5 * residual.square().sum((-2, -1)) / inputs.shape[-2]",
        "return 0.5 * residual.square().sum((-2, -1)) / (inputs.shape[-2] - 1)",
        "1/(n-1) for 1/n in the loss",
    ),
    Fault(
        "LR-03", KFAC, "        left = F.mT @ F",
        "        left = torch.diag_embed(torch.diagonal(F.mT @ F, dim1=-2, dim2=-1))",
        "F'F replaced by its diagonal",
    ),
    Fault(
        "LR-03", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, damped(cov_x, damping + 0.01))",
        "a damping nobody asked for",
    ),
    Fault(
        "LR-03", KFAC, "return G - step_size * right_solve(",
        "return G - 0.5 * step_size * right_solve(",
        "half a step",
    ),
    Fault(
        "LR-04", KFAC, "return G - step_size * right_solve(",
        "return G - step_size * (1.0 - 1e-6) * right_solve(",
        "a step short by one part in a million",
    ),
    Fault(
        "LR-04", LINALG, "residual = rows - (rows @ G_star.mT) @ G_star",
        "residual = rows - 0.5 * (rows @ G_star.mT) @ G_star",
        "half a projection in the distance",
    ),
    Fault(
        "LR-06", KFAC, "hidden = G @ cov_x @ G.mT", "hidden = G @ G.mT",
        "features not weighted by the covariance",
    ),
    Fault(
        "LR-06", MODEL, "return Weights(residual @ G.mT, F.mT @ residual)",
        "return Weights(2.0 * residual @ G.mT, F.mT @ residual)",
        "a factor two in the head's gradient",
    ),
    Fault(
        "LR-07", KFAC, "F = least_squares_head(G, batch)",
        "F = weights.head",
        "old head used",
    ),
    Fault(
        "LR-07", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, torch.diag_embed(torch.diagonal(cov_x, dim1=-2, dim2=-1)))",
        "Sigma replaced by its diagonal",
    ),
    Fault(
        "LR-08", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, damped(cov_x, damping)) @ cov_x @ cov_x",
        "multiplied by the covariance instead of divided",
    ),
    Fault(
        "LR-08", "theory.linear_representation.cone_numbers",
        "return float(_FACTOR(step_size=eta, cone_defect=defect))",
        "return float(_FACTOR(step_size=eta, cone_defect=-defect))",
        "a bound that is too strong",
    ),
    Fault(
        "LR-11", MODEL, "targets = targets + problem.noise_std * noise",
        "targets = targets + 1.2 * problem.noise_std * noise",
        "noise 20 % too large",
    ),
    Fault(
        "LR-11", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, damped(cov_x, damping + 0.1 * float(cov_x.diagonal(dim1=-2, "
        "dim2=-1).mean())))",
        "damping 10 % of the mean variance",
    ),
    Fault(
        "LR-13", AMGD, "F = least_squares_head(G, batch)",
        "F = 1.05 * least_squares_head(G, batch)",
        "head 5 % off",
    ),
    Fault(
        "LR-13", AMGD, "Weights(F, orthonormal_rows(sgd_step(G, grad_G, step_size=step_size)))",
        "Weights(F, orthonormal_rows(sgd_step(G, grad_G, step_size=1.1 * step_size)))",
        "step 10 % too long",
    ),
    Fault(
        "LR-14", AMGD, "sgd_step(G, grad_G, step_size=step_size)",
        "sgd_step(G, (F.mT @ F).inverse() @ grad_G, step_size=step_size * "
        "float((F.mT @ F).diagonal(dim1=-2, dim2=-1).max()))",
        "gradient preconditioned by the head",
    ),
    Fault(
        "LR-14", AMGD, "grad_G = gradients(Weights(F, G), batch).representation",
        "grad_G = 2.0 * gradients(Weights(F, G), batch).representation",
        "a factor two in the gradient",
    ),
    Fault(
        "LR-15", AMGD, "F = least_squares_head(G, batch)",
        "F = 1.02 * least_squares_head(G, batch)",
        "head 2 % off",
    ),
    Fault(
        "LR-15", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, torch.diag_embed(torch.diagonal(cov_x, dim1=-2, dim2=-1)))",
        "Sigma replaced by its diagonal",
    ),
)  # fmt: skip
