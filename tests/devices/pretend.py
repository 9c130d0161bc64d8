"""A second device that is none: tensors in the host's memory that refuse to meet the host's.

It behaves as a GPU does where devices meet. An operation on tensors of both devices raises, unless
the one of the host is a number or the operation is a copy; a generator of one device draws nothing
on the other; and NumPy reads none of it. Only ``torch.optim``'s batched loops are not taken.
"""

import contextlib
import traceback
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = "pretend"
DEVICE = f"{NAME}:0"
COPIES = ("aten::_to_copy", "aten::copy_", "aten::copy")
BY_INDEX = ("aten::index", "aten::index_put_", "aten::index_put", "aten::_index_put_impl_")
MIXED = "Expected all tensors to be on the same device, but found at least two devices"
MET: list[str] = []
"""Where tensors of both devices met, also where somebody caught the error."""


class OnDevice(Tensor):
    """A tensor of the second device; ``host`` holds its numbers."""

    host: Tensor

    @staticmethod
    def __new__(cls, host: Tensor) -> "OnDevice":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            host.size(),
            strides=host.stride() if host.layout is torch.strided else None,
            storage_offset=host.storage_offset() if host.layout is torch.strided else 0,
            dtype=host.dtype,
            layout=host.layout,
            device=DEVICE,
        )
        made.host = host
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return carried_out(func, args, kwargs or {})

    def __repr__(self, **_: Any) -> str:
        return f"{self.host!r} on {NAME}"

    def __format__(self, how: str) -> str:
        return format(self.host, how)

    def tolist(self) -> Any:
        return self.host.tolist()

    def numpy(self, **_: Any) -> Any:
        raise TypeError(f"can't convert {DEVICE} device type tensor to numpy")


class Generator(torch.Generator):
    """A generator that says of which device it is."""

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made: Generator = super().__new__(cls, device="cpu")
        made.home = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.home

    def manual_seed(self, seed: int) -> "Generator":
        """Seed another sequence than the host's, as a GPU does."""
        super().manual_seed(seed if self.home.type == "cpu" else seed ^ 1)
        return self


def carried_out(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Return what an operation gives, on the device where its arguments are."""
    given, _ = tree_flatten((args, kwargs))
    there = [x for x in given if isinstance(x, OnDevice)]
    here = [x for x in given if isinstance(x, Tensor) and not isinstance(x, OnDevice)]
    name = func._schema.name
    home = torch.device(DEVICE if there else "cpu")
    asked = kwargs.get("device")
    if asked is not None:
        home = torch.device(asked)
        if name not in COPIES or home.type == NAME:
            kwargs = {**kwargs, "device": torch.device("cpu")}
    if there and name not in COPIES:
        strangers = [x for x in here if x.ndim > 0]
        if name in BY_INDEX and isinstance(args[0], OnDevice):
            strangers = [x for x in strangers if x.dtype.is_floating_point]
        if strangers:
            MET.append("".join(traceback.format_stack(limit=12)))
            raise RuntimeError(f"{MIXED}, {DEVICE} and cpu! (in {name})")
    found = func(*tree_map(_host, args), **tree_map(_host, kwargs))
    if name == "aten::copy_" and not isinstance(args[0], OnDevice):
        return args[0]
    if home.type != NAME:
        return found
    known = {id(x.host): x for x in there}
    if name.endswith("_") and isinstance(args[0], OnDevice) and args[0].shape != args[0].host.shape:
        args[0].data = OnDevice(args[0].host)

    def wrapped(x: Any) -> Any:
        if id(x) in known:
            return known[id(x)]
        return OnDevice(x) if isinstance(x, Tensor) else x

    return tree_map(wrapped, found)


def _host(x: Any) -> Any:
    return x.host if isinstance(x, OnDevice) else x


def _elsewhere(make: Any) -> Any:
    """Return a function that makes a tensor of values on the host, then moves it."""

    def made(values: Any, *, device: Any = None, requires_grad: bool = False, **how: Any) -> Any:
        if isinstance(values, OnDevice):
            device = values.device if device is None else device
            return values.to(device, **how)
        found = make(values, **how)
        found = found if device is None else found.to(device)
        return found.requires_grad_() if requires_grad else found

    return made


class _Made(TorchDispatchMode):
    """What is made on the second device is wrapped."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return carried_out(func, args, kwargs or {})


class _Asked(TorchFunctionMode):
    """A generator draws on its own device alone."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        how = kwargs or {}
        drawing = how.get("generator")
        if isinstance(drawing, Generator):
            own = args[0] if args and isinstance(args[0], Tensor) else None
            asked = how.get("device") or ("cpu" if own is None else own.device)
            if torch.device(asked).type != drawing.device.type:
                raise RuntimeError(f"Expected a generator of {asked}, found {drawing.device}")
        return func(*args, **how)


def register() -> None:
    """Make the device known to torch for the rest of the process, before any backward pass."""
    if torch._C._get_privateuse1_backend_name() != NAME:
        backend_registration._setup_privateuseone_for_python_backend(NAME)


@contextlib.contextmanager
def second_device() -> Iterator[str]:
    """Let ``pretend:0`` be a device while this runs; give its name."""
    register()
    stand_ins = {
        "Generator": Generator,
        "tensor": _elsewhere(torch.tensor),
        "as_tensor": _elsewhere(torch.as_tensor),
    }
    before = {name: getattr(torch, name) for name in stand_ins}
    for name, stand_in in stand_ins.items():
        setattr(torch, name, stand_in)
    try:
        with _Asked(), _Made():
            yield DEVICE
    finally:
        for name, own in before.items():
            setattr(torch, name, own)
