"""Notation of what stands around a step: momentum, decay, schedules, powers, clip and graft."""

import sympy as sp

from theory.core.notation import NONNEGATIVE, POSITIVE, UNIT, d, k, matrix, scalar

# LR-38: momentum
h_m = scalar("h_m", "mode_curvature", "1 for KFAC; λ_iμ_j for SGD, in 1/[η]", POSITIVE)
v_T = scalar("v_T", "floor_in_units", "E|T|_F² over σ² tr(H⁻¹) tr(Σ_s⁻¹)/(n − d − 1)", NONNEGATIVE)
v_ratio = scalar("v_q", "floor_ratio", "floor with momentum over the floor without", NONNEGATIVE)
t_12 = scalar("t_12", "excursion", "larger of |T| after one and two steps over |T_0|", NONNEGATIVE)
kappa_m = scalar(
    "kappa_m", "mode_condition_number", "largest over smallest λ_iμ_j", sp.Interval(1, sp.oo)
)

# LR-39: weight decay
w_d = scalar("w_d", "decay_rate", "weight decay, per step size or as a term of the gradient",
             NONNEGATIVE)  # fmt: skip
c_P = scalar("c_P", "product_share", "factor of F⋆G⋆ in the product FG", NONNEGATIVE)
q_G = scalar("q_G", "norm_multiplier", "factor per step on the norm of the representation")
t_w = scalar("t_w", "decayed_tangent", "|T| at the fixed point", NONNEGATIVE)
T_w = matrix("T_w", "tangent_slope", "T at the fixed point per weight decay", (k, d - k))
H_r = matrix("H_r", "head_gram_root", "positive definite square root of H", (k, k),
             "positive_definite", "[y]")  # fmt: skip

# LR-40: samples
A_T = scalar("A_T", "tangent_noise", "σ² tr(H⁻¹) tr(Σ_s⁻¹)", POSITIVE)
E_0 = scalar("E_0", "start", "|T_0|²", POSITIVE)
E_t = scalar("E_t", "tangent_error", "E|T|² after t steps", NONNEGATIVE)
E_o = scalar("E_o", "other_error", "E|T|² after t steps of other sizes", NONNEGATIVE)
E_mean = scalar("E_a", "averaged_error", "E|T|² of the mean of T_1, ..., T_t", NONNEGATIVE)
E_g = scalar(
    "E_g", "averaged_entry_error", "mean square of an entry of that mean, AMGD", NONNEGATIVE
)
E_c = scalar("E_c", "falling_entry_error", "mean square of an entry of T, step sizes c_t/(s + t_0)",
             NONNEGATIVE)  # fmt: skip
h_n = scalar("h_n", "mode_rate", "mean rate of a mode per step", UNIT)
r_c = scalar("r_c", "falling_rate", "rate of a mode times s + t_0", POSITIVE)
c_t = scalar("c_t", "falling_constant", "step size times s + t_0 at step s", POSITIVE)
t_0 = scalar("t_0", "delay", "steps that the falling step sizes are behind", POSITIVE)
c_k = scalar("c_k", "row_share", "1 − k/n", UNIT)
eta_t = scalar("eta_t", "scheduled_step_size", "step size of step t + 1", NONNEGATIVE)
N_all = scalar("N_t", "total_samples", "rows in all batches together", NONNEGATIVE)
eps_T = scalar("epsilon_T", "accuracy", "E|T|² that is wanted", POSITIVE)

# LR-41: powers
theta_p = scalar("theta_p", "preconditioning_power", "power of the inverse curvature", UNIT)
Lam = scalar("Lambda", "overhead", "what a constant step size costs", sp.Interval(1, sp.oo))
L_0 = scalar("L_0", "log_start_over_accuracy", "ln(E_0/ε)", NONNEGATIVE)
tr_H_power = scalar("h_theta", "head_power_trace", "tr(H^(−θ))", POSITIVE)
tr_H_root = scalar("h_r", "head_root_trace", "tr(H^(−1/2))", POSITIVE, "1/[y]")
tr_S_power = scalar("s_theta", "schur_power_trace", "tr(Σ_s^(−θ))", POSITIVE)

# LR-46: clip and graft
c_kl = scalar("c_KL", "kl_clip", "bound of the clip on η² times the squared natural length",
              POSITIVE)  # fmt: skip
e_kl = scalar("e_KL", "clipped_step_size", "step size that the clip leaves", NONNEGATIVE)
r_kl = scalar("r_KL", "natural_length2", "mean of <gradient, direction> over both layers", POSITIVE)
a_y = scalar("a_y", "output_scale", "factor on the outputs", POSITIVE)
move_G = scalar("rho_G", "representation_move_ratio", "move of G, outputs scaled, over the move")
move_F = scalar("rho_F", "head_move_ratio", "move of F over F, outputs scaled, over the same")
r_graft = scalar("r_2", "graft_ratio2", "E|gradient|² over E|direction|² at the solution", POSITIVE)
tr_H_inv = scalar("tr_H-", "head_inverse_trace", "tr(H⁻¹)", POSITIVE, "1/[y]^2")
tr_cov_inv = scalar("tr_Sigma-", "cov_inverse_trace", "tr(Σ⁻¹)", POSITIVE, "1/[x]^2")
