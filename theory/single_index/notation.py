"""Notation of single-index learning, beside the letters of both settings."""

import sympy as sp

from theory.core.notation import *  # noqa: F403 - formulas take every letter from one module
from theory.core.notation import (
    NATURAL,
    NONNEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    d,
    k,
    matrix,
    n,
    scalar,
)

aspect = scalar("varphi", "aspect", "dimension over samples, d/n", POSITIVE)
aspect_2 = scalar("varphi_2", "whitening_aspect", "d/n of an independent whitening batch", POSITIVE)
width_ratio = scalar("psi", "width_ratio", "width over dimension, N/d", POSITIVE)
width = scalar("N_h", "width", "number of hidden neurons", POSITIVE)
w_fix = scalar("w", "resolvent_w", "fixed point w = λv", UNIT)
v_fix = scalar("v", "resolvent_v", "fixed point of the companion equation", POSITIVE, "[x]^-2")
m_fix = scalar("m_R", "resolvent_m", "lim tr((Σ̂ + λI)⁻¹)/d", POSITIVE, "[x]^-2")
m_slope = scalar("m_R'", "resolvent_m_prime", "lim tr((Σ̂ + λI)⁻²)/d", POSITIVE, "[x]^-4")
rate_v = scalar("q_v", "companion_rate", "rate of the iteration for v at its root", UNIT)
rate_m = scalar("q_m", "natural_rate", "rate of the iteration for m at its root", NONNEGATIVE)
w_slope = scalar("w'", "resolvent_w_prime", "derivative of w in λ", NONNEGATIVE, "[x]^-2")
c0_link = scalar("c_0", "c0", "mean of the link, E g(z)", REAL, "[y]")
c1_link = scalar("c_1", "c1", "linear coefficient of the link, E g′(z)", REAL, "[y]")
s2_link = scalar("s_2", "residual_var", "E (y − c_1 z)²", NONNEGATIVE, "[y]^2")
a_deg = scalar(
    "a_j", "hermite_coefficient", "normalised Hermite coefficient of the link", REAL, "[y]"
)
rho2 = scalar("rho^2", "alignment", "squared cosine of β and β⋆", UNIT)
rho2_sgd = scalar("rho_SGD^2", "alignment_sgd", "squared cosine for SGD", UNIT)
rho2_cov = scalar("rho_S^2", "covariance_alignment", "squared correlation of βᵀx and β⋆ᵀx", UNIT)
rho2_star = scalar(
    "rho_*^2", "alignment_at_best_damping", "squared cosine at the best damping", UNIT
)
rho2_cov_star = scalar(
    "rho_S,*^2", "covariance_alignment_at_best_damping", "the same with the weight Σ", UNIT
)
rho2_above = scalar(
    "rho_>^2", "alignment_above_best_damping", "squared cosine at a damping of at least λ⋆", UNIT
)
rho2_same = scalar("rho_same^2", "alignment_same_batch", "squared cosine, same batch", UNIT)
rho2_exact = scalar("rho_Sigma^2", "alignment_exact_covariance", "squared cosine, exact Σ", UNIT)
rho2_scaled = scalar(
    "rho_N^2", "alignment_normalised", "squared cosine for the network with the factor 1/√N", UNIT
)
eff_rank = scalar(
    "d_eff", "effective_rank_share", "effective rank (tr Σ)²/tr Σ² over the dimension", UNIT
)
target = scalar("rho_r^2", "target", "squared cosine to be reached", sp.Interval.open(0, 1))
alpha_r = scalar(
    "alpha_r", "target_damping", "α at which the mean of s/(s + α) is the target", POSITIVE, "[x]^2"
)
n_d = scalar("n_d", "samples_per_dimension", "samples over dimensions, n/d", NONNEGATIVE)
n_sgd = scalar("n_SGD", "samples_sgd", "n/d that SGD needs", NONNEGATIVE)
n_best = scalar("n_*", "samples_best", "n/d that KFAC at its best damping needs", NONNEGATIVE)
n_zero = scalar("n_0", "samples_undamped", "n/d that KFAC without damping needs", NONNEGATIVE)
n_exact = scalar(
    "n_Sigma", "samples_exact", "n/d that Σ + λI, with its best λ, needs as the factor", NONNEGATIVE
)
n_exact_zero = scalar(
    "n_Sigma,0", "samples_exact_undamped", "n/d that the exact Σ needs as the factor", NONNEGATIVE
)
n_price = scalar("p_n", "sample_price", "ratio of two numbers of samples", POSITIVE)
rho2_few = scalar("rho_few^2", "alignment_few", "squared cosine with fewer samples", UNIT)
rho2_square = scalar("rho_n=d^2", "alignment_square", "squared cosine with n = d samples", UNIT)
passes = scalar("T_p", "passes", "gradient steps on one batch", sp.Range(1, sp.oo))
filter_mean = scalar("F_1", "filter_mean", "lim tr F(Σ̂)/d, F(t) = 1 − (1 − ηt)^T", REAL)
filter_square = scalar("F_2", "filter_square", "lim tr F(Σ̂)²/d", NONNEGATIVE)
filter_noise = scalar("F_3", "filter_noise", "lim tr F(Σ̂)²Σ̂⁺/d", NONNEGATIVE, "[x]^-2")
rho2_one = scalar("rho_1^2", "alignment_one_pass", "squared cosine after one step", UNIT)
rho2_endless = scalar("rho_oo^2", "alignment_endless", "squared cosine after endless steps", UNIT)
fresh_steps = scalar("T_f", "fresh_steps", "steps, each on a fresh batch", sp.Range(1, sp.oo))
V_noise = scalar(
    "V_t", "noise_energy_at", "noise of the weights at one eigenvalue of Σ", NONNEGATIVE
)
V_next = scalar("V_t+1", "noise_energy_next", "the same after one more step", NONNEGATIVE)
noise_energy = scalar("nu_t", "noise_energy", "its mean over the spectrum of Σ", NONNEGATIVE)
tau_step = scalar("tau_t^2", "noise_level_step", "noise level of one step", NONNEGATIVE, "[y]^2")
linear_risk = scalar(
    "L_t", "linear_risk", "error of the weights that is left after whitening", NONNEGATIVE, "[y]^2"
)
rho2_moving = scalar("rho_m^2", "alignment_moving", "squared cosine, moving residual", UNIT)
rho2_moving_sgd = scalar("rho_m,SGD^2", "alignment_moving_sgd", "the same for SGD", UNIT)
moved_outputs = scalar(
    "Delta_f", "outputs_moved", "relative difference of the outputs of two runs", NONNEGATIVE
)
W_scale = scalar("W_tau", "scale_weight", "E[τ²w], w = 1/(1 + τ²δ_τ)", POSITIVE)
delta_scale = scalar("delta_tau", "scale_leverage", "lim tr(Σ(Σ̂ + λI)⁻¹)/n", NONNEGATIVE)
gamma_scale = scalar("gamma_tau", "scale_slope", "E[wτzy]/W_τ", REAL, "[y]")
mu_y2 = scalar("mu_2", "scale_label_power", "E[w²τ²y²]", NONNEGATIVE, "[y]^2")
mu_yz = scalar("mu_3", "scale_label_cross", "E[w²τ³zy]", REAL, "[y]")
mu_4 = scalar("mu_4", "scale_fourth", "E[w²τ⁴]", NONNEGATIVE)
mu_left = scalar("mu_h", "left_factor_damping", "damping of the left factor N_h E[δδᵀ]", POSITIVE)
mu_library = scalar("mu_lib", "library_damping", "damping of the left factor E[δδᵀ]", POSITIVE)
residual_power = scalar(
    "e_r^2", "residual_power", "E r² of the residuals in the left factor", POSITIVE, "[y]^2"
)
left_strength = scalar(
    "sigma_L", "left_strength", "largest singular value of the update with a left factor", POSITIVE
)
ratio_plain = scalar(
    "q_0", "second_ratio", "second over first singular value, no left factor", NONNEGATIVE
)
ratio_left = scalar("q_L", "second_ratio_left", "the same with a left factor", NONNEGATIVE)
left2_drowned = scalar(
    "l_0^2", "left_overlap2_drowned", "squared left overlap at a damping far below 1/√N_h", UNIT
)
g_nuclear = scalar("g_nuc", "gradient_nuclear", "nuclear norm of a gradient", POSITIVE)
g_frobenius = scalar("g_fro", "gradient_frobenius", "Frobenius norm of a gradient", POSITIVE)
inputs_frobenius = scalar("X_fro", "inputs_frobenius", "Frobenius norm of the input rows", POSITIVE)
inputs_operator = scalar("X_op", "inputs_operator", "operator norm of the input rows", POSITIVE)
drop_spectral = scalar("D_spec", "decrease_spectral", "decrease of the loss, polar step", REAL)
drop_gradient = scalar("D_grad", "decrease_gradient", "decrease of the loss, gradient step", REAL)
side = scalar("sgn_D", "larger_guarantee", "sign of the difference of both guarantees", REAL)
stable_share = scalar("st_d", "stable_rank_share", "stable rank of the input rows over d", UNIT)
batch_top = scalar("lambda_+", "batch_top", "largest eigenvalue of a batch's XᵀX/n", POSITIVE)
stable_rank = scalar("st_X", "stable_rank", "stable rank of the input rows", POSITIVE)
nuclear_rank = scalar("nr_g", "nuclear_rank", "(g_nuc/g_fro)²", POSITIVE)
least_side = scalar("q_r", "least_side", "smallest of width, dimension and samples", POSITIVE)
cross_share = scalar("x_c", "cross_share", "twice ⟨spike, remainder⟩ over |spike|²", REAL)
target_cos2 = scalar(
    "gamma_LS^2",
    "target_cosine2",
    "squared cosine of β⋆ and the least-squares vector Σ⁻¹E[xy]",
    UNIT,
)
rho2_coordinate = scalar(
    "rho_1c^2", "alignment_coordinate", "squared cosine, teacher along one coordinate", UNIT
)
rho2_mixed = scalar(
    "rho_mix^2", "alignment_mixed", "squared cosine, part of the teacher on one coordinate", UNIT
)
P_s = scalar("P_s", "share_kept", "share of an eigendirection that the ridge fit keeps", UNIT)
K_s = scalar("K_s", "share_lost", "share of an eigendirection that the ridge fit loses", UNIT)
noise_gain = scalar("r_s", "noise_gain", "gain of the noise", NONNEGATIVE, "[x]^-2")
tau2 = scalar("tau^2", "noise_level", "test error of the ridge fit of y on x", POSITIVE, "[y]^2")
lam_star = scalar("lambda^*", "best_damping", "the best damping", NONNEGATIVE, "[x]^2")
beta_var = scalar("V_beta", "gradient_variance", "d times the variance of β_k", POSITIVE)
dither_var = scalar(
    "V_r", "dither_variance", "d times the variance of the gradient beyond rank one", NONNEGATIVE
)
beta_var_mean = scalar(
    "Vbar_beta", "gradient_variance_mean", "V_β where Σ is rotated at random", POSITIVE
)
dither_var_mean = scalar(
    "Vbar_r", "dither_variance_mean", "V_r where Σ is rotated at random", NONNEGATIVE
)
c_act = scalar("c_s", "c_act", "mean slope of the activation, E act′", REAL)
b1_act = scalar("b_1", "act_second", "mean curvature of the activation, E act″", REAL)
v_act = scalar("v_s", "act_prime_var", "variance of the activation's slope", NONNEGATIVE)
c_perp2 = scalar(
    "c_perp^2", "c_perp2", "energy of the activation beyond its linear part", NONNEGATIVE
)
act_mean = scalar("a_s", "act_mean", "mean of the activation, E act", REAL)
spike = scalar("vartheta", "spike_strength", "strength of the rank-one step", NONNEGATIVE)
nu2 = scalar("nu^2", "spike_variance", "βᵀΣβ / |β|²", POSITIVE, "[x]^2")
theta_c = scalar("vartheta_c", "threshold_strength", "least strength of a visible spike", POSITIVE)
eta_c = scalar("eta_c", "critical_step", "step size at which the outlier appears", POSITIVE)
beta_norm = scalar("n_beta", "direction_norm", "length of the learned direction β", POSITIVE)
sigma_edge = scalar("sigma_edge", "bulk_edge", "largest singular value of the bulk", NONNEGATIVE)
teacher2 = scalar(
    "t^2", "teacher_overlap2", "squared overlap of the right singular vector with β⋆", UNIT
)
image2 = scalar("o^2", "head_image_overlap2", "squared cosine of O′f and β", UNIT)
sigma_out = scalar("sigma_out", "singular_value", "outlying singular value of G_+", NONNEGATIVE)
left2 = scalar("l^2", "left_overlap2", "squared overlap of the left singular vector", UNIT)
right2 = scalar("r^2", "right_overlap2", "squared overlap of the right singular vector", UNIT)
u_1 = scalar("u_1", "moment_u1", "E[tu], u = 1/(t + λ), t an eigenvalue of Σ̂", POSITIVE)
u_2 = scalar("u_2", "moment_u2", "E[tu²]", POSITIVE, "[x]^-2")
u_3 = scalar("u_3", "moment_u3", "E[tu³]", POSITIVE, "[x]^-4")
z_edge = scalar("z_+", "edge_square", "square of the upper bulk edge", POSITIVE)
m_edge = scalar("m_z", "edge_parameter", "parameter of the edge formula", sp.Interval.open(-1, 0))
ratio_F2 = scalar(
    "R_F^2", "remainder_frobenius2", "squared Frobenius ratio remainder/rank-one", NONNEGATIVE
)
ratio_op = scalar(
    "R_op", "remainder_operator", "operator-norm ratio remainder/rank-one", NONNEGATIVE
)
rate_const = scalar("C", "rate_constant", "an unspecified constant of a rate", POSITIVE)
alpha_eta = scalar("alpha", "step_exponent", "exponent of the step size, η = n^α", NONNEGATIVE)
j = scalar("j", "degree", "degree of a harmonic", NATURAL)
i = scalar("i", "other_degree", "degree of another harmonic", NATURAL)
growth = scalar(
    "g_j", "growth_exponent", "exponent in n of the j-th outlier over the bulk's edge", REAL
)
spike_ij = scalar("S_ij", "spike_gram", "entry of the feature-spike matrix", REAL)
sv_feature = scalar(
    "sigma_j", "feature_outlier", "j-th outlier of the centred feature matrix", NONNEGATIVE
)
spike_eig = scalar(
    "e_j", "spike_eigenvalue", "j-th eigenvalue of the feature-spike matrix", NONNEGATIVE
)
risk = scalar("R_te", "risk", "mean squared prediction error", NONNEGATIVE, "[y]^2")
risk_train = scalar("R_tr", "train_risk", "mean squared training error", NONNEGATIVE, "[y]^2")
ridge = scalar("lambda_2", "ridge", "ridge penalty of the second layer", NONNEGATIVE)
kappa_eff = scalar("kappa_2", "effective_ridge", "effective ridge of the second layer", POSITIVE)
error_eff = scalar(
    "E_2", "effective_error", "population error at the effective ridge", NONNEGATIVE, "[y]^2"
)
error_slope = scalar(
    "E_2'", "effective_error_slope", "its derivative in the effective ridge", REAL, "[y]^2"
)
dof = scalar("D_1", "freedom_ratio", "degrees of freedom over samples", NONNEGATIVE)
dof_slope = scalar("D_1'", "freedom_slope", "its derivative in the effective ridge", REAL)
v_fix2 = scalar("v_2", "resolvent_v2", "fixed point of the second layer", POSITIVE, "[x]^-2")
a_spike = scalar("a_h", "head_spike", "spike coordinate of one hidden neuron", REAL)
s_A = scalar(
    "s_A", "first_atom", "an eigenvalue of a covariance with two of them", POSITIVE, "[x]^2"
)
s_B = scalar("s_B", "second_atom", "the other eigenvalue", POSITIVE, "[x]^2")
p_A = scalar("p_A", "first_atom_weight", "fraction of directions with the first", UNIT)
back = matrix("B_p", "backward_signals", "derivatives of the loss in the neurons' inputs", (k, n))
right_factor = matrix("P_r", "right_factor", "what multiplies the gradient from the right", (d, d))
