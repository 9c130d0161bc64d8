"""Notation of output factors and kinds of damping."""

import sympy as sp

from theory.core.notation import NATURAL, NONNEGATIVE, POSITIVE, d, k, matrix, scalar, size

# LR-33: output factors
s_row = size("s_r", "samples_per_row", "samples of the output factor per row")
N_s = scalar("N_s", "num_samples", "samples of the output factor in a step", NATURAL)
beta_F = scalar("beta_F", "felt_step", "mean effective step at the noise floor", NONNEGATIVE)
o_1 = scalar("o_1", "inverse_mean", "mean of an inverse Wishart matrix over its limit", POSITIVE)
o_2 = scalar("o_2", "inverse_square", "mean of its square, over the limit's square", POSITIVE)

# LR-34: far from the solution
t_s = scalar("z_s", "singular_tangent", "singular value of H^(1/2) T Σ_s^(1/2)", unit="[y]")
t_s_next = scalar("z_s+", "singular_tangent_next", "the same after the step", unit="[y]")
t_fall = scalar("z_-", "square_lost", "what the square of z_s loses in one step", unit="[y]^2")
t_cycle = scalar("z_c^2", "cycle_square", "square of z_s in the 2-cycle", NONNEGATIVE, "[y]^2")
t_tan = scalar("z_1", "metric_tangent", "tangent of the Σ-angle, one row", NONNEGATIVE)
t_tan_next = scalar("z_1+", "metric_tangent_next", "the same after the step, with its sign")
lam_S = scalar("lambda_S", "head_signal", "λ times the variance of G⋆x, one row", POSITIVE, "[y]^2")
kappa_E = scalar("kappa_E", "empirical_step", "share of the misfit that a step removes")
c_scale = scalar("g_C", "cauchy_scale", "scale of a Cauchy law of z_s", POSITIVE, "[y]")
c_scale_next = scalar("g_C+", "cauchy_scale_next", "the same after the step", POSITIVE, "[y]")

# LR-36: kinds of damping
lam_P = scalar("l_P", "left_damping", "damping added to the output factor", NONNEGATIVE, "[y]^2")
gamma_K = scalar("gamma_K", "product_damping", "damping of the product of the two factors",
                 NONNEGATIVE, "[x]^2 [y]^2")  # fmt: skip
pi_K = scalar("pi_K", "damping_split", "root of the mean eigenvalue of Q over that of P", POSITIVE,
              "[x]/[y]")  # fmt: skip
nu_ij = scalar("nu_ij", "damped_eigenvalue_pair", "ν_j at the damping γ_K/λ_i")
w_c = scalar("w_c", "correlation_norm2", "squared norm of Σ_ss⁻¹Σ_sp", NONNEGATIVE)
tau_j = scalar("tau_j", "damping_response", "an eigenvalue of Σ_s times the block of Σ⁻²",
               POSITIVE, "1/[x]^2")  # fmt: skip
D_q = scalar("D_q", "deficit", "1 − (1 − q)/η: what damping takes from the rate", NONNEGATIVE)
r_q = scalar("r_q", "relative_rate", "(1 − q)/η: a rate over the step size", NONNEGATIVE)

# LR-37: both layers
lam_F = scalar("lambda_F", "head_input_damping", "damping of the head's inputs", NONNEGATIVE)
lam_O = scalar("l_O", "last_output_damping", "damping added to the last layer's factor I",
               NONNEGATIVE)  # fmt: skip
s_ss = scalar("s_h", "hidden_eigenvalue", "an eigenvalue of GΣGᵀ", POSITIVE)
J_row = matrix("J_row", "row_map", "map of a row of FG − F⋆G⋆ in one step", (d, d), "derived")

# LR-35: units
rate_ratio = scalar("rho_c", "rate_ratio", "local rate in other units over that in these", POSITIVE)
c_y = scalar("c_y", "output_unit", "factor on F⋆ and on the noise", POSITIVE)
c_s = scalar("c_sigma", "noise_factor", "factor on the noise alone", POSITIVE)
c_x = scalar("c_x", "input_unit", "factor on the inputs, the function unchanged", POSITIVE)
c_n = scalar("c_n", "rows_factor", "factor on the rows of a batch", POSITIVE)
c_L = scalar("c_L", "loss_factor", "factor on the loss", POSITIVE)
r_S = scalar("r_S", "root_exponent", "exponent of each Shampoo factor", sp.Interval(0, 1))
G_u = matrix("G_u", "representation_units", "KFAC's next representation in other units",
             (k, d), "derived")  # fmt: skip
G_ug = matrix("G_ug", "representation_units_sgd", "the same of SGD, step η/(c_y²c_x²)",
              (k, d), "derived")  # fmt: skip
G_e = matrix("G_e", "representation_empirical", "next representation, empirical output factor",
             (k, d), "derived")  # fmt: skip
G_ue = matrix("G_ue", "representation_units_empirical", "the same in other units, step ηc_y²",
              (k, d), "derived")  # fmt: skip
