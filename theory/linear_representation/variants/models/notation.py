"""Notation of other models and other inputs: chains, biases, batch-norm, kurtosis, plateaus."""

import sympy as sp

from theory.core.notation import NONNEGATIVE, POSITIVE, UNIT, d, k, m, matrix, n, scalar, size

# LR-43: chains of layers
L_chain = size("L", "num_layers", "layers of a chain")
w_mid = size("w_2", "middle_width", "width of the wider hidden layer")
eta_M = scalar("eta_M", "middle_step_size", "step size of every middle layer", NONNEGATIVE)
C_mid = matrix("C_2", "middle", "middle layer of a chain of three", (k, k))
E_p = matrix("E_p", "product_error", "error of the product of all layers", (m, d), "derived")
J_first = matrix("J_1", "jacobian_first", "Jacobian of the outputs in the first layer",
                 (n * m, k * d), "derived")  # fmt: skip
J_middle = matrix("J_2", "jacobian_middle", "Jacobian of the outputs in the middle layer",
                  (n * m, k * k), "derived")  # fmt: skip
J_last = matrix("J_3", "jacobian_last", "Jacobian of the outputs in the last layer",
                (n * m, m * k), "derived")  # fmt: skip
D_first = matrix("D_W_1", "move_first", "KFAC step of the first layer", (k, d), "derived")
D_middle = matrix("D_W_2", "move_middle", "KFAC step of the middle layer", (k, k), "derived")
D_last = matrix("D_W_3", "move_last", "KFAC step of the last layer", (m, k), "derived")
Pi_out = matrix("Pi_o", "output_projector", "projector on the range of the last layer",
                (m, m), "derived")  # fmt: skip
Pi_in = matrix("Pi_i", "input_projector", "Σ-projector on the rows of the first layer",
               (d, d), "derived")  # fmt: skip

# LR-44: biases
mean_2 = scalar("mu^2", "mean_norm2", "μᵀΣ⁻¹μ: squared mean of the inputs over their spread",
                NONNEGATIVE)  # fmt: skip
mu = matrix("mu", "input_mean", "mean of the inputs", (d, 1), unit="[x]")
r_bar = matrix("r_m", "residual_mean", "mean residual", (m, 1), unit="[y]")
M_c = matrix("M_c", "residual_cross_centred", "cross-covariance of residual and input", (m, d),
             unit="[x][y]")  # fmt: skip
b_0 = matrix("b_0", "intercept", "bias of the hidden layer", (k, 1))
D_slope = matrix("D_S", "move_slope", "KFAC step of the weights beside a bias", (k, d), "derived")
D_bias = matrix("D_b", "move_bias", "KFAC step of the bias", (k, 1), "derived")
S_t = matrix("S_t", "homogeneous_moment", "second moment of (x, 1)", (d + 1, d + 1), "derived")
S_o = matrix("S_o", "own_factor", "the same without the entries between x and 1",
             (d + 1, d + 1), "derived")  # fmt: skip
G_t = matrix("G_t", "homogeneous_map", "map of (x, 1) to (h, 1)", (k + 1, d + 1), "derived")
Z_t = matrix("Z_t", "homogeneous_hidden", "second moment of (h, 1)", (k + 1, k + 1), "derived")
Z_o = matrix("Z_o", "own_hidden_factor", "the same without the entries between h and 1",
             (k + 1, k + 1), "derived")  # fmt: skip
K_own = matrix("K_o", "own_map", "map of a row of the error with factors of their own",
               (d + 1, d + 1), "derived")  # fmt: skip
K_head = matrix("K_v", "own_head_map", "the same for a row that only the head can express",
                (k + 1, k + 1), "derived")  # fmt: skip

# LR-48: batch-norm with statistics of another task
c_cov = scalar("c_Sigma", "cov_scale", "factor on the covariance of the new inputs", POSITIVE)
excess_zero = scalar(
    "e_zero", "risk_zero", "risk of predicting 0 under the old covariance", NONNEGATIVE, "[y]^2"
)
excess_scaled = scalar(
    "e_c", "excess_rescaled", "excess risk under the new covariance", NONNEGATIVE, "[y]^2"
)
F_bn = matrix("F_bn", "head_batch_norm", "head behind the normalised units", (m, k), "derived",
              "[y]")  # fmt: skip
M_bn = matrix("M_bn", "misfit_batch_norm", "misfit of a head used with other scales", (m, d),
              "derived")  # fmt: skip

# LR-45: joint KFAC from a random start
clock = scalar("theta_t", "euler_time", "time of the flow after t steps", NONNEGATIVE)
clock_need = scalar("theta_a", "plateau_time", "time of the flow to the wanted angle")
s_off = scalar("s_o", "complement_size", "size of the start outside the true subspace",
               POSITIVE, "1/[x]")  # fmt: skip
f_off = scalar("f_o", "head_off_size", "size of the first head outside the range of F⋆",
               POSITIVE, "[y]")  # fmt: skip
y_start = scalar("y_0", "start_overlap", "growing part of the start", POSITIVE, "1/[x]")
tan_want = scalar("tau_w", "tan_angle", "tangent of the wanted angle", POSITIVE)
t_plateau = scalar("t_n", "plateau_length", "steps to the wanted angle", NONNEGATIVE)
Q_off = matrix("Q_o", "head_off_projector", "projector off the range of the true head", (m, m),
               "derived")  # fmt: skip
V_G = matrix("V_G", "flow_representation", "where the flow takes the representation", (k, d),
             "derived")  # fmt: skip
V_F = matrix("V_F", "flow_head", "where the flow takes the head", (m, k), "derived")

# LR-42: inputs that are not Gaussian
g_kurt = scalar("g_4", "excess_kurtosis", "excess kurtosis of the independent components",
                sp.Interval(-2, sp.oo))  # fmt: skip
c_inv = scalar("c_S", "inverse_scale", "mean inverse of the batch's covariance over Σ⁻¹", POSITIVE)
kappa_w = scalar("kappa_w", "scale_square", "E w² of the scales w, whose mean is 1",
                 sp.Interval(1, sp.oo))  # fmt: skip
spread_w = scalar("delta_w", "scale_spread", "half the distance of two equally likely scales", UNIT)
c_pp = scalar("c_pp", "complement_share", "mean fourth power of the columns of B, per row", UNIT)
q_square = scalar("q_sq", "square_factor", "mean of |T|² after a step over |T|²", NONNEGATIVE)
