"""Notation of linear representation learning."""

import sympy as sp

from theory.core.notation import *  # noqa: F403 - formulas take every letter from one module
from theory.core.notation import (
    NATURAL,
    NONNEGATIVE,
    POSITIVE,
    UNIT,
    d,
    k,
    m,
    matrix,
    n,
    scalar,
    size,
)

# Linear representation learning: scalars
theta = scalar("theta", "angle", "largest principal angle", sp.Interval(0, sp.pi / 2), "rad")
theta_next = scalar(
    "theta_+", "angle_next", "largest principal angle after the step", NONNEGATIVE, "rad"
)
theta_worst = scalar(
    "theta_w", "angle_worst", "largest angle after the step, for the worst covariance", NONNEGATIVE,
    "rad",
)  # fmt: skip
theta_damped = scalar(
    "theta_lambda", "angle_damped", "largest angle after a damped step", NONNEGATIVE, "rad"
)
theta_slow = scalar(
    "theta_s", "angle_slowest", "angle of the largest defect in the cone", NONNEGATIVE, "rad"
)
b_sup = scalar("b_s", "cone_defect_largest", "largest defect in the cone", NONNEGATIVE)
b_edge = scalar("b_a", "cone_defect_admissible", "defect that 1 − 0.9η still allows", NONNEGATIVE)
t_edge = scalar("t_a", "admissible_tangent", "largest admissible tangent of the start", NONNEGATIVE)
phi = scalar("phi", "cone_angle", "largest angle between u and Σ u", NONNEGATIVE, "rad")
b_cone = scalar("b", "cone_defect", "loss of the cone bound against 1 − η", NONNEGATIVE)
eta_F = scalar("eta_F", "head_step_size", "step size of the head", NONNEGATIVE)
kappa_H = scalar(
    "kappa_H", "head_condition_number", "condition number of F⋆ᵀF⋆", sp.Interval(1, sp.oo)
)
lam_max = scalar("lambda_max", "head_max", "largest eigenvalue of F⋆ᵀF⋆", POSITIVE, "[y]^2")
lam_i = scalar("lambda_i", "head_eigenvalue", "an eigenvalue of F⋆ᵀF⋆", POSITIVE, "[y]^2")
lam_j = scalar("lambda_j", "head_eigenvalue_2", "another eigenvalue of F⋆ᵀF⋆", POSITIVE, "[y]^2")
mu_j = scalar("mu_j", "schur_eigenvalue", "an eigenvalue of Σ_s", POSITIVE, "[x]^2")
h = scalar("h", "scaled_step", "η times an eigenvalue of F⋆ᵀF⋆", NONNEGATIVE)
s_angle = scalar("s", "sine", "sine of a principal angle", UNIT)
c_angle = scalar("c", "cosine", "cosine of a principal angle", UNIT)
s_next = scalar("s_+", "sine_next", "sine of the angle after the step", UNIT)
dist = scalar("Delta_0", "distance", "subspace distance at the start", UNIT)
dist_t = scalar("Delta_t", "distance_after", "subspace distance after t steps", UNIT)
dist_bad = scalar("Delta_b", "distance_bad_head", "subspace distance after F_b", UNIT)
dist_full = scalar("Delta_1", "distance_full_step", "subspace distance after η = 1", UNIT)
t_steps = scalar("t", "num_steps", "number of steps", sp.Range(0, sp.oo))
multiplier = scalar("q", "multiplier", "local contraction per step of the tangent matrix")
kappa_s = scalar(
    "kappa_s", "schur_condition_number", "condition number of Σ_s", sp.Interval(1, sp.oo)
)
q_best = scalar("q_best", "multiplier_best", "contraction at the best step size", NONNEGATIVE)
q_batch = scalar("q_n", "multiplier_batch", "mean multiplier over random batches")
q_kfac = scalar("q_KFAC", "multiplier_kfac", "local contraction of KFAC")
pivot = scalar("chi^2", "pivot_degrees", "degrees of freedom of the noise pivot", POSITIVE)
floor = scalar("V_T", "tangent_floor", "stationary E|T|_F²", NONNEGATIVE)
floor_ij = scalar("v_ij", "entry_floor", "stationary variance of one entry of T", NONNEGATIVE)
nu_j = scalar(
    "nu_j",
    "damped_eigenvalue",
    "an eigenvalue of Σ_s times the complement block of (Σ + λI)⁻¹",
    UNIT,
)
rank_GN = scalar("r_GN", "gauss_newton_rank", "rank of the Gauss-Newton matrix", NONNEGATIVE)
r_X = scalar("r_X", "data_rank", "rank of the inputs", NATURAL)
s_min = scalar("s_min", "head_min_singular", "smallest singular value of F⋆", POSITIVE, "[y]")
lmin_hat = scalar(
    "l_min", "cov_batch_min", "smallest eigenvalue of the sample covariance", POSITIVE, "[x]^2"
)
lmin_cov = scalar("l_Sigma", "cov_min", "smallest eigenvalue of Σ", POSITIVE, "[x]^2")
lmax_cov = scalar("L_Sigma", "cov_max", "largest eigenvalue of Σ", POSITIVE, "[x]^2")
kappa_hat = scalar(
    "kappa_n", "condition_number_batch", "condition number of the sample covariance",
    sp.Interval(1, sp.oo),
)  # fmt: skip
tau = scalar("tau", "tail_width", "√(2 log(3/δ)): Gaussian tail of three norms", NONNEGATIVE)
tan_bound = scalar("t_+", "tangent_bound", "upper bound on tan of the next angle", NONNEGATIVE)
n_2 = size("n_2", "head_batch_size", "rows of the independent batch of the head")
alpha = scalar("alpha_F", "effective_step", "step size over noise variance", NONNEGATIVE)
count_q = scalar("N_q", "multiplicity", "how often an eigenvalue of the local map occurs")
gamma_GN = scalar(
    "gamma", "gauss_newton_eigenvalue", "an eigenvalue of the Gauss-Newton matrix", NONNEGATIVE
)
order_q = scalar("p", "convergence_order", "order of convergence of FG to F⋆G⋆", NONNEGATIVE)
power_q = scalar("r", "shampoo_exponent", "exponent of each Shampoo factor", UNIT)
tr_cov = scalar("tr_Sigma", "cov_trace", "trace of Σ", POSITIVE, "[x]^2")
tr_H = scalar("tr_H", "head_trace", "trace of F⋆ᵀF⋆", POSITIVE, "[y]^2")
excess = scalar("e_t", "transfer_excess", "excess risk of a new head", NONNEGATIVE, "[y]^2")
excess_0 = scalar(
    "e_0", "transfer_excess_population", "excess risk of the best new head", NONNEGATIVE, "[y]^2"
)
head_2 = scalar("f^2", "head_norm2", "squared Frobenius norm of the new head", POSITIVE, "[y]^2")
moved = scalar(
    "Delta_C", "transform_deviation",
    "distance of two runs, one in other coordinates, over what training changed", NONNEGATIVE,
)  # fmt: skip
c_row = scalar("c_g", "row_scale", "factor on one row of the representation", POSITIVE)
Gamma_ab = scalar(
    "Gamma_ab", "gauss_newton_entry", "entry of the G-block of the Gauss-Newton matrix", sp.Reals,
    "[x]^2 [y]^2",
)  # fmt: skip
Gamma_aa = scalar(
    "Gamma_aa", "gauss_newton_diagonal", "diagonal entry of the same block", POSITIVE,
    "[x]^2 [y]^2",
)  # fmt: skip
lost_ab = scalar(
    "ell_ab", "entry_response", "what entry a of G loses in one step per size of entry b", sp.Reals
)
rate_power = scalar("p_r", "rate_exponent", "power of λ_iμ_j in a rate", NONNEGATIVE)
singular = scalar("varsigma", "gradient_singular", "singular value of the gradient", POSITIVE)
singular_step = scalar("varsigma_+", "step_singular", "singular value of the step over η", POSITIVE)
dist_cov = scalar("Delta_S", "distance_covariance", "Σ-weighted start distance", UNIT)

# Linear representation learning: matrices
F = matrix("F", "head", "head, full column rank", (m, k), unit="[y]")
G = matrix("G", "representation", "representation", (k, d), unit="1/[x]")
F_star = matrix("F^*", "head_star", "true head, full column rank", (m, k), unit="[y]")
G_star = matrix(
    "G^*", "representation_star", "true representation", (k, d), "orthonormal_rows", "1/[x]"
)
B = matrix(
    "B", "complement", "orthonormal rows spanning the complement of G⋆", (d - k, d),
    "complement_rows",
)  # fmt: skip
Sigma = matrix("Sigma", "cov_x", "covariance of the input", (d, d), "positive_definite", "[x]^2")
Sigma_hat = matrix(
    "Sigmahat", "cov_x_batch", "sample covariance XᵀX/n", (d, d), "positive_definite", "[x]^2"
)
X = matrix("X", "inputs", "input rows", (n, d), unit="[x]")
E = matrix("E", "noise", "noise rows", (n, m), unit="[y]")
N = matrix("N", "noise_cross", "noise cross-moment EᵀX/n", (m, d), unit="[x][y]")
D_G = matrix("D_G", "direction_representation", "a direction in G", (k, d))
D_F = matrix("D_F", "direction_head", "a direction in F", (m, k))
T = matrix("T", "tangent", "tangent matrix: singular values tan of the angles", (k, d - k))
G_next = matrix("G_+", "representation_next", "representation after the step", (k, d), "derived")
F_next = matrix("F_+", "head_next", "head after the step", (m, k), "derived")
T_next = matrix("T_+", "tangent_next", "tangent matrix after the step", (k, d - k), "derived")
F_ls = matrix("F_ls", "head_least_squares", "least-squares head for G", (m, k), "derived")
grad_G = matrix("nabla_G", "grad_representation", "gradient in G", (k, d), "derived")
grad_F = matrix("nabla_F", "grad_head", "gradient in F", (m, k), "derived")
P_perp = matrix("P_perp", "projector", "I − G⋆ᵀG⋆", (d, d), "derived")
H = matrix("H", "head_gram", "F⋆ᵀF⋆", (k, k), "derived", "[y]^2")
W = matrix("W", "cone_map", "Σ-weighted pull-back of the complement", (d - k, k), "derived")
Sigma_s = matrix(
    "Sigma_s", "schur_complement", "Schur complement of Σ on the complement", (d - k, d - k),
    "derived", "[x]^2",
)  # fmt: skip
C_h = matrix("C_h", "column_covariance", "column covariance of the noise term", (d, d), "derived")
R_h = matrix("R_h", "row_covariance", "row covariance of the noise term", (k, k), "derived")
G_o = matrix(
    "G_o", "representation_orthonormal", "representation with orthonormal rows", (k, d),
    "orthonormal_rows_free", "1/[x]",
)  # fmt: skip
R_gauge = matrix("R", "gauge", "invertible change of basis of the representation", (k, k))
A_g = matrix("A_g", "gauge_step", "part of a natural step along the gauge", (k, k))
A = matrix("A", "input_map", "invertible linear map of the input", (d, d))
Q = matrix("Q", "rotation", "orthogonal map of the input", (d, d), "orthonormal_rows_free")
e_row = matrix("e", "row_selector", "selects one row of the representation", (k, 1))
bn_grad = matrix("nabla_bn", "grad_batch_norm", "gradient behind batch-norm, one row", (1, d),
                 "derived")  # fmt: skip
K_var = matrix("K", "variance_weighted_cov", "E[σ²(x)xxᵀ]", (d, d), "positive_definite",
               "[x]^2 [y]^2")  # fmt: skip
bias = matrix("beta_T", "gradient_bias", "mean gradient on the complement at G⋆", (k, d - k),
              unit="[x]^2 [y]^2")  # fmt: skip
M_nu = matrix("M_nu", "mean_schur_batch", "mean Schur complement of a batch", (d - k, d - k),
              "derived", "[x]^2")  # fmt: skip
V_row = matrix("V_i", "row_covariance_tangent", "stationary covariance of a row of T",
               (d - k, d - k), "positive_definite")  # fmt: skip
F_t = matrix("F_t", "head_transfer", "head of the transfer task", (m, k), unit="[y]")
D_t = matrix("D_t", "transfer_schur", "part of G⋆ the representation misses", (k, k), "derived",
             "[x]^2")  # fmt: skip
S_c = matrix("S_c", "complement_part", "Σ-normalised G minus G⋆", (k, d), "derived")
Z = matrix("Z", "noise_term", "noise part of the step on the complement", (k, d), "derived")


def _derived(
    letter: str, code: str, meaning: str, shape: tuple[sp.Expr, sp.Expr], unit: str = "1"
) -> sp.MatrixSymbol:
    return matrix(letter, code, meaning, shape, "derived", unit)


M = _derived("M", "residual_cross", "minus the residual's cross-moment with x", (m, d), "[x][y]")
F_plus = _derived("F^+", "head_pseudo_inverse", "pseudo-inverse of the head", (k, m), "1/[y]")

# LR-01 and LR-02: finite changes and first-order changes
E_G_plus = _derived("E_G_+", "residual_plus_g", "residual rows at G + D_G", (n, m), "[y]")
E_G_minus = _derived("E_G_-", "residual_minus_g", "residual rows at G − D_G", (n, m), "[y]")
E_F_plus = _derived("E_F_+", "residual_plus_f", "residual rows at F + D_F", (n, m), "[y]")
E_F_minus = _derived("E_F_-", "residual_minus_f", "residual rows at F − D_F", (n, m), "[y]")
D_FG = _derived("D_FG", "direction_product", "first-order change of the product F G", (m, d))
D_G_gauge = _derived("D_G^0", "gauge_representation", "gauge direction in G", (k, d))
D_F_gauge = _derived("D_F^0", "gauge_head", "gauge direction in F", (m, k))

# LR-04, LR-07, LR-13, LR-28: steps from another start or with another head
F_bad = _derived("F_b", "head_bad", "a head for which one step ends at distance 1", (m, k), "[y]")
G_bad = _derived("G_b", "representation_bad", "representation after a step with that head", (k, d))
G_full = _derived(
    "G_1", "representation_full_step", "representation after a step of size 1", (k, d)
)
F_iso = _derived("F_iso", "head_isotropic", "least-squares head for Σ = I", (m, k), "[y]")
G_iso = _derived("G_iso", "representation_isotropic", "next representation for Σ = I", (k, d))
T_iso = _derived("T_iso", "tangent_isotropic", "next tangent matrix for Σ = I", (k, d - k))
F_R = _derived("F_R", "head_gauged", "head that belongs to the basis R G", (m, k), "[y]")
G_R = _derived("G_R", "representation_gauged", "next representation from R G", (k, d))
S_next = _derived("S_+", "complement_part_next", "S_c after the step", (k, d))

F_met = _derived(
    "F_c",
    "head_bad_metric",
    "a head for which one step ends Σ-orthogonal to the truth",
    (m, k),
    "[y]",
)
G_met = _derived("G_c", "representation_bad_metric", "representation after a step with F_c", (k, d))

# LR-11, LR-17: the parts of the noise
K_h = _derived("K_h", "noise_map", "what the noise rows are multiplied with", (n, d), "1/[x]")
S_ls = _derived("S_ls", "head_share", "regression of G⋆x on Gx: F_ls = F⋆ S_ls + N_in", (k, k))
N_in = _derived("N_in", "noise_in_head", "noise that enters the head", (m, k), "[y]")
N_out = _derived("N_out", "noise_outside_head", "noise that the head leaves over", (m, d), "[x][y]")

# LR-25: one row of the representation
g_row = _derived("g", "representation_row", "one row of the representation", (1, d), "1/[x]")
grad_row = _derived("nabla_g", "grad_row", "gradient in the row g", (1, d))
grad_row_ls = _derived(
    "nabla_ls", "grad_row_least_squares", "gradient in the row g at the least-squares head", (1, d)
)

# LR-26: a new head
F_best = _derived("F_best", "head_best", "the best new head on G", (m, k), "[y]")
M_t = _derived("M_t", "transfer_misfit", "what the best new head misses", (m, d))

# LR-27: the same in other coordinates of the input
G_A = _derived("G_A", "representation_mapped", "next representation in the input A x", (k, d))
D_A = _derived("D_A", "direction_product_mapped", "D_FG in the input A x", (m, d))
G_sgd = _derived("G_SGD", "representation_sgd", "representation after an SGD step", (k, d))
G_Q = _derived("G_Q", "representation_rotated", "the same in the input Q x", (k, d))
b_m = scalar("b_m", "momentum", "weight of the past velocity", UNIT)
q_1 = scalar("q_1", "first_multiplier", "larger multiplier of a two-step recursion")
q_2 = scalar("q_2", "second_multiplier", "smaller multiplier of a two-step recursion")
eta_max = scalar("eta_max", "largest_stable_step", "step size at which stability ends", POSITIVE)
v_one = scalar("v_1", "first_noise", "E|T|² after one step from the truth over α_F²σ² tr(H⁻¹) "
               "tr(Σ_s⁻¹)/n", POSITIVE)  # fmt: skip
