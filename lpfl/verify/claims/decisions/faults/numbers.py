"""Faults that the check of DR-08 must refute."""

from lpfl.verify.planting import Fault

MEANS = "lpfl.decide.means"
LAWS = "lpfl.decide.laws"
EXACT = "lpfl.decide.deterministic"

FAULTS = (
    Fault("DR-08", f"{MEANS}:equivalence", "1.0 - reach / tolerance", "1.0 - gap / tolerance",
          "margin without the interval"),
    Fault("DR-08", f"{MEANS}:equivalence", "(interval.low, interval.high)",
          "(interval.mean, interval.high)", "interval from the mean on"),
    Fault("DR-08", f"{MEANS}:equivalence", "interval.std_error / tolerance", "interval.std_error",
          "standard error not in units of the margin"),
    Fault("DR-08", f"{MEANS}:equivalence", "max(tolerance - gap, 0.1 * tolerance)", "tolerance",
          "the gap left out of the replicates needed"),
    Fault("DR-08", f"{MEANS}:_needed", "min(ratio, 1e9) ** 2", "min(ratio, 1e9)",
          "replicates not squared"),
    Fault("DR-08", f"{MEANS}:_needed",
          "max(interval.reach / max(distance, smallest), interval.shift / max(room, smallest))",
          "interval.reach / max(distance, smallest)", "the rival left out of the replicates"),
    Fault("DR-08", f"{MEANS}:_room", "matters - tolerance", "matters",
          "the whole distance of the rival as room"),
    Fault("DR-08", f"{MEANS}:ordering", "2.0 - distance / interval.below",
          "1.0 - distance / interval.below", "an ordering at its limit has statistic 0"),
    Fault("DR-08", f"{MEANS}:ordering", "interval.mean + slack", "interval.mean",
          "slack left out of the statistic"),
    Fault("DR-08", f"{LAWS}:chi_square", "value / dof", "value / (dof - 1)",
          "total over one degree fewer"),
    Fault("DR-08", f"{LAWS}:chi_square", "draws * needed / dof", "needed / dof",
          "replicates behind the total forgotten"),
    Fault("DR-08", f"{LAWS}:chi_square", "1.0 / abs(math.log(alpha))", "0.0",
          "a margin without error"),
    Fault("DR-08", f"{EXACT}:identity", "1.0 - worst / tolerance", "worst / tolerance",
          "statistic for margin of an identity"),
    Fault("DR-08", f"{EXACT}:bound", "1.0 - ratio[worst]", "ratio[worst]",
          "statistic for margin of a bound"),
    Fault("DR-08", f"{LAWS}:uniform_law", "(detectable / matters) ** 2", "detectable / matters",
          "replicates of a distance not squared"),
    Fault("DR-08", "theory.decisions.numbers:DR_08",
          "u_near - g_D", "u_near",
          "the gap forgotten on the near side of a statistic"),
    Fault("DR-08", "theory.decisions.numbers:DR_08",
          "2 - (m_D + tau_D) / u_below", "1 - (m_D + tau_D) / u_below",
          "the statistic of an ordering off by one"),
    Fault("DR-08", "theory.decisions.numbers:DR_08",
          "n_r * (delta_D / delta_R) ** 2", "n_r * delta_D / delta_R",
          "replicates in proportion to the distance, not to its square"),
    Fault("DR-08", "theory.decisions.numbers:DR_08",
          "n_draw * n_see / n_dof", "n_see / n_dof",
          "replicates counted in single draws"),
)  # fmt: skip
