"""adv-optm: optimizers with many switches."""

from lpfl.conformance.peers.factories import identity_compile
from lpfl.conformance.peers.package import Entry, Package

PACKAGES = (
    Package(
        distribution="adv-optm",
        modules=("adv_optm",),
        prepare=identity_compile,
        entries={
            "AdamW_adv": Entry(claims={"adamw"}),
            "Adopt_adv": Entry(claims={"adopt"}),
            "Lion_adv": Entry(claims={"lion"}),
            "Muon_adv": Entry(
                claims=set(),
                variants={"rms_rescaling=False": {"rms_rescaling": False}},
                variant_claims={"rms_rescaling=False": {"muon"}},
            ),
        },
    ),
)
