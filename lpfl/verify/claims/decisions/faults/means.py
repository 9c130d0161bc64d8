"""Faults that the checks of DR-03 to DR-05 must refute."""

from lpfl.verify.planting import Fault

INTERVAL = "lpfl.decide.interval:mean_interval"
QUANTILE = "lpfl.decide.interval:quantile"
SHIFT = "lpfl.decide.interval:Interval.shift"
EQUIVALENCE = "lpfl.decide.means:equivalence"
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
)  # fmt: skip
