"""Faults that the checks of OP-38 to OP-40 must refute."""

from lpfl.verify.planting import Fault

RIDGE = "lpfl.measure.ridge:fit_ridge"
ERROR = "lpfl.measure.ridge:error_on_fresh_rows"
MEASURE = "lpfl.measure.alignment"
ALGEBRA = "lpfl.linalg.algebra"
INDEX = "lpfl.problems.single_index.model"
MOMENTS = "lpfl.problems.single_index.moments"

FAULTS = (
    Fault("OP-38", RIDGE, "damped_solve(Fc @ Fc.mT / n, yc, damping=penalty)",
          "damped_solve(Fc @ Fc.mT / n, yc, damping=penalty * n)",
          "wider than long: penalty multiplied by n in the dual system"),
    Fault("OP-38", RIDGE, "damped_solve(Fc.mT @ Fc / n, moment, damping=penalty)",
          "damped_solve(Fc.mT @ Fc, moment, damping=penalty)", "moment not divided by n"),
    Fault("OP-38", RIDGE, "mean_y - (mean_F * a).sum(-1)", "mean_y", "intercept without features"),
    Fault("OP-38", RIDGE, "residual.square().mean(-1)",
          "residual.square().mean(-1) + penalty * a.square().sum(-1)",
          "penalty counted in the train error"),
    Fault("OP-38", RIDGE, "F - mean_F[:, None, :]", "F", "features not centred"),
    Fault("OP-38", ERROR, "total / rows", "total / (rows + chunk - rows % chunk)",
          "divided by whole chunks"),
    Fault("OP-38", ERROR, "min(chunk, rows - start)", "chunk", "the last chunk is too long"),
    Fault("OP-39", f"{MEASURE}:rank_one_remainder", "top_singular(rest).values[..., 0]",
          "torch.linalg.matrix_norm(rest) / rest.shape[-1] ** 0.5",
          "operator norm replaced by the Frobenius norm over sqrt(d)"),
    Fault("OP-39", f"{MEASURE}:rank_one_remainder", "abs(scale) * norm", "norm",
          "relative to a rank-one part without its scale"),
    Fault("OP-39", f"{MEASURE}:alignment", "(direction * other).sum(-1).square() / power",
          "(direction * other).sum(-1).abs() / power.sqrt()", "cosine not squared"),
    Fault("OP-39", f"{MEASURE}:alignment", "times_covariance(direction, weight)", "direction",
          "weight forgotten in one norm"),
    Fault("OP-39", f"{MEASURE}:signed_alignment",
          "sign * alignment(direction, teacher, weight=weight)",
          "alignment(direction, teacher, weight=weight)", "sign forgotten"),
    Fault("OP-39", f"{MEASURE}:top_singular", "torch.linalg.vector_norm(left, dim=-2)",
          "torch.linalg.vector_norm(left, dim=-2).square()", "squares of singular values"),
    Fault("OP-39", f"{MEASURE}:orthogonal_powers", "h * columns[k] - k * columns[k - 1]",
          "columns[k] - k * columns[k - 1]", "recurrence without the index"),
    Fault("OP-39", f"{ALGEBRA}:subspace_distance", "(rows @ G_star.mT) @ G_star",
          "0.5 * (rows @ G_star.mT) @ G_star", "half a projection"),
    Fault("OP-39", f"{ALGEBRA}:subspace_distance", "torch.linalg.matrix_norm(residual, ord=2)",
          "torch.linalg.matrix_norm(residual)",
               "Frobenius norm of the angles"),
    Fault("OP-40", f"{INDEX}:normalised_teacher", "teacher / power.sqrt()", "teacher / power",
          "teacher over its power"),
    Fault("OP-40", f"{INDEX}:draw_targets", "problem.noise_std * noise",
          "problem.noise_std**2 * noise", "variance in place of the standard deviation"),
    Fault("OP-40", f"{MOMENTS}:compressed_rows",
          "bartlett_factor(n - SPAN, d - 1, replicates=R, generator=generator, dtype=dtype)",
          "bartlett_factor(n - SPAN - 1, d - 1, replicates=R, generator=generator, dtype=dtype)",
          "one degree of freedom lost"),
    Fault("OP-40", f"{MOMENTS}:moments", "X.mT @ X / n", "X.mT @ X / (n - 1)",
          "second moment over n - 1"),
    Fault("OP-40", f"{MOMENTS}:moments", "(y * y).sum(-1) / n",
               "(y * y).sum(-1) / n - ((one * y).sum(-1) / n).square()", "power about the mean"),
    Fault("OP-40", f"{INDEX}:times_root", "rows @ root.mT", "rows @ root",
               "root transposed"),
)  # fmt: skip
