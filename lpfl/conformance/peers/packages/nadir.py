"""nadir: every optimizer takes a configuration object."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from lpfl.conformance.peers.package import Entry, Package


def _configured(cls: Any) -> Callable[..., Any]:
    config = type(inspect.signature(cls).parameters["config"].default)

    def build(params: Any, **options: Any) -> Any:
        return cls(params, config(**options))

    first = inspect.Parameter("params", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    fields = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
        for field in dataclasses.fields(config)
    ]
    build.__signature__ = inspect.Signature([first, *fields])  # type: ignore[attr-defined]
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
