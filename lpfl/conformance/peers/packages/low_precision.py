"""Optimizers whose state is narrow: bitsandbytes, torchao, optimi."""

from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.factories import identity_compile
from lpfl.conformance.peers.package import Entry, Package

BASE = Entry(skip="base class")
RATIO = Entry(options={"lr": 1e-2, "momentum": 0.9}, claims=set())
MOMENTUM = Entry(options={"lr": 1e-2, "momentum": 0.9}, claims={"momentum"})


def _offloaded(cls: Any) -> Callable[..., Any]:
    def build(params: Any, *, lr: float = 1e-3, **options: Any) -> Any:
        import torch

        return cls(params, torch.optim.AdamW, lr=lr, **options)

    return build


PACKAGES = (
    Package(
        distribution="bitsandbytes",
        modules=("bitsandbytes.optim",),
        entries={
            **dict.fromkeys(("LARS", "LARS32bit", "LARS8bit"), RATIO),
            **dict.fromkeys(("SGD", "SGD32bit", "SGD8bit"), MOMENTUM),
        },
    ),
    Package(
        distribution="torchao",
        modules=("torchao.optim", "torchao.prototype.quantized_training"),
        prepare=identity_compile,
        entries={
            "CPUOffloadOptimizer": Entry(undrivable="needs a GPU"),
            **{
                f"Adam{kind}{width}": Entry(needs={"tensor_lr"})
                for kind in ("", "W")
                for width in ("4bit", "8bit", "Fp8")
            },
        },
    ),
    Package(
        distribution="torch-optimi",
        modules=("optimi",),
        entries={
            "Adam": Entry(options={"lr": 1e-3}),
            "AdamW": Entry(options={"lr": 1e-3}),
            "Adan": Entry(options={"lr": 1e-3}),
            "Lion": Entry(options={"lr": 1e-4}),
            "RAdam": Entry(options={"lr": 1e-3}),
            "Ranger": Entry(options={"lr": 1e-3}),
            "SGD": Entry(
                options={"lr": 1e-2},
                claims={"sgd"},
                variants={"momentum=0.9": {"momentum": 0.9}},
                variant_claims={"momentum=0.9": set()},
            ),
            "StableAdamW": Entry(options={"lr": 1e-3, "triton": False}),
        },
    ),
)
