"""Packages of one method, mostly by its authors."""

from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.package import Entry, Package

SGDP = Entry(options={"lr": 1e-2}, variants={"momentum=0.9": {"momentum": 0.9}})


def _ranger21(cls: Any) -> Callable[..., Any]:
    def build(params: Any, *, lr: float = 1e-3, **options: Any) -> Any:
        # Its warm-up would be as long as the constructor's betas say.
        length = {"num_epochs": 10, "num_batches_per_epoch": 100, "num_warmup_iterations": 20}
        return cls(params, lr, **{**length, **options})

    return build


PACKAGES = (
    Package(distribution="lion-pytorch", modules=("lion_pytorch",)),
    Package(
        distribution="came-pytorch",
        modules=("came_pytorch",),
        entries={"CAME": Entry(options={"lr": 1e-3})},
    ),
    Package(
        distribution="adabelief-pytorch",
        modules=("adabelief_pytorch",),
        entries={
            "AdaBelief": Entry(
                options={"print_change_log": False}, variants={"rectify=False": {"rectify": False}}
            )
        },
    ),
    Package(distribution="adabound", modules=("adabound",)),
    Package(distribution="adamod", modules=("adamod",)),
    Package(distribution="adamp", modules=("adamp",), entries={"SGDP": SGDP}),
    Package(distribution="adamwclip", modules=("AdamWClip",)),
    # Its betas are one minus the usual ones, as its README says.
    Package(
        distribution="adan-pytorch",
        modules=("adan_pytorch",),
        entries={"Adan": Entry(claims=set())},
    ),
    Package(
        distribution="adam-mini",
        modules=("adam_mini",),
        entries={"Adam_mini": Entry(needs={"named"}, options={"verbose": False})},
    ),
    Package(distribution="ano-optimizer", modules=("ano_optimizer",)),
    Package(distribution="fsgdm", modules=("fsgdm",)),
    Package(
        distribution="grokadamw",
        modules=("grokadamw",),
        entries={
            "GrokAdamW": Entry(
                expected={"api.order": "documented: momentum decays by the place of the layer"}
            )
        },
    ),
    Package(
        distribution="ivon-opt",
        modules=("ivon",),
        entries={"IVON": Entry(options={"lr": 0.1, "ess": 1e4}, needs={"sampled"})},
    ),
    Package(distribution="madgrad", modules=("madgrad",)),
    Package(
        distribution="open-lars",
        modules=("open_lars",),
        entries={"LARS": Entry(options={"lr": 1e-1})},
    ),
    Package(
        distribution="pytorch-lamb",
        modules=("pytorch_lamb.lamb",),
        entries={
            "Lamb": Entry(
                expected={"def.trajectory": "its source: paper v3 does not use debiasing"}
            )
        },
    ),
    Package(
        distribution="ranger21",
        modules=("ranger21.ranger21", "ranger21.rangerabel"),
        entries={
            "Ranger21": Entry(make=_ranger21),
            "Ranger21abel": Entry(
                make=_ranger21,
                expected=dict.fromkeys(
                    ("api.lr-read", "api.groups", "api.resume"),
                    "documented: it schedules its own rate",
                ),
            ),
        },
    ),
    Package(distribution="sgd-sai", modules=("sgd_sai",)),
    Package(distribution="torch-adopt", modules=("adopt",)),
    Package(
        distribution="transformers",
        modules=("transformers.optimization",),
        entries={
            "Adafactor": Entry(
                variants={"relative_step=False": {"relative_step": False, "lr": 1e-3}}
            ),
            "LayerWiseDummyOptimizer": Entry(skip="does nothing, by design"),
        },
    ),
)
