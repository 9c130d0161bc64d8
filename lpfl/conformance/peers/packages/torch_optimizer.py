"""torch-optimizer (jettify): the older collection."""

from lpfl.conformance.peers.factories import around
from lpfl.conformance.peers.package import Entry, Package

PACKAGES = (
    Package(
        distribution="torch-optimizer",
        modules=("torch_optimizer",),
        entries={
            "Adahessian": Entry(needs={"create_graph"}),
            "AdaBelief": Entry(variants={"rectify=True": {"rectify": True}}),
            "Lamb": Entry(variants={"debias=True": {"debias": True}}),
            "Lookahead": Entry(make=around("AdamW")),
            "Yogi": Entry(),
        },
    ),
    Package(distribution="pytorch-ranger", modules=("pytorch_ranger",)),
)
