"""An optimizer whose runs end in NaN is accused of that, and of nothing else."""

from lpfl import check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.faulty_small import Sgd

ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}


class RootOfEntries(Sgd):
    """The root of entries that may be negative."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g.sqrt()


def test_what_is_not_a_number_is_no_evidence():
    checks = ["api.in-place", "api.late", "api.resume", "api.dtypes"]
    report = check_optimizer(RootOfEntries, on_fail=None, checks=checks, quick=True)
    accused = {r.check: r.message for r in report.results if r.outcome in ACCUSES}
    assert accused.keys() == {"api.dtypes"}, accused
    assert "NaN" in accused["api.dtypes"]
