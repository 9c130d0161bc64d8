"""timm's optimizers; importing timm needs two operators that a CPU torchvision lacks."""

import torch

from lpfl.conformance.peers.factories import around, identity_compile
from lpfl.conformance.peers.package import Entry, Package

_KEPT: list[torch.library.Library] = []
CAUTIOUS = Entry(variants={"caution=True": {"caution": True}})


def declare_operators() -> None:
    """Declare what torchvision registers fake versions of, where its library cannot load."""
    identity_compile()
    if _KEPT:
        return
    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError:
        return
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)


PACKAGES = (
    Package(
        distribution="timm",
        modules=("timm.optim",),
        prepare=declare_operators,
        entries={
            "Adafactor": Entry(
                variants={"min_dim_size_to_factor=2": {"min_dim_size_to_factor": 2}}
            ),
            "Adahessian": Entry(needs={"create_graph"}),
            "AdamWLegacy": CAUTIOUS,
            "Adopt": CAUTIOUS,
            "Lamb": Entry(
                claims=set(),
                variants={
                    "always_adapt=True": {"always_adapt": True, "max_grad_norm": None},
                    "caution=True": {"always_adapt": True, "max_grad_norm": None, "caution": True},
                },
                variant_claims={"always_adapt=True": {"lamb"}, "caution=True": {"lamb"}},
            ),
            "Lars": Entry(
                claims=set(),
                variants={"always_adapt=True": {"always_adapt": True}},
                variant_claims={"always_adapt=True": {"lars"}},
            ),
            "Lion": CAUTIOUS,
            "Lookahead": Entry(make=around("AdamW")),
            "Mars": CAUTIOUS,
            "Muon": Entry(variants={"nesterov=True": {"nesterov": True}}),
            "NAdamW": Entry(claims=set()),
            "SGDP": Entry(options={"lr": 1e-2}),
            "SGDW": Entry(variants={"momentum=0.9": {"momentum": 0.9}}),
        },
    ),
)
