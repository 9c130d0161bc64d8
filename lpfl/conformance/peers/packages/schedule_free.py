"""schedulefree: methods without a schedule; the closure versions need no modes."""

from lpfl.conformance.peers.factories import around
from lpfl.conformance.peers.package import Entry, Package

CLOSURE = Entry(needs={"closure"})

PACKAGES = (
    Package(
        distribution="schedulefree",
        modules=("schedulefree",),
        entries={
            "AdamWScheduleFreeClosure": CLOSURE,
            "RAdamScheduleFreeClosure": CLOSURE,
            "SGDScheduleFreeClosure": CLOSURE,
            "ScheduleFreeWrapper": Entry(make=around("AdamW"), needs={"mode"}),
            "ScheduleFreeWrapperReference": Entry(make=around("AdamW"), needs={"mode"}),
        },
        functions=("ScheduleFreeWrapper", "ScheduleFreeWrapperReference"),
    ),
)
