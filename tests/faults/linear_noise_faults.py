"""Faults in what noise floors, gradient bias and transfer rest on."""

from tests.faults.planted import Fault

MODEL = "lpfl.problems.linear_representation.model"
MOMENTS = "lpfl.problems.linear_representation.moments"
KFAC = "lpfl.optim.kfac"
AMGD = "lpfl.optim.amgd"

FAULTS = (
    Fault(
        "LR-12", MOMENTS, "bartlett_factor(batch_size, d,",
        "bartlett_factor(batch_size + d + 1, d,",
        "rows counted without the loss of degrees of freedom",
    ),
    Fault(
        "LR-12", KFAC, "return G - step_size * right_solve(",
        "return G - 0.7 * step_size * right_solve(",
        "a step 30 % too short",
    ),
    Fault(
        "LR-12", "lpfl.optim.kfac_sequential",
        'factors["input"],\n            step_size=step_size,',
        'factors["input"],\n            step_size=head_step_size,',
        "the head's step size used for the representation (averaged head)",
    ),
    Fault(
        "LR-16", AMGD, "sgd_step(G, grad_G, step_size=step_size)",
        "sgd_step(G, grad_G, step_size=0.6 * step_size)",
        "a step 40 % too short",
    ),
    Fault(
        "LR-16", AMGD, "sgd_step(G, grad_G, step_size=step_size)",
        "sgd_step(G, (F.mT @ F).inverse() @ grad_G, step_size=step_size)",
        "gradient preconditioned by the head",
    ),
    Fault(
        "LR-16", "theory.linear_representation.tangent_floor",
        "return float(np.linalg.solve(np.eye(mu.size) - linear, constant).sum())",
        "return float(np.linalg.solve(np.eye(mu.size) - linear, constant).sum() * (n - k) / n)",
        "one factor (n-k)/n too many",
    ),
    Fault(
        "LR-17", "lpfl.optim.foof",
        "return W - step_size * right_solve(grad, damped(cov_in, damping))",
        "return W - step_size * grad",
        "whitening lost",
    ),
    Fault(
        "LR-17", MODEL, "return right_solve(batch.cross @ G.mT, G @ batch.cov_x @ G.mT)",
        "return right_solve(batch.cross @ G.mT, (G @ G.mT) * batch.cov_x.diagonal(dim1=-2, "
        "dim2=-1).mean(-1)[:, None, None])",
        "features not weighted by the covariance",
    ),
    Fault(
        "LR-17", "theory.linear_representation.gradient_bias",
        "HETEROSCEDASTIC_BIAS = (-m / n)", "HETEROSCEDASTIC_BIAS = (m / n)",
        "sign of the heteroscedastic bias",
    ),
    Fault(
        "LR-17", MOMENTS, "(problem.noise_std / batch_size**0.5)",
        "(1.5 * problem.noise_std / batch_size**0.5)",
        "noise 50 % too large",
    ),
    Fault(
        "LR-26", MODEL, "return right_solve(batch.cross @ G.mT, G @ batch.cov_x @ G.mT)",
        "return right_solve(batch.cross @ G.mT, (G @ G.mT) * batch.cov_x.diagonal(dim1=-2, "
        "dim2=-1).mean(-1)[:, None, None])",
        "features not weighted by the covariance",
    ),
    Fault(
        "LR-26", MODEL, "((gap @ problem.cov_x) * gap).sum((-2, -1))",
        "((gap @ torch.diag_embed(problem.cov_x.diagonal(dim1=-2, dim2=-1))) * gap).sum((-2, -1))",
        "Sigma replaced by its diagonal in the excess",
    ),
    Fault(
        "LR-26", MOMENTS, "bartlett_factor(batch_size, d,", "bartlett_factor(batch_size + 3, d,",
        "three degrees of freedom too many",
    ),
    Fault(
        "LR-26", "theory.linear_representation.transfer_numbers",
        "head_norm2=float((head**2).sum())", "head_norm2=float((head**2).sum()) / head.size",
        "mean square for the Frobenius norm",
    ),
)  # fmt: skip
