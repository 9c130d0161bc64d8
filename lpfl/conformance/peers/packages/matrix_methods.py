"""Matrix methods: Muon, PSGD, structured natural gradients, Sophia."""

from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.factories import by_dimension, flagged, identity_compile
from lpfl.conformance.peers.package import Entry, Package


def _with_matrices(name: str) -> Callable[[Any], Callable[..., Any]]:
    """Return a maker: matrices go to the argument ``name`` as well as to ``params``."""

    def make(cls: Any) -> Callable[..., Any]:
        def build(params: Any, **options: Any) -> Any:
            groups = by_dimension(params, matrices={"matrix": True})
            matrices = [p for group in groups if "matrix" in group for p in group["params"]]
            return cls(matrices, [p for group in groups for p in group["params"]], **options)

        return build

    return make


PACKAGES = (
    Package(
        distribution="muon-optimizer",
        modules=("muon",),
        entries={
            "Muon": Entry(undrivable="needs an initialised process group"),
            "MuonWithAuxAdam": Entry(undrivable="needs an initialised process group"),
            "SingleDeviceMuon": Entry(claims={"muon"}),
            "SingleDeviceMuonWithAuxAdam": Entry(
                make=flagged(matrices={"use_muon": True}, others={"use_muon": False}),
                claims={"muon", "adamw"},
            ),
        },
    ),
    Package(
        distribution="kron-torch",
        modules=("kron_torch",),
        prepare=identity_compile,
        entries={
            "DistributedKron": Entry(undrivable="needs several processes with a GPU each"),
            "DistributedOneSidedKron": Entry(undrivable="needs several processes with a GPU each"),
        },
    ),
    Package(distribution="quad-torch", modules=("quad_torch",), prepare=identity_compile),
    Package(
        distribution="singd",
        modules=("singd.optim.optimizer",),
        entries={
            "SINGD": Entry(
                needs={"model"},
                options={"T": 1, "normalize_lr_cov": True},
                variants={
                    "structures=diagonal": {"structures": ("diagonal", "diagonal")},
                    "kfac_like=True": {"kfac_like": True},
                },
            )
        },
    ),
    Package(
        distribution="sirfshampoo",
        modules=("sirfshampoo",),
        entries={"SIRFShampoo": Entry(needs={"model"}, options={"batch_size": 8})},
    ),
    Package(distribution="sophia-opt", modules=("sophia_opt",)),
    Package(
        distribution="adam-atan2-pytorch",
        modules=("adam_atan2_pytorch",),
        entries={
            "MuonAdamAtan2": Entry(make=_with_matrices("muon_params")),
            "PolarAdamAtan2": Entry(make=_with_matrices("polar_params")),
        },
    ),
)
