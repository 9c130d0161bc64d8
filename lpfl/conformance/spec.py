"""What is to be judged: an optimizer, what it claims, and what it needs to be driven."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from lpfl.shadows import shadows

NEEDS: Mapping[str, str] = {
    "closure": "step(closure); the closure may be evaluated several times",
    "value_closure": "step(closure) where the closure only returns the loss as a number",
    "own_backward": "beside closure: it only returns the loss, and step() runs backward itself",
    "grad_first": "one backward pass before the first step(closure)",
    "create_graph": "gradients with a graph (second derivatives inside step)",
    "mode": "optimizer.train() and eval(); parameters are read in eval mode",
    "model": "factory(model): the optimizer hooks the layers",
    "named": "factory(named_parameters)",
    "fused": "optimizer.fused_backward(loss, lr) instead of backward and step",
    "in_backward": "it moves the parameters by hooks, while backward runs",
    "sampled": "backward inside optimizer.sampled_params(train=True)",
    "keeps_grad": "gradients accumulate in p.grad and are never zeroed",
    "group_flags": "the factory builds the groups; options are set on them afterwards",
    "tensor_lr": "the learning rate is a tensor, set with fill_",
    "sparse": "sparse gradients",
    "matrices": "two-dimensional parameters only",
    "process_group": "an initialised process group",
}


@dataclass(frozen=True)
class OptimizerSpec:
    """One optimizer as a subject of the checks.

    factory: ``factory(params_or_model, **options) -> torch.optim.Optimizer``; it gets the model
    if ``needs`` has "model". claims: names of methods and properties, such as ``{"adamw"}`` or
    ``{"kfac", "condition-number-free"}``; in ``{"muon", "adamw"}`` the second is about vectors and
    numbers, which Muon leaves to another rule. expected_failures: check id -> reason; strict, one
    that no longer fails is reported. needs: names from ``NEEDS``. tolerances: check id -> relative
    tolerance that replaces the check's own. options: given to the factory each time.
    step: ``step(model, loss_fn, optimizer)`` for what fits no drive. source: where a program can
    import the optimizer from, ``package.module:Name``. program: text of a program that defines
    ``make(params, **options)``, where an import does not say it all.
    Raises: ValueError for an unknown need or a tolerance that is not positive.
    """

    name: str
    factory: Callable[..., Any]
    claims: frozenset[str] = frozenset()
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    tolerances: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    step: Callable[..., Any] | None = None
    source: str = ""
    program: str = ""

    def __post_init__(self) -> None:
        if not callable(self.factory):
            raise ValueError(f"factory={self.factory!r}, needs a callable")
        for name in ("claims", "needs"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise ValueError(f"{name}={value!r}, needs a set of names")
            object.__setattr__(self, name, frozenset(value))
        unknown = sorted(self.needs - NEEDS.keys())
        if unknown:
            raise ValueError(f"needs={unknown}, known are {sorted(NEEDS)}")
        for check, tolerance in self.tolerances.items():
            if not tolerance > 0:
                raise ValueError(f"tolerances[{check!r}]={tolerance!r}, needs > 0")


def resolve(subject: Any, *, options: Mapping[str, Any] | None = None) -> OptimizerSpec:
    """Return the spec of a spec, an optimizer class, a factory, or an address "module:NAME".

    options: added to those of the spec.
    Raises: ValueError if the address cannot be imported or names nothing callable.
    """
    address = ""
    if isinstance(subject, str):
        address, subject = subject, _imported(subject)
    if isinstance(subject, OptimizerSpec):
        spec = subject
    elif callable(subject):
        spec = OptimizerSpec(name=_name(subject, address), factory=subject)
    else:
        raise ValueError(f"subject={subject!r}, needs a spec, a class, a factory or 'module:NAME'")
    source = spec.source or _address(spec.factory, address)
    changes: dict[str, Any] = {"source": source, "options": {**spec.options, **(options or {})}}
    return OptimizerSpec(**{**_shallow(spec), **changes})


def _shallow(spec: OptimizerSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in OptimizerSpec.__dataclass_fields__}


def _imported(address: str) -> Any:
    module, colon, name = address.partition(":")
    if not colon or not module or not name:
        raise ValueError(f"address={address!r}, needs the form 'package.module:NAME'")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        reasons = [*shadows(error), f"{type(error).__name__}: {error}"]
        raise ValueError(f"address={address!r} cannot be imported: {reasons[0]}") from error
    return found


def _name(subject: Any, address: str) -> str:
    name = str(getattr(subject, "__name__", "") or type(subject).__name__)
    return address.rpartition(":")[2] or "factory" if name == "<lambda>" else name


def _address(factory: Any, address: str) -> str:
    """Return where a program can import the factory from, or an empty text."""
    if not (inspect.isclass(factory) or isinstance(factory, FunctionType)):
        return ""
    module, name = factory.__module__, factory.__qualname__
    if "<" in name or module == "__main__":
        return ""
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception:
        return ""
    public = module.rsplit("._", 1)[0] if "._" in module else module
    package = importlib.import_module(module.partition(".")[0])
    for where in (address.partition(":")[0], _parent(module), public, package.__name__):
        if where and getattr(_module(where), name, None) is factory:
            return f"{where}:{name}"
    return f"{module}:{name}" if found is factory else ""


def _parent(module: str) -> str:
    return module.rpartition(".")[0]


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception:
        return None
