"""Notation of the decision rules: what they are given, and where their outcome changes."""

import sympy as sp

from theory.core.notation import NONNEGATIVE, POSITIVE, UNIT, scalar, size

# What a rule is given.
e_1 = scalar("e_D1", "first_error", "first relative error", NONNEGATIVE)
e_2 = scalar("e_D2", "second_error", "second relative error", NONNEGATIVE)
e_3 = scalar("e_D3", "third_error", "third relative error", NONNEGATIVE)
tau_D = scalar("tau_D", "tolerance", "tolerance of a comparison", POSITIVE)
r_1 = scalar("r_D1", "first_bound_ratio", "first value over its limit with rounding", NONNEGATIVE)
r_2 = scalar("r_D2", "second_bound_ratio", "second value over its limit with rounding", NONNEGATIVE)
n_r = size("n_D", "replicate_count", "independent replicates in a sample")
S_2 = scalar("S_D2", "squared_deviations", "sum of squared deviations from the mean", NONNEGATIVE)
S_3 = scalar("S_D3", "cubed_deviations", "sum of cubed deviations from the mean")
t_q = scalar("t_D", "student_quantile", "quantile of Student's t at a quarter of the tail")
z_q = scalar("z_D", "normal_quantile", "normal quantile at a quarter of the tail")
z_p = scalar("z_DP", "power_quantile", "normal quantile at the power of 0.9")
alpha_1 = scalar("alpha_D1", "decision_level", "level of one decision", UNIT)
alpha_T = scalar("alpha_DT", "total_level", "level of a whole run", UNIT)
N_C = size("N_DC", "noisy_claims", "claims that make statistical decisions")
N_S = size("N_DS", "most_scenarios", "most scenarios of a claim in one run")
N_D = size("N_DD", "decisions", "statistical decisions in one look at a scenario")
N_L = size("N_DL", "looks", "looks at a scenario")
P_low = scalar("P_low", "lower_tail", "probability of at most what was seen", UNIT)
D_up = scalar("D_up", "largest_excess", "largest excess of the empirical distribution")
D_down = scalar("D_down", "largest_deficit", "largest deficit of the empirical distribution")
tau_max = scalar("tau_DM", "coarsest_tolerance", "tolerance that confirms nothing", POSITIVE)
l_S = scalar("l_DS", "error_norm", "norm of an error of size 1, over one object", POSITIVE)
c_S = scalar("c_DS", "object_scale", "what the error of an object is relative to", POSITIVE)
w_room = scalar("w_room", "room", "distance of a value from its limit", NONNEGATIVE)
v_min = scalar("v_Dmin", "smallest_value", "smallest of the values", POSITIVE)
v_least = scalar("v_Dlow", "least_value", "what every value must reach", POSITIVE)
gap_D = scalar("gap_D", "stated_gap", "how far above its limit a value is said to lie", POSITIVE)
eps_D = scalar("eps_D", "machine_epsilon", "relative rounding of the precision in use", POSITIVE)
kappa_D = scalar("kappa_D", "condition", "condition number of what was solved", POSITIVE)
n_u = size("n_DU", "unknowns", "unknowns of a solve")
n_plan = size("n_DP", "planned_replicates", "replicates planned for the first look")
g_D = scalar("g_D", "gap", "distance of a mean from its prediction", NONNEGATIVE)
m_D = scalar("m_D", "sample_mean", "mean of the sample")
u_side = scalar("u_D", "signed_reach", "reach of an interval: above 0 at the upper end")
q_up = scalar("q_up", "upper_quantile", "quantile exceeded with half the level", POSITIVE)
q_low = scalar("q_low", "lower_quantile", "quantile reached with one minus the power", POSITIVE)
d_crit = scalar("d_crit", "critical_distance", "distance exceeded with the level", NONNEGATIVE)
n_dof = size("n_DF", "degrees_of_freedom", "degrees of freedom of a total")
n_see = size("n_DS", "seeing_degrees", "degrees of freedom that see a ratio of scales")
n_draw = size("n_DW", "draws", "replicates behind a total")
x_mean = scalar("x_D", "mean_total", "mean total of a replicate", NONNEGATIVE)
w_1 = scalar("w_D1", "first_margin", "margin of the first finding")
w_2 = scalar("w_D2", "second_margin", "margin of the second finding")

# What it answers.
stat_D = scalar("s_D", "statistic", "statistic of a decision: 1 is the limit of what is confirmed")
turn = scalar("c_D", "turning_factor", "factor of the input from which a rule refutes", POSITIVE)
p_turn = scalar("p_DL", "turning_level", "p-value from which a rule refutes", UNIT)
s_e = scalar("s_DE", "standard_error", "standard error of a mean", NONNEGATIVE)
u_above = scalar("u_above", "reach_above", "how far an interval reaches above the mean")
u_below = scalar("u_below", "reach_below", "how far an interval reaches below the mean")
u_far = scalar("u_far", "reach", "the longer side of an interval", NONNEGATIVE)
u_near = scalar("u_near", "reach_towards", "the side of an interval towards a value", NONNEGATIVE)
u_away = scalar("u_away", "reach_away", "the side of an interval away from a value", NONNEGATIVE)
g_conf = scalar("g_conf", "confirmed_gap", "largest distance of mean and prediction that confirms")
g_ref = scalar("g_ref", "refuted_gap", "smallest distance of mean and prediction that refutes")
delta_D = scalar("delta_D", "detectable", "smallest error that is refuted with power 0.9")
delta_R = scalar("delta_R", "nearest_rival", "nearest rival beside which a rule confirms")
p_seen = scalar("p_DP", "power", "share of runs that refute an error of the detectable size")
p_miss = scalar("p_DM", "missed", "probability that an interval misses the true mean", UNIT)
p_tail = scalar("p_DT", "tail", "probability that an interval may leave on one side", UNIT)
D_KS = scalar("D_KS", "largest_distance", "largest distance of two distribution functions")
n_look = scalar("n_DL", "second_replicates", "replicates of the second look", NONNEGATIVE)
n_need = scalar("n_need", "replicates_needed", "replicates that would decide", NONNEGATIVE)
v_end = scalar("v_D", "interval_end", "end of an interval")
w_se = scalar("w_DE", "margin_error", "standard error of a margin", NONNEGATIVE)
x_shown = scalar("x_DS", "shown_total", "total that is shown for a replicate", NONNEGATIVE)
found_D = scalar("k_D", "found_count", "how many are found", NONNEGATIVE)
asked_D = size("K_D", "asked_count", "how many there are")
N_run = scalar("N_DR", "scenarios_of_a_profile", "scenarios of a claim in a profile", NONNEGATIVE)
w_D = scalar("w_D", "deciding_margin", "margin of the finding that decides")
N_ref = scalar("N_ref", "refuted_count", "how many false identities are refuted", NONNEGATIVE)
N_all = size("N_all", "false_identities", "how many false identities are given")


def reach(side: int) -> sp.Expr:
    """Return how far the interval of a mean reaches on one side (1: above, -1: below)."""
    skewness = S_3 / n_r / (S_2 / n_r) ** sp.Rational(3, 2)
    assumed = 3 * sp.Max(side * skewness, 0) + 6 / sp.sqrt(n_r)
    widened = t_q + assumed * (2 * z_q**2 + 1) / (6 * sp.sqrt(n_r))
    return sp.sqrt(S_2 / (n_r * (n_r - 1))) * widened


def shift() -> sp.Expr:
    """Return what a mean must be away from a value to be told from it with power 0.9."""
    doubt = z_p**2 / (2 * (n_r - 1))
    q = u_far / s_e
    return s_e * (q + sp.sqrt(q**2 - (1 - doubt) * ((1 - doubt) * q**2 - z_p**2))) / (1 - doubt)
