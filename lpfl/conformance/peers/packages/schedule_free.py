"""schedulefree: methods without a schedule; the closure versions need no modes."""

from lpfl.conformance.peers.factories import SHARED_NAMES, around
from lpfl.conformance.peers.package import Entry, Package

CLOSURE = Entry(needs={"closure"})
WRAPPER = Entry(
    make=around("SGD"),
    needs={"mode"},
    expected=SHARED_NAMES,
    variants={"base=AdamW": {"base": "AdamW"}},
)

PACKAGES = (
    Package(
        distribution="schedulefree",
        modules=("schedulefree",),
        entries={
            "AdamWScheduleFreeClosure": CLOSURE,
            "RAdamScheduleFreeClosure": CLOSURE,
            "SGDScheduleFreeClosure": CLOSURE,
            "ScheduleFreeWrapper": WRAPPER,
            "ScheduleFreeWrapperReference": WRAPPER,
        },
        functions=("ScheduleFreeWrapper", "ScheduleFreeWrapperReference"),
    ),
)
