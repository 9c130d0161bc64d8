"""Notation of the optimizers: one entry of a weight, one weight matrix, what a step reads."""

import sympy as sp

from theory.core.notation import (
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

SIGNS = sp.Interval(-1, 1)

# One entry of a weight matrix, and the states of the optimizer at this entry.
w = scalar("w_ij", "weight", "one entry of a weight matrix")
w_next = scalar("w_ij+", "weight_next", "the entry after the step")
g = scalar("g_ij", "gradient", "the same entry of the gradient")
a_ij = scalar("a_ij", "gradient_average", "decayed average of the gradient entry")
a_next = scalar("a_ij+", "gradient_average_next", "the average with the current gradient in it")
look = scalar("l_ij", "look_ahead", "what the step follows with Nesterov's correction")
x_ij = scalar("x_ij", "velocity", "velocity of the entry")
x_next = scalar("x_ij+", "velocity_next", "velocity with the current gradient in it")
y_ij = scalar("y_ij", "square_average", "decayed average of the squared gradient entry")
y_next = scalar("y_ij+", "square_average_next", "the same with the current gradient in it")
d_ij = scalar("d_ij", "plain_step", "move of the entry without momentum")
u_ij = scalar("u_ij", "direction_entry", "entry of the direction that the step subtracts")

# Hyper-parameters.
b_1 = scalar("beta_1", "first_decay", "weight of the past in the average of the gradient", UNIT)
b_2 = scalar("beta_2", "second_decay", "weight of the past in the average of squares", UNIT)
b_a = scalar("beta_a", "averaging", "weight of the past in a moving average", UNIT)
eps = scalar("epsilon", "epsilon", "added to the root of the second moment", NONNEGATIVE)
omega = scalar("omega", "weight_decay", "decoupled weight decay", NONNEGATIVE)
radius = scalar("rho_B", "radius", "radius of the spectral-norm ball", POSITIVE)
s_W = scalar("s_W", "shape_factor", "factor on the step by the shape of the matrix", POSITIVE)
p_e = scalar("p_e", "exponent", "inverse power of each side in Shampoo", UNIT)
lam_r = scalar("lambda_r", "damping_root", "root of the damping", NONNEGATIVE)
pi_W = scalar("pi_W", "factor_split", "root of the ratio of mean eigenvalues of Q and P", POSITIVE)
lam_P = scalar("lambda_P", "output_damping", "damping added to the output factor", NONNEGATIVE)
c_a = scalar("c_N1", "newton_schulz_first", "coefficient of s in a Newton-Schulz step")
c_b = scalar("c_N3", "newton_schulz_third", "coefficient of s³ in a Newton-Schulz step")
c_c = scalar("c_N5", "newton_schulz_fifth", "coefficient of s⁵ in a Newton-Schulz step")

# What is counted and measured.
age = scalar("t_s", "steps_seen", "number of gradients seen", sp.Range(0, sp.oo))
past = scalar("t_p", "steps_ago", "how many steps ago a gradient was seen", sp.Range(0, sp.oo))
nu_clip = scalar("nu_c", "clip_factor", "factor of the clip on a step", UNIT)
c_clip = scalar("c_d", "largest_decrease", "bound on the predicted decrease", POSITIVE)
drop = scalar("d_L", "decrease_ahead", "η times ⟨gradient, step⟩ over the layers", POSITIVE)
n_slope = scalar("n_g", "gradient_norm", "Frobenius norm of the gradient", NONNEGATIVE)
weight_of = scalar("omega_p", "kept_weight", "weight of a past statistic in an average", UNIT)
response = scalar("r_t", "impulse_response", "total move after one unit gradient")
moved_by = scalar("m_ij", "entry_move", "size of the move of one entry", NONNEGATIVE)
s_in = scalar("s_O", "singular_before", "singular value before a map", NONNEGATIVE)
s_out = scalar("s_O+", "singular_after", "singular value after a map")
norm_W = scalar("n_W", "spectral_norm", "spectral norm of a weight matrix", NONNEGATIVE)
norm_W_next = scalar("n_W+", "spectral_norm_next", "the same after the step", NONNEGATIVE)
norm_move = scalar("n_Delta", "move_norm", "spectral norm of a move", NONNEGATIVE)
slope_along = scalar("L'", "loss_slope", "derivative of the loss along a step")
gap_L = scalar("L_gap", "loss_gap", "loss minus the value that can be reached", NONNEGATIVE)
grad_2 = scalar("n_g^2", "gradient_norm2", "⟨∇, P⁻¹∇⟩ over both layers", POSITIVE)
s_eta = scalar("s_eta", "polyak_factor", "factor on Polyak's step", POSITIVE)
eta_P = scalar("eta_P", "polyak_step", "step size that Polyak's rule takes", NONNEGATIVE)
eta_cut = scalar("eta_cut", "largest_step", "largest quotient that is allowed", POSITIVE)
dist_2 = scalar("D_t^2", "distance2", "squared distance from the minimiser", NONNEGATIVE)
dist_2_next = scalar("D_t+^2", "distance2_next", "the same after the step", NONNEGATIVE)
unequal = scalar("delta_O", "disagreement", "distance of two runs over the path", NONNEGATIVE)

# One weight matrix, its gradient, and the two factors.
r_W = size("r_W", "weight_rows", "rows of a weight matrix")
c_W = size("c_W", "weight_columns", "columns of a weight matrix")
W = matrix("W_W", "weight_matrix", "a weight matrix", (r_W, c_W))
W_next = matrix("W_W+", "weight_matrix_next", "the matrix after the step", (r_W, c_W), "derived")
D_W = matrix("D_W", "gradient_matrix", "gradient of the loss in the matrix", (r_W, c_W))
U_W = matrix("U_W", "inner_direction", "direction in the eigenbases", (r_W, c_W))
O_W = matrix("O_W", "polar", "polar factor of the averaged gradient", (r_W, c_W))
Q_W = matrix("Q_W", "input_factor", "second moment of the layer's inputs", (c_W, c_W),
             "positive_definite")  # fmt: skip
P_W = matrix("P_W", "output_factor_matrix", "Gauss-Newton factor of the outputs", (r_W, r_W),
             "positive_definite")  # fmt: skip
L_p = matrix("L_p", "left_power", "inverse power of the left statistic", (r_W, r_W))
R_p = matrix("R_p", "right_power", "inverse power of the right statistic", (c_W, c_W))
Q_L = matrix("Q_L", "left_basis", "eigenvectors of the left statistic", (r_W, r_W))
Q_R = matrix("Q_R", "right_basis", "eigenvectors of the right statistic", (c_W, c_W))

# All parameters of a model as one vector.
p_V = size("p_V", "parameters", "number of parameters of the model")
Phi = matrix("Phi", "fisher", "Fisher matrix of all parameters", (p_V, p_V))
Delta = matrix("Delta_V", "natural_direction", "direction that a natural step subtracts", (p_V, 1))
grad_V = matrix("nabla_V", "gradient_vector", "gradient in all parameters", (p_V, 1))
q_V = size("q_V", "null_dimension", "dimension of the null space of the Fisher matrix")
N_V = matrix("N_V", "null_basis", "basis of the null space of the Fisher matrix", (p_V, q_V))

# The linear representation through the moments of one batch, or two.
C_xy = matrix("C_xy", "cross", "cross-moment YᵀX/n of a batch", (m, d), unit="[x][y]")
S_2 = matrix("S_hb", "cov_x_of_head_batch", "sample covariance of the batch of the head", (d, d),
             "positive_definite", "[x]^2")  # fmt: skip
C_2 = matrix("C_hb", "cross_of_head_batch", "cross-moment of the batch of the head", (m, d),
             unit="[x][y]")  # fmt: skip
M_G = matrix("M_G", "moved", "representation before its rows are orthonormalised", (k, d),
             "derived")  # fmt: skip
F_h = matrix("F_h", "head_refitted", "least-squares head for G", (m, k), "derived", "[y]")
V_n = matrix("V_n", "noise_variances", "diagonal matrix of the noise variance of each row", (n, n),
             unit="[y]^2")  # fmt: skip
bias_2 = matrix("b_DFW", "bias_two_batches", "mean step on the complement over the step size",
                (k, d - k))  # fmt: skip
bias_1 = matrix("b_same", "bias_one_batch", "the same with one batch for head and step",
                (k, d - k))  # fmt: skip
loss_before = scalar(
    "L_b", "loss_before_steps", "loss before a few small steps", NONNEGATIVE, "[y]^2"
)
loss_after = scalar("L_a", "loss_after_steps", "loss after them", NONNEGATIVE, "[y]^2")
along_row = scalar("p_g", "row_product", "product of a row of G with the gradient in it")

# The measuring room: what is drawn and measured, beside what was asked for.
found = scalar("z_f", "found_value", "what is found")
asked = scalar("z_a", "asked_value", "what was asked for")
low_end = scalar("z_l", "low_end", "lower end of an axis")
high_end = scalar("z_h", "high_end", "upper end of an axis")
dof = scalar("nu_f", "degrees_found", "degrees of freedom of a sum of squares", POSITIVE)
rows_F = size("n_F", "feature_rows", "rows of a feature matrix")
width_F = size("N_F", "feature_count", "columns of a feature matrix")
Z_F = matrix("Z_F", "centred_features", "centred features", (rows_F, width_F))
y_F = matrix("y_F", "centred_targets", "centred targets", (rows_F, 1))
a_F = matrix("a_F", "ridge_coefficients", "ridge coefficients", (width_F, 1))
mu_F = scalar("mu_F", "ridge_penalty", "penalty of a ridge fit", POSITIVE)
