"""Faults that the checks of DR-01 and DR-02 must refute."""

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
    Fault("DR-02", "lpfl.verify.check:worst",
          "(severity[verdict.outcome], attained, verdict.margin)",
          "(verdict.margin, attained, severity[verdict.outcome])", "margin before outcome"),
    Fault("DR-02", "lpfl.verify.check:worst", "min(findings, key=rank)",
          "max(findings, key=rank)", "the best finding"),
    Fault("DR-02", "lpfl.verify.check:worst", "min(findings, key=rank)", "findings[0]",
          "the first finding"),
    Fault("DR-02", "lpfl.verify.check:alpha_per_decision",
          "max(noisy_claims, 1) * MAX_SCENARIOS * LOOKS * max(decisions, 1)",
          "max(noisy_claims, 1) * MAX_SCENARIOS * max(decisions, 1)", "looks not counted"),
    Fault("DR-02", "lpfl.verify.check:alpha_per_decision",
          "max(noisy_claims, 1) * MAX_SCENARIOS * LOOKS * max(decisions, 1)",
          "MAX_SCENARIOS * LOOKS * max(decisions, 1)", "claims not counted"),
)  # fmt: skip
