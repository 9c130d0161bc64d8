"""Letters of the statements about factors: mixtures, averages, exponents, gradient statistics."""

from theory.core.notation import NATURAL, NONNEGATIVE, POSITIVE, REAL, UNIT, scalar

a_own = scalar("a_0", "own_weight", "weight of the gradient's own batch in the factor", NONNEGATIVE)
a_other = scalar("a_1", "other_weight", "weight of an independent batch", NONNEGATIVE)
W_mix = scalar("W_M", "mixture_scale", "scale of Σ in the resolvent of the factor", POSITIVE)
q_mix = scalar("q_M", "mixture_trace", "lim tr(Σ(M + λI)⁻¹)/d", POSITIVE)
alpha_mix = scalar("lambda_M", "effective_damping", "λ over the scale W_M", NONNEGATIVE, "[x]^2")
u_own = scalar("u_0", "own_share", "share of the gradient's own batch in the factor", UNIT)
g_mix = scalar("g_M", "share_energy", "sum of the squared shares times φ_j/φ", NONNEGATIVE)
K_best = scalar(
    "lambda_Sigma", "best_exact_damping", "best damping of the exact covariance", POSITIVE, "[x]^2"
)
risk_ridge = scalar(
    "R_beta", "direction_risk", "test error of βᵀx as a fit of y", POSITIVE, "[y]^2"
)
rho2_other = scalar("rho_o^2", "alignment_other_rule", "squared cosine of another rule", UNIT)
f_A = scalar("f_A", "first_filter", "filter at the first eigenvalue", REAL)
f_B = scalar("f_B", "second_filter", "filter at the other eigenvalue", REAL)
b_avg = scalar("b_M", "average_decay", "decay of the moving average of the factor", UNIT)
T_steps = scalar("T_M", "movement_steps", "steps whose movement is added up", NATURAL)
label_energy = scalar("E_y", "label_energy", "E y², c_1²E[s] + s_2", POSITIVE, "[y]^2")
same_step = scalar("delta_t", "same_step", "1 where both steps are the same, else 0", UNIT)
u_ahead = scalar("u_t", "share_ahead", "share of the second step's batch in the first factor", UNIT)
u_behind = scalar("u_t'", "share_behind", "share of the first step's batch in the second", UNIT)
g_pair = scalar("g_t", "pair_energy", "sum over batches of the shares' products", NONNEGATIVE)
mean_P2 = scalar("p_2", "kept_square", "mean of P_s² over the spectrum", NONNEGATIVE)
mean_sP = scalar("p_s", "kept_power", "mean of sP_s over the spectrum", NONNEGATIVE, "[x]^2")
mean_sP2 = scalar("p_s2", "kept_power_twice", "mean of sP_s² over the spectrum", NONNEGATIVE)
N_pair = scalar("N_M", "pair_noise", "entry of the noise matrix of two steps", REAL, "[y]^2")
length_own = scalar(
    "l_M",
    "movement_length",
    "length of a step whose batch is in its factor, over if not",
    UNIT,
)
kept = scalar("k_a", "noise_reduction_kept", "share of c_1²E[s] that the noise level loses", REAL)
rho2_average = scalar(
    "rho_a^2", "alignment_average", "squared cosine of the movement with averaged factors", UNIT
)
phi_frozen = scalar("varphi_f", "frozen_aspect", "d/n of the batch of a frozen factor", UNIT)
phi_eff = scalar("varphi_a", "average_aspect", "d/n of the batch that an average is worth", UNIT)
p_exp = scalar("p_M", "factor_exponent", "exponent of the inverse factor", REAL)
h_1 = scalar("h_1", "power_filter_mean", "lim tr(h(Σ̂))/d, h(t) = t(t + λ)^(−p_M)", REAL)
h_2 = scalar("h_2", "power_filter_square", "lim tr(h(Σ̂)²)/d", NONNEGATIVE)
h_3 = scalar("h_3", "power_filter_noise", "lim tr(h(Σ̂)²Σ̂⁻¹)/d", NONNEGATIVE)
rho2_half = scalar("rho_1/2^2", "alignment_half_power", "squared cosine for the exponent 1/2", UNIT)
p_best = scalar("p_*", "best_exponent", "best exponent of the exact covariance", REAL)
bulk = scalar("b_R", "gradient_bulk", "E[G′G] beyond the teacher's direction, over Σ", POSITIVE)
signal = scalar("t_R", "gradient_signal", "weight of Σβ⋆β⋆ᵀΣ in E[G′G]", NONNEGATIVE)
eps_R = scalar("epsilon_R", "statistics_damping", "damping of the averaged E[G′G]", NONNEGATIVE)
