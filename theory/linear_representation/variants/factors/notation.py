"""Notation of KFAC's input factor: where it comes from, how old it is, what a floor then is."""

from theory.core.notation import NONNEGATIVE, POSITIVE, UNIT, d, k, matrix, scalar, size

n_f = size("n_f", "factor_rows", "rows of the batch of the input factor")
b_f = scalar("b_f", "factor_decay", "decay of the moving average of the input factor", UNIT)
w_now = scalar(
    "w_0", "current_share", "1 − b_f if an average includes the current batch, else 0", UNIT
)
q_f = scalar("q_f", "memory_share", "sum of the squared weights of an average", UNIT)
a_f = scalar("a_f", "square_kept", "(1 − η)²", NONNEGATIVE)
K_f = size("K_f", "factor_every", "steps from one renewal of the factor to the next")
v_rel = scalar("v_f", "relative_floor", "stationary E|T|_F² over σ² tr(H⁻¹) tr(Σ_s⁻¹)", NONNEGATIVE)
c_loss = scalar("c_f", "rows_lost", "rows that the floor of an average lacks")
q_mean = scalar("q_f^1", "mean_multiplier", "mean multiplier of the tangent matrix")
q_square = scalar(
    "q_f^2", "square_multiplier", "multiplier of the mean square of the tangent matrix", NONNEGATIVE
)
eta_one = scalar("eta_1", "best_single_step", "step size of the smallest mean square", POSITIVE)
x_talk = scalar(
    "x_f", "cross_talk", "mean square that an error of the head brings into T", NONNEGATIVE
)
g_T = scalar("g_T", "tangent_gain", "mean-square gain of T in the joint recursion", POSITIVE)
g_u = scalar("g_u", "cross_gain", "mean-square gain of the part in the rows of G⋆", POSITIVE)
g_sum = scalar("g_f", "loop_gain", "mean-square gain of the whole recursion", NONNEGATIVE)
r_one = scalar(
    "r_f", "factor_rate", "mean effective step over η, factor of another batch", POSITIVE
)
m_two = scalar(
    "m_f", "factor_second_moment", "mean of the squared inverse of a whitened factor", POSITIVE
)
s_f = scalar(
    "s_f", "step_signature", "mean square distance of a step from (1 − η)T over that of T",
    NONNEGATIVE,
)  # fmt: skip
w_eig = scalar("omega_f", "stale_eigenvalue", "an eigenvalue of Σ_s times the complement block of "
               "the inverse factor", POSITIVE)  # fmt: skip
p_grow = scalar("p_f", "growing_share", "share of factors of one batch with which T grows", UNIT)
g_kept = scalar("g_f^1", "cycle_kept", "mean square that K_f − 1 steps on an old factor leave of 1",
                POSITIVE)  # fmt: skip
g_own = scalar("g_f^2", "cycle_own", "what they leave of the noise of the factor's own batch, over "
               "η²", POSITIVE)  # fmt: skip
g_old = scalar("g_f^3", "cycle_old", "what they add in noise, over η²", NONNEGATIVE)
alpha_tail = scalar(
    "alpha_f", "tail_exponent", "exponent of the tail of |T| after a cycle", POSITIVE
)

D_row = matrix("D_i", "row_resistance", "what damps the mean square of a row",
               (d - k, d - k), "derived")  # fmt: skip
D_full = matrix("D_i^G", "full_row_resistance", "the same for a frozen head", (d, d), "derived")
v_row = scalar("v_i", "row_floor", "stationary mean square of a row of T", NONNEGATIVE)
v_full = scalar("v_i^G", "full_row_floor", "stationary mean square of a row of G − G⋆", NONNEGATIVE)
g_row = scalar("g_i", "row_gain", "mean-square gain of a row", NONNEGATIVE)

# LR-29, both layers with factors of another batch: means of the preconditioned step's blocks
k_s = scalar("k_s", "head_side_mean", "mean step in the rows of G⋆", POSITIVE)
k_p = scalar("k_p", "complement_mean", "mean step in the complement", POSITIVE)
x_ss = scalar("x_ss", "square_within", "mean square of the step in the rows of G⋆", POSITIVE)
x_sp = scalar("x_sp", "square_across", "mean square of the step across the blocks", POSITIVE)
x_pp = scalar("x_pp", "square_complement", "mean square of the step in the complement", POSITIVE)
