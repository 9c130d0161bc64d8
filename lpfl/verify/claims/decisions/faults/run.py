"""Faults that the check of DR-02 must refute."""

from lpfl.verify.planting import Fault

CHECK = "lpfl.verify.check"
LOOKS = "lpfl.verify.running.looks:look"

FAULTS = (
    Fault("DR-02", f"{CHECK}:worst",
          "(severity[verdict.outcome], attained, verdict.margin)",
          "(verdict.margin, attained, severity[verdict.outcome])", "margin before outcome"),
    Fault("DR-02", f"{CHECK}:worst", "min(findings, key=rank)",
          "max(findings, key=rank)", "the best finding"),
    Fault("DR-02", f"{CHECK}:worst", "min(findings, key=rank)", "findings[0]",
          "the first finding"),
    Fault("DR-02", f"{CHECK}:alpha_per_decision",
          "max(noisy_claims, 1) * MAX_SCENARIOS * LOOKS * max(decisions, 1)",
          "max(noisy_claims, 1) * MAX_SCENARIOS * max(decisions, 1)", "looks not counted"),
    Fault("DR-02", f"{CHECK}:alpha_per_decision",
          "max(noisy_claims, 1) * MAX_SCENARIOS * LOOKS * max(decisions, 1)",
          "MAX_SCENARIOS * LOOKS * max(decisions, 1)", "claims not counted"),
    Fault("DR-02", f"{CHECK}:worst",
          "(severity[verdict.outcome], attained, verdict.margin)",
          "(severity[verdict.outcome], verdict.margin)", "an attained bound decides"),
    Fault("DR-02", f"{CHECK}:ALPHA_TOTAL", "1e-4", "1e-2", "a hundred times the level"),
    Fault("DR-02", f"{CHECK}:MAX_SCENARIOS", "256", "64", "fewer scenarios than a profile has"),
    Fault("DR-02", f"{CHECK}:decided", "item.decide(trial.alpha)",
          "item.decide(trial.alpha / 2.0)", "a decision at half its level"),
    Fault("DR-02", "lpfl.decide.verdict:most_severe", "max(outcomes, key=SEVERITY.index)",
          "min(outcomes, key=SEVERITY.index)", "the mildest outcome"),
    Fault("DR-02", LOOKS,
          "decisive.outcome is not Outcome.INCONCLUSIVE or decisive.alpha == 0.0", "True",
          "no second look"),
    Fault("DR-02", LOOKS, "replace(trial, effort=EFFORT, memory={})", "trial",
          "the second look is the first again"),
    Fault("DR-02", "lpfl.verify.trial:Trial.replicates", "planned * self.effort", "planned",
          "no more replicates in the second look"),
    Fault("DR-02", "lpfl.verify.trial:Trial._path",
          '() if self.effort == 1 else ("effort", self.effort)', "()",
          "both looks share their streams"),
)  # fmt: skip
