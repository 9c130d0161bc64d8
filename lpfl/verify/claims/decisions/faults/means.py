"""Faults that the checks of DR-03 to DR-05 must refute."""

from lpfl.verify.planting import Fault

INTERVAL = "lpfl.decide.interval:mean_interval"
QUANTILE = "lpfl.decide.interval:quantile"
SHIFT = "lpfl.decide.interval:Interval.shift"
EQUIVALENCE = "lpfl.decide.means:equivalence"
NEAR = "lpfl.verify.expect.noisy:Near.decide"
ORDERING = "lpfl.decide.means:ordering"

FAULTS = (
    Fault("DR-03", INTERVAL, "math.sqrt(variance / (count - 1))", "math.sqrt(variance) / count",
          "standard error over n"),
    Fault("DR-03", INTERVAL, "math.sqrt(variance / (count - 1))", "math.sqrt(variance / count)",
          "n for n - 1"),
    Fault("DR-03", INTERVAL, "float(sample.mean())", "float(sorted(sample)[count // 2])",
          "median for the mean"),
    Fault("DR-03", INTERVAL, "(-1.0, 1.0)", "(1.0, -1.0)", "the long tail on the wrong side"),
    Fault("DR-03", QUANTILE, "SEEN * max(skewness, 0.0) + HIDDEN / math.sqrt(count)", "0.0",
          "skewness ignored"),
    Fault("DR-03", QUANTILE, "tail / ALLOWANCE", "2.0 * tail / ALLOWANCE", "both tails for one"),
    Fault("DR-04", EQUIVALENCE, "(matters is None or detectable <= matters)", "True",
          "the rival ignored"),
    Fault("DR-04", EQUIVALENCE, "apart > tolerance", "apart > 1.05 * tolerance",
          "refuted five per cent later"),
    Fault("DR-04", EQUIVALENCE, "reach <= tolerance", "apart <= tolerance",
          "confirmed as soon as the interval touches"),
    Fault("DR-04", EQUIVALENCE,
          "max(interval.high - predicted, predicted - interval.low)",
          "interval.high - predicted", "one side only"),
    Fault("DR-04", EQUIVALENCE,
          "max(interval.low - predicted, predicted - interval.high)",
          "interval.low - predicted", "never refuted from above"),
    Fault("DR-04", EQUIVALENCE, "tolerance + interval.shift", "interval.shift",
          "the tolerance left out of what is detectable"),
    Fault("DR-04", SHIFT, "z * z / (2.0 * (self.count - 1))", "0.0",
          "spread of the standard errors ignored"),
    Fault("DR-04", EQUIVALENCE, "alpha / 2.0", "alpha", "two tails, each of the whole level"),
    Fault("DR-05", ORDERING, "interval.high < -slack", "interval.low < -slack",
          "refuted as soon as the interval touches"),
    Fault("DR-05", ORDERING, "interval.high < -slack", "False", "never refuted"),
    Fault("DR-05", ORDERING, "interval.low >= -slack", "interval.high >= -slack",
          "confirmed by the upper end"),
    Fault("DR-05", ORDERING, "interval.low >= -slack", "interval.low >= 0.0", "slack forgotten"),
    Fault("DR-05", ORDERING, "(matters is None or detectable <= matters)", "True",
          "the rival of an ordering ignored"),
    Fault("DR-03", "lpfl.decide.interval:mean_interval", "variance**1.5", "variance",
          "skewness in the units of the sample"),
    Fault("DR-03", QUANTILE, "max(skewness, 0.0)", "abs(skewness)",
          "both sides long where one tail is"),
    Fault("DR-04", "lpfl.decide.interval:Interval.reach", "max(self.below, self.above)",
          "min(self.below, self.above)", "the shorter side"),
    Fault("DR-04", NEAR, "None if self.rival is None else abs(self.predicted - self.rival.value)",
          "None", "the rival of a comparison not looked at"),
    Fault("DR-04", NEAR, "abs(self.predicted - self.rival.value)",
          "max(10.0, abs(self.predicted - self.rival.value))", "rivals floored away"),
    Fault("DR-04", NEAR, "self.tolerance.value", "1.1 * self.tolerance.value",
          "a tenth more than the tolerance"),
    Fault("DR-05", "lpfl.verify.expect.noisy:Ordered.decide", "better - worse",
          "abs(better - worse)", "differences without signs"),
    Fault("DR-05", "lpfl.verify.expect.noisy:Ordered.decide", "self.matters", "None",
          "what matters in an ordering ignored"),
    Fault("DR-05", ORDERING, 'mean_interval("differences", differences, alpha)',
          'mean_interval("differences", differences, alpha / 2.0)', "half the level"),
    Fault("DR-04", "lpfl.decide.means:interval_outcome", "abs(gap) + half_width",
          "abs(gap) - half_width", "an interval that is given confirms when it touches"),
)  # fmt: skip
