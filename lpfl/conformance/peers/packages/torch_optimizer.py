"""torch-optimizer (jettify): the older collection."""

from lpfl.conformance.peers.factories import around
from lpfl.conformance.peers.package import Entry, Package

PACKAGES = (
    Package(
        distribution="torch-optimizer",
        modules=("torch_optimizer",),
        entries={
            "Adahessian": Entry(needs={"create_graph"}),
            "AdaBelief": Entry(
                claims=set(),
                variants={"rectify=True": {"rectify": True}},
                variant_claims={"rectify=True": {"adabelief"}},
            ),
            "Lamb": Entry(variants={"debias=True": {"debias": True}}),
            "Lookahead": Entry(make=around("AdamW")),
            "Yogi": Entry(),
        },
    ),
    Package(distribution="pytorch-ranger", modules=("pytorch_ranger",)),
)
