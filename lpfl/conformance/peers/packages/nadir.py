"""nadir: every optimizer takes a configuration object."""

from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.package import Entry, Package


def _configured(cls: Any) -> Callable[..., Any]:
    import inspect

    config = type(inspect.signature(cls).parameters["config"].default)

    def build(params: Any, **options: Any) -> Any:
        return cls(params, config(**options))

    return build


NAMES = (
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Lion",
    "Momentum",
    "RMSProp",
    "Radam",
    "SGD",
)

PACKAGES = (
    Package(
        distribution="nadir",
        modules=("nadir",),
        entries={
            "BaseOptimizer": Entry(skip="base class"),
            **{name: Entry(make=_configured) for name in NAMES},
        },
    ),
)
