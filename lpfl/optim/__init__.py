"""Reference optimizers, one method per file. OPTIMIZERS: name -> factory of a Method."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from lpfl.optim.amgd import amgd
from lpfl.optim.kfac import kfac
from lpfl.optim.method import Method
from lpfl.optim.sgd import sgd

OPTIMIZERS: Mapping[str, Callable[..., Method]] = MappingProxyType(
    {"sgd": sgd, "amgd": amgd, "kfac": kfac}
)

__all__ = ["OPTIMIZERS", "Method"]
