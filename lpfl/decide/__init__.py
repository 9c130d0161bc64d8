"""Numbers -> Verdict. Knows no model.

Every decision refutes a true statement with probability at most ``alpha`` (0 for deterministic
decisions), and confirms only what it could have refuted: ``matters`` is the smallest effect a
user would care about, ``detectable`` the smallest one that is refuted with power 0.9. If
``detectable > matters`` the outcome is inconclusive.

``statistic`` is normalised so that 1 is the limit of what is confirmed; ``margin = 1 - statistic``.
"""

from lpfl.decide.deterministic import bound, exact_identity, identity
from lpfl.decide.interval import mean_interval, quantile
from lpfl.decide.laws import bound_whp, chi_square, dof_for_scale, uniform_law
from lpfl.decide.means import equivalence, interval_outcome, ordering
from lpfl.decide.verdict import POWER, SEVERITY, Outcome, Verdict, most_severe

__all__ = [
    "POWER",
    "SEVERITY",
    "Outcome",
    "Verdict",
    "bound",
    "bound_whp",
    "chi_square",
    "dof_for_scale",
    "equivalence",
    "exact_identity",
    "identity",
    "interval_outcome",
    "mean_interval",
    "most_severe",
    "ordering",
    "quantile",
    "uniform_law",
]
