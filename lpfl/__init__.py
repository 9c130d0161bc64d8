"""Reference models, optimizers and checks: what runs."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lpfl.conformance.pytest_items import parametrize_optimizer_checks
    from lpfl.conformance.run import check_optimizer
    from lpfl.conformance.spec import OptimizerSpec

_PUBLIC = {
    "OptimizerSpec": "lpfl.conformance.spec",
    "check_optimizer": "lpfl.conformance.run",
    "parametrize_optimizer_checks": "lpfl.conformance.pytest_items",
}
__all__ = ["OptimizerSpec", "__version__", "check_optimizer", "parametrize_optimizer_checks"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing lpfl costs nothing."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'lpfl' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PUBLIC[name]), name)
