"""Gradients projected to low rank, and optimizers fused with the backward pass."""

from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.factories import by_dimension
from lpfl.conformance.peers.package import Entry, Package

GALORE = {"update_proj_gap": 1, "scale": 1.0, "proj_type": "std"}
APOLLO = {"proj": "svd", "scale_type": "tensor", **GALORE}


def _ranked(more: dict[str, Any]) -> Callable[[Any], Callable[..., Any]]:
    def make(cls: Any) -> Callable[..., Any]:
        def build(params: Any, *, rank: int = 0, **options: Any) -> Any:
            if not rank:
                return cls(params, **options)
            return cls(by_dimension(params, matrices={**more, "rank": rank}), **options)

        return build

    return make


NEEDS_GPU = Entry(undrivable="its 8-bit state needs a GPU")
RANKED = Entry(make=_ranked(GALORE), variants={"rank=2": {"rank": 2}})
CHANNELS = Entry(make=_ranked(APOLLO), variants={"rank=2": {"rank": 2}})

PACKAGES = (
    Package(
        distribution="galore-torch",
        modules=("galore_torch",),
        entries={"GaLoreAdamW": RANKED, "GaLoreAdamW8bit": NEEDS_GPU, "GaLoreAdafactor": RANKED},
    ),
    Package(
        distribution="apollo-torch",
        modules=("apollo_torch",),
        entries={
            "APOLLOAdamW": CHANNELS,
            "QAPOLLOAdamW": Entry(
                undrivable="its 8-bit state needs a GPU and an older bitsandbytes"
            ),
            "GaLoreAdamW": RANKED,
            "GaLoreAdamW8bit": NEEDS_GPU,
            "GaLoreAdafactor": RANKED,
        },
    ),
    Package(
        distribution="lomo-optim",
        modules=("lomo_optim",),
        entries={
            "Lomo": Entry(needs={"model", "fused"}),
            "AdaLomo": Entry(undrivable="puts its state on a GPU"),
        },
    ),
)
