"""Faults that the check of DR-01 must refute."""

from lpfl.verify.planting import Fault

RULES = "lpfl.decide.deterministic"

FAULTS = (
    Fault("DR-01", f"{RULES}:identity", 'require_finite_values("error", error).max()',
          'require_finite_values("error", error).min()', "smallest error"),
    Fault("DR-01", f"{RULES}:identity", 'require_finite_values("error", error).max()',
          'require_finite_values("error", error).mean()', "mean error"),
    Fault("DR-01", f"{RULES}:identity", 'require_finite_values("error", error).max()',
          'require_finite_values("error", error)[-1]', "the last error only"),
    Fault("DR-01", f"{RULES}:identity", "worst > tolerance", "worst > 1.05 * tolerance",
          "exceeded by five per cent"),
    Fault("DR-01", f"{RULES}:bound", "int(np.argmax(ratio))", "int(np.argmin(ratio))",
          "the best case of a bound"),
    Fault("DR-01", f"{RULES}:bound", "int(np.argmax(ratio))", "int(np.argmax(value))",
          "the largest value, whatever its limit"),
    Fault("DR-01", f"{RULES}:bound", "ratio[worst] > 1.0", "ratio[worst] > 1.05",
          "a bound exceeded by five per cent"),
    Fault("DR-01", f"{RULES}:bound", "value / (limit + slack)", "value / (limit + 2.0 * slack)",
          "rounding counted twice"),
    Fault("DR-01", f"{RULES}:exact_identity", "Outcome.CONFIRMED if holds else Outcome.REFUTED",
          "Outcome.CONFIRMED if holds or degree > 4 else Outcome.REFUTED",
          "high degrees always pass"),
    Fault("DR-01", f"{RULES}:identity", "worst > tolerance", "False",
          "an equality is never refuted"),
    Fault("DR-01", f"{RULES}:COARSEST_TOLERANCE", "1e-2", "1e2",
          "a coarse tolerance confirms"),
    Fault("DR-01", f"{RULES}:identity", "outcome = Outcome.INCONCLUSIVE",
          "outcome = Outcome.CONFIRMED", "coarseness said but not judged"),
    Fault("DR-01", "theory.decisions.deterministic:DR_01",
          "sp.Max(e_1, e_2, e_3) / tau_D", "(e_1 + e_2 + e_3) / 3 / tau_D",
          "a statement that takes the mean error"),
    Fault("DR-01", "theory.decisions.deterministic:DR_01",
          "1 / sp.Max(r_1, r_2)", "1 / sp.Min(r_1, r_2)",
          "a statement that takes the smaller ratio to a bound"),
)  # fmt: skip
