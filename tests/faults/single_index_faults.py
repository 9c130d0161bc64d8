"""Faults planted in what single-index alignments, dampings and whitening rest on."""

from tests.faults.planted import Fault

DIRECTIONS = "lpfl.problems.single_index.directions"
MEASURE = "lpfl.measure.alignment"
PROBLEM = "lpfl.problems.single_index.model"
DAMPING = "theory.single_index.damping"
EQUIVALENT = "theory.single_index.gaussian_equivalent"

FAULTS = (
    Fault(
        "SI-02", EQUIVALENT, "noise = phi * (energy * E_b(s) + residual) * E(T * s)",
        "noise = phi * residual * E(T * s)",
        "the signal's share of the noise forgotten",
    ),
    Fault(
        "SI-02", MEASURE, ".sum(-1).square() / power", ".sum(-1).abs() / power.sqrt()",
        "the cosine for its square",
    ),
    Fault(
        "SI-02", PROBLEM, "return clean + problem.noise_std * noise",
        "return clean + 2.0 * problem.noise_std * noise",
        "label noise twice as large",
    ),
    Fault(
        "SI-03", DIRECTIONS, "return damped_solve(Q, h, damping=damping)",
        "return damped_solve(Q, h, damping=damping * d)",
        "damping multiplied by the dimension",
    ),
    Fault(
        "SI-03", DIRECTIONS, 'torch.einsum("rdk,rd->rk", V, h) / s)',
        'torch.einsum("rdk,rd->rk", V, h) / s.sqrt())',
        "root of the pseudo-inverse",
    ),
    Fault(
        "SI-03", EQUIVALENT, "(residual + energy * E_b(s * K**2)) / STABILITY",
        "(residual + energy * E_b(s * K**2)) / (STABILITY + phi * E_b(P**2))",
        "noise not amplified by the inversion",
    ),
    Fault(
        "SI-07", MEASURE,
        "image = direction if weight is None else times_covariance(direction, weight)",
        "image = direction",
        "length of beta in the wrong metric",
    ),
    Fault(
        "SI-07", EQUIVALENT, "noise = phi * residual / (1 - phi) * E(T / s)",
        "noise = phi * residual * E(T / s)",
        "noise not amplified by 1/(1 - d/n)",
    ),
    Fault(
        "SI-07", "theory.single_index.mehler", "(1 - rho2_cov**k)", "(1 - rho2_cov ** (2 * k))",
        "correlation squared once too often",
    ),
    Fault(
        "SI-04", DAMPING, "OPTIMAL_DAMPING = Formula(phi * s2_link / c1**2)",
        "OPTIMAL_DAMPING = Formula(phi * s2_link / c1**4)",
        "slope to the fourth power in the best damping",
    ),
    Fault(
        "SI-04", DAMPING, "    * (u_1 * u_3 - u_2**2)\n", "    * (u_1 * u_3 - u_2**2 / 2)\n",
        "a factor two in the derivative",
    ),
    Fault(
        "SI-04", DIRECTIONS, "return damped_solve(Q, h, damping=damping)",
        "return damped_solve(Q, h, damping=damping * d)",
        "damping multiplied by the dimension",
    ),
    Fault(
        "SI-05", DAMPING, "OPTIMAL_DAMPING.expression * E(1 / s) / (1 - phi)",
        "OPTIMAL_DAMPING.expression * E(1 / s)",
        "noise not amplified by 1/(1 - d/n)",
    ),
    Fault(
        "SI-05", DIRECTIONS, "return damped_solve(Q, h, damping=damping)",
        "return damped_solve(Q, h, damping=damping + 0.5)",
        "a damping nobody asked for",
    ),
    Fault(
        "SI-06", DIRECTIONS, "source = batch if whitening is None else whitening",
        "source = batch",
        "the same batch used instead of the other",
    ),
    Fault(
        "SI-06", DIRECTIONS, "return batch.cross_moment / covariance",
        "return batch.cross_moment / covariance.sqrt()",
        "root of the covariance",
    ),
    Fault(
        "SI-06", "theory.single_index.whitening", "E(h * (1 + s * w_slope)",
        "E(h * (1 + 0.1 * s * w_slope)",
        "noise of the whitening batch nearly forgotten",
    ),
    Fault(
        "SI-08", "theory.core.resolvent", "return w - (1 - phi) - phi * lam * plain,",
        "return w - (1 - phi) - lam * plain,",
        "aspect forgotten in the fixed point",
    ),
    Fault(
        "SI-08", "lpfl.problems.single_index.moments",
        "halves = (degrees - torch.arange(rows, device=device, dtype=dtype)) / 2",
        "halves = (degrees - 0 * torch.arange(rows, device=device, dtype=dtype)) / 2",
        "degrees of freedom that do not fall along the Bartlett factor",
    ),
    Fault(
        "SI-08", "theory.single_index.fixed_point", "/ (1 - phi * E(_P)))", "* (1 - phi * E(_P)))",
        "slope of the natural iteration",
    ),
    Fault(
        "SI-13", DIRECTIONS, "batch.input_mean * batch.target_mean[:, None]",
        "0.1 * batch.input_mean * batch.target_mean[:, None]",
        "most of the mean left in the labels",
    ),
    Fault(
        "SI-13", "lpfl.problems.single_index.network",
        "    back = back - back.mean(1, keepdim=True) - H * (back * H).mean(1, keepdim=True)\n", "",
        "no gradient through the batch statistics",
    ),
    Fault(
        "SI-13", "theory.single_index.alignment", "return max(residual_var - c0 * c0, 0.0)",
        "return residual_var",
        "mean of the labels counted as noise",
    ),
    Fault(
        "SI-15", "theory.single_index.teacher", "return energy / total",
        "return spectrum.weights / spectrum.moment(1)",
        "energies of the teacher forgotten",
    ),
    Fault(
        "SI-15", DIRECTIONS, "return damped_solve(Q, h, damping=damping)",
        "return damped_solve(Q, h, damping=damping * d)",
        "damping multiplied by the dimension",
    ),
    Fault(
        "SI-16", "theory.single_index.teacher", "ENERGY = c1_link**2 + c_act**2",
        "ENERGY = c1_link**2 + c_act**2 / 100",
        "initial network not counted as signal energy",
    ),
    Fault(
        "SI-16", "lpfl.problems.single_index.network",
        "return 1 / sqrt(self.width) if self.normalised else 1.0",
        "return 1 / sqrt(self.width)",
        "factor 1/sqrt(N) where there should be none",
    ),
)  # fmt: skip
