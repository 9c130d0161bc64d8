"""mup: torch's optimizers with learning rates scaled by width."""

from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.package import Entry, Package


def _with_base_shapes(function: Any) -> Callable[..., Any]:
    def build(model: Any, *, lr: float = 1e-2, **options: Any) -> Any:
        import mup

        mup.set_base_shapes(model, None)
        return function(model.parameters(), lr=lr, **options)

    return build


MU = Entry(make=_with_base_shapes, needs={"model"})

PACKAGES = (
    Package(
        distribution="mup",
        modules=("mup.optim",),
        entries={"MuAdam": MU, "MuAdamW": MU, "MuSGD": MU},
        functions=("MuAdam", "MuAdamW", "MuSGD"),
    ),
)
