"""Methods that estimate their own step size."""

from lpfl.conformance.peers.package import Entry, Package

PACKAGES = (
    Package(distribution="dadaptation", modules=("dadaptation",)),
    Package(distribution="prodigyopt", modules=("prodigyopt",)),
    Package(distribution="dog-optimizer", modules=("dog",)),
    Package(distribution="dowgopt", modules=("dowg",)),
    Package(
        distribution="parameterfree",
        modules=("parameterfree",),
        entries={
            "KT": Entry(
                expected={"def.descent": "its README: may diverge beyond gradients of norm 1"}
            )
        },
    ),
    Package(distribution="acfgm-pytorch", modules=("acfgm",)),
    Package(
        distribution="ncg-optimizer",
        modules=("ncg_optimizer",),
        entries={
            "BASIC": Entry(needs={"closure"}),
            "LCG": Entry(undrivable="solves quadratic problems in one vector"),
        },
    ),
)
