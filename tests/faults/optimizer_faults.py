"""Faults planted in joint methods, batch-norm, noisy preconditioners and invariances."""

from tests.faults.planted import Fault

MODEL = "lpfl.problems.linear_representation.model"
KFAC = "lpfl.optim.kfac"
NGD = "lpfl.optim.ngd"
BATCH_NORM = "lpfl.optim.batch_norm"

FAULTS = (
    Fault(
        "LR-18", MODEL, "return Weights(residual @ G.mT, F.mT @ residual)",
        "return Weights(residual @ G.mT, 1.001 * F.mT @ residual)",
        "one gradient off by one part in a thousand",
    ),
    Fault(
        "LR-18", "theory.linear_representation.joint",
        '"representation": (1 - eta * sp.sqrt(lam_i), d - k),',
        '"representation": (1 - eta * lam_i, d - k),',
        "balanced weights seen by the eigenvalue in place of its root",
    ),
    Fault(
        "LR-19", "lpfl.optim.kfac_joint", "step_size=head_step_size,", "step_size=step_size,",
        "the head takes the step of the representation",
    ),
    Fault(
        "LR-19", "lpfl.optim.kfac_sequential", "gradients(Weights(F, G), batch).representation",
        "gradients(weights, batch).representation",
        "old head in the gradient of the representation",
    ),
    Fault(
        "LR-19", "lpfl.optim.kfac_joint", '"hidden": G @ batch.cov_x @ G.mT',
        '"hidden": G @ G.mT',
        "features not weighted by the covariance",
    ),
    Fault(
        "LR-20", NGD, "dF = right_solve((D - F @ dG) @ hidden, G @ hidden)",
        "dF = right_solve(D @ hidden, G @ hidden)",
        "cross block of the Fisher matrix forgotten",
    ),
    Fault(
        "LR-20", NGD, "D = F @ G - right_solve(batch.cross, batch.cov_x)",
        "D = F @ G - right_solve(batch.cross, damped(batch.cov_x, 0.01))",
        "damping on one term",
    ),
    Fault(
        "LR-20", NGD, "return Weights(dF + F @ A, dG - A @ G)",
        "return Weights(dF + F @ A, dG - A.mT @ G)",
        "gauge part transposed in one layer",
    ),
    Fault(
        "LR-21", "lpfl.optim.ngd_empirical", "return inverse_times(U.mT @ U / n, U.mean(-2)",
        "return inverse_times(U.mT @ U / (2 * n), U.mean(-2)",
        "half the Fisher matrix",
    ),
    Fault(
        "LR-21", "lpfl.optim.ngd_empirical", "return psd_power(S, -1.0) @ right",
        "return psd_power(S, -0.5) @ right",
        "inverse root of the Fisher matrix",
    ),
    Fault(
        "LR-21", "theory.linear_representation.tangent_floor",
        "return _traces(EMPIRICAL_FLOOR, lam, mu, eta, sigma,",
        "return _traces(KFAC_FLOOR, lam, mu, eta, sigma,",
        "the floor of KFAC",
    ),
    Fault(
        "LR-22", "lpfl.optim.adam", "scale = (second / (1.0 - beta2**age)).sqrt() + epsilon",
        "scale = (second / (1.0 - beta2**age)) + epsilon",
        "second moment without its root",
    ),
    Fault(
        "LR-22", "lpfl.optim.adam",
        "beta2 * state.second + (1.0 - beta2) * grad.square(),",
        "beta2 * state.second + (1.0 - beta2) * grad.square().mean((-2, -1), keepdim=True),",
        "one scale for the whole matrix",
    ),
    Fault(
        "LR-22", "lpfl.optim.adam", "mean = first / (1.0 - beta1**age)",
        "mean = 0.8 * first / (1.0 - beta1**age)",
        "a step 20 % too short",
    ),
    Fault(
        "LR-23", "lpfl.optim.shampoo",
        "return left @ grad @ psd_power(R, -exponent, epsilon=epsilon)", "return left @ grad",
        "one side only",
    ),
    Fault(
        "LR-23", "lpfl.optim.shampoo", "left = psd_power(L, -exponent, epsilon=epsilon)",
        "left = psd_power(L, -2.0 * exponent, epsilon=epsilon)",
        "twice the exponent on one side",
    ),
    Fault(
        "LR-23", "lpfl.optim.shampoo", "squares = (grad @ grad.mT, grad.mT @ grad)",
        "squares = (grad @ grad.mT, grad.square().sum(-2).diag_embed())",
        "right statistic replaced by its diagonal",
    ),
    Fault(
        "LR-23", "lpfl.optim.average", "decay * average.weight + 1.0 - decay",
        "decay * average.weight + 1.0",
        "moving average divided by the wrong weight",
    ),
    Fault(
        "LR-24", "lpfl.optim.muon",
        "return newton_schulz(matrix, steps=steps) if steps else polar_factor(matrix)",
        "return newton_schulz(matrix, steps=5)",
        "five iterations passed off as the polar factor",
    ),
    Fault(
        "LR-24", "lpfl.linalg.spectral", "return (U * kept.to(s.dtype).unsqueeze(-2)) @ Vh",
        "return (U * (kept * s / s[..., :1]).unsqueeze(-2)) @ Vh",
        "gradient over its norm in place of the polar factor",
    ),
    Fault(
        "LR-24", "lpfl.optim.muon", "step = step_size * muon_scale(scale, *W.shape[-2:])",
        "step = step_size * muon_scale('match_rms', *W.shape[-2:])",
        "a step scaled by the shape",
    ),
    Fault(
        "LR-25", BATCH_NORM, "(slope.representation - along * (unit @ batch.cov_x)) / scale",
        "slope.representation / scale",
        "the standard deviation not differentiated",
    ),
    Fault(
        "LR-25", BATCH_NORM, "F = least_squares_head(G, batch) * scale.unsqueeze(-2)",
        "F = least_squares_head(G, batch)",
        "head not rescaled to the normalised units",
    ),
    Fault(
        "LR-25", BATCH_NORM, "inputs - inputs.mean(-2, keepdim=True)", "inputs",
        "inputs not centred",
    ),
    Fault(
        "LR-27", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, damped(cov_x, damping + 1e-6))",
        "a damping of one part in a million",
    ),
    Fault(
        "LR-27", "lpfl.optim.adam",
        "beta2 * state.second + (1.0 - beta2) * grad.square(),",
        "beta2 * state.second + (1.0 - beta2) * grad.square().mean((-2, -1), keepdim=True),",
        "one scale for the whole matrix: Adam that passes rotations",
    ),
    Fault(
        "LR-27", "lpfl.optim.shampoo", "squares = (grad @ grad.mT, grad.mT @ grad)",
        "squares = (grad @ grad.mT, grad.square().sum(-2).diag_embed())",
        "right statistic replaced by its diagonal",
    ),
    Fault(
        "LR-23", "lpfl.optim.average", "decay * average.weight + 1.0 - decay",
        "decay * average.weight + 1.0",
        "moving average divided by the wrong weight",
    ),
    Fault(
        "LR-28", KFAC, "F = least_squares_head(G, batch)", "F = weights.head",
        "old head used",
    ),
    Fault(
        "LR-28", KFAC, "right_solve(half, damped(cov_x, damping))",
        "right_solve(half, damped(cov_x, damping + 1e-3))",
        "a damping nobody asked for",
    ),
    Fault(
        "LR-28", "theory.linear_representation.global_law",
        "num_steps=count(\"num_steps\", num_steps, low=0),",
        "num_steps=count(\"num_steps\", num_steps, low=0) + 2,",
        "a bound two steps too strong",
    ),
)  # fmt: skip
