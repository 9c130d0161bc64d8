"""pytorch-optimizer (kozistr): some 130 optimizers in one package."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.peers.factories import SHARED_NAMES, around, by_dimension, flagged, on_base
from lpfl.conformance.peers.package import Entry, Package

LOW_RANK = {"rank": 2, "update_proj_gap": 1, "scale": 1.0, "projection_type": "std"}


def _wsam(cls: Any) -> Callable[..., Any]:
    def build(model: Any, *, lr: float = 1e-2, **options: Any) -> Any:
        return cls(model, model.parameters(), torch.optim.SGD, lr=lr, **options)

    return build


def _low_rank(cls: Any) -> Callable[..., Any]:
    def build(params: Any, *, rank: int = 0, **options: Any) -> Any:
        if not rank:
            return cls(params, **options)
        return cls(by_dimension(params, matrices={**LOW_RANK, "rank": rank}), **options)

    return build


LOW_RANK_ENTRY = Entry(make=_low_rank, variants={"rank=2": {"rank": 2}})
MUON = Entry(make=flagged(matrices={"use_muon": True}, others={"use_muon": False}))
SHARPNESS = Entry(make=on_base("SGD"), needs={"closure"})

PACKAGES = (
    Package(
        distribution="pytorch-optimizer",
        modules=("pytorch_optimizer",),
        entries={
            "A2Grad": Entry(
                variants={"variant=inc": {"variant": "inc"}, "variant=exp": {"variant": "exp"}}
            ),
            "APOLLO": LOW_RANK_ENTRY,
            "ASGD": Entry(
                expected={"api.keys": "documented: it adapts its rate (lr) at each step"}
            ),
            "AdaBelief": Entry(variants={"rectify=True": {"rectify": True}}),
            "AdaFactor": Entry(
                options={"momentum_dtype": torch.float32},
                variants={"relative_step=False": {"relative_step": False}},
            ),
            "AdaGO": MUON,
            "AdaHessian": Entry(needs={"create_graph"}),
            "AdaLOMO": Entry(needs={"model", "fused"}),
            "AdaMuon": MUON,
            "AdamMini": Entry(needs={"model"}),
            "AliG": Entry(needs={"value_closure"}),
            "BSAM": Entry(
                options={"num_data": 100},
                needs={"closure", "grad_first"},
                expected={"api.lr-zero": "documented: noisy perturbations of the parameters"},
            ),
            "BaseOptimizer": Entry(skip="base class"),
            "Conda": LOW_RANK_ENTRY,
            "DeMo": Entry(undrivable="needs an initialised process group"),
            "DistributedMuon": Entry(undrivable="needs an initialised process group"),
            "Fira": LOW_RANK_ENTRY,
            "FriendlySAM": SHARPNESS,
            "GSAM": Entry(undrivable="perturbs through its own forward and loss (set_closure)"),
            "GaLore": LOW_RANK_ENTRY,
            "LARS": Entry(variants={"nesterov=True": {"nesterov": True}}),
            "LOMO": Entry(needs={"model", "fused"}),
            "LoRARite": Entry(undrivable="takes pairs of low-rank adapters only"),
            "LookSAM": SHARPNESS,
            "Lookahead": Entry(make=around("AdamW")),
            "MARS": Entry(
                variants={
                    "mars_type=lion": {"mars_type": "lion"},
                    "mars_type=shampoo": {"mars_type": "shampoo"},
                },
                variant_claims={"mars_type=lion": set(), "mars_type=shampoo": set()},
            ),
            "Magma": Entry(make=around("AdamW")),
            "Muon": replace(MUON, claims={"muon", "adamw"}),
            "MuonClip": MUON,
            "NorMuon": MUON,
            "OrthoGrad": Entry(make=around("AdamW")),
            "PCGrad": Entry(undrivable="takes a list of losses (pc_backward)"),
            "Ranger21": Entry(options={"num_iterations": 1000, "num_warm_up_iterations": 20}),
            "SAM": Entry(make=on_base("SGD"), needs={"closure"}, claims={"sam"}),
            "SCIONLight": Entry(needs={"keeps_grad"}),
            "SGDW": Entry(variants={"momentum=0.9": {"momentum": 0.9}}),
            "SGDP": Entry(variants={"momentum=0.9": {"momentum": 0.9}}),
            "SafeFP16Optimizer": Entry(undrivable="scales the loss itself (optimizer.backward)"),
            "ScheduleFreeWrapper": Entry(
                make=around("AdamW"),
                needs={"mode"},
                expected={
                    **SHARED_NAMES,
                    "api.resume": "its weight_decay is not that of the group",
                },
            ),
            "Shampoo": Entry(
                variants={"preconditioning_compute_steps=4": {"preconditioning_compute_steps": 4}},
                variant_claims={"preconditioning_compute_steps=4": set()},
            ),
            "SignSGD": Entry(variants={"momentum=0": {"momentum": 0.0}}),
            "SophiaH": Entry(needs={"create_graph"}),
            "SpectralSphere": Entry(needs={"matrices"}),
            "TRAC": Entry(make=around("AdamW"), expected=SHARED_NAMES),
            "WSAM": Entry(make=_wsam, needs={"model", "closure"}),
        },
    ),
)
