"""Faults that the check of DR-06 must refute."""

from lpfl.verify.planting import Fault

LAWS = "lpfl.decide.laws"

FAULTS = (
    Fault("DR-06", f"{LAWS}:chi_square",
          "2.0 * min(stats.chi2.sf(value, dof), stats.chi2.cdf(value, dof))",
          "2.0 * stats.chi2.sf(value, dof)", "totals that are too small pass"),
    Fault("DR-06", f"{LAWS}:chi_square",
          "2.0 * min(stats.chi2.sf(value, dof), stats.chi2.cdf(value, dof))",
          "min(stats.chi2.sf(value, dof), stats.chi2.cdf(value, dof))", "one tail for two"),
    Fault("DR-06", f"{LAWS}:chi_square",
          "2.0 * min(stats.chi2.sf(value, dof), stats.chi2.cdf(value, dof))",
          "2.0 * min(stats.chi2.sf(value, dof + 1), stats.chi2.cdf(value, dof + 1))",
          "a degree of freedom too many"),
    Fault("DR-06", f"{LAWS}:uniform_law", "tail_statistic(float(result.pvalue), alpha)",
          "tail_statistic(float(result.statistic), alpha)", "the distance for its p-value"),
    Fault("DR-06", f"{LAWS}:uniform_law", 'stats.kstest(sample, "uniform", method="exact")',
          'stats.kstest(sample[1:], "uniform", method="exact")', "the first value dropped"),
    Fault("DR-06", f"{LAWS}:uniform_law", 'stats.kstest(sample, "uniform", method="exact")',
          'stats.kstest(sample**2, "uniform", method="exact")', "squares of the values"),
    Fault("DR-06", f"{LAWS}:uniform_law", 'stats.kstest(sample, "uniform", method="exact")',
          'stats.kstest(sample, "uniform", alternative="greater", method="exact")',
          "one-sided distance"),
    Fault("DR-06", f"{LAWS}:chi_square", "tail <= alpha", "tail <= 2 * alpha",
          "twice the level"),
    Fault("DR-06", f"{LAWS}:uniform_law", "result.pvalue <= alpha",
          "result.pvalue <= 2 * alpha", "twice the level"),
    Fault("DR-06", f"{LAWS}:bound_whp", "violations >= critical", "violations > critical",
          "one count late"),
    Fault("DR-06", f"{LAWS}:bound_whp", "_critical_violations(trials, delta, alpha)",
          "_critical_violations(trials, delta / 2, alpha)", "half the rate allowed"),
    Fault("DR-06", f"{LAWS}:bound_whp", "Outcome.REFUTED", "Outcome.INCONCLUSIVE",
          "never refuted"),
    Fault("DR-06", f"{LAWS}:_critical_violations",
          "stats.binom.sf(count - 1, trials, delta) > alpha",
          "stats.binom.sf(count, trials, delta) > alpha", "the tail beyond the count"),
    Fault("DR-06", "lpfl.decide.verdict:tail_statistic", "math.log(alpha)", "math.log(2 * alpha)",
          "another limit"),
)  # fmt: skip
