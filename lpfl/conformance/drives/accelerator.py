"""Tensors that lie on the host and say that they lie on another device.

Operations that an accelerator refuses because their tensors lie on two devices are refused, so
that an optimizer can be driven as on an accelerator where there is none.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = "meta"
"""The other device's name: one that every build of torch knows."""
TAKES_BOTH = frozenset(
    {
        "aten::_to_copy",
        "aten::copy_",
        "aten::_foreach_copy_",
        "aten::index",
        "aten::index_put",
        "aten::index_put_",
        "aten::_index_put_impl_",
    }
)
"""Operations that take tensors of two devices: copies, and indices that lie on the host."""


class TwoDevicesError(RuntimeError):
    """An operation was given tensors of two devices: which, and with what arguments."""

    def __init__(self, func: Any, args: Any, kwargs: Any) -> None:
        super().__init__(f"{func._schema.name} is given tensors of two devices")
        self.func, self.args_given, self.kwargs_given = func, args, kwargs

    @property
    def shapes(self) -> set[tuple[int, ...]]:
        """Return the shapes of the host's tensors."""
        leaves, _ = tree_flatten((self.args_given, self.kwargs_given))
        return {tuple(leaf.shape) for leaf in leaves if _of_host(leaf)}

    def confirmed(self) -> bool:
        """Return whether torch's own rules, for tensors without numbers, refuse it on CUDA too."""
        from torch._subclasses.fake_tensor import FakeTensorMode

        def like(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            there = "cuda" if isinstance(value, Elsewhere) else "cpu"
            shape, strides = tuple(value.shape), tuple(value.stride())
            return torch.empty_strided(shape, strides, dtype=value.dtype, device=there)

        with FakeTensorMode():
            try:
                self.func(*tree_map(like, self.args_given), **tree_map(like, self.kwargs_given))
            except Exception as error:
                return "devices" in str(error)
        return False


class Elsewhere(torch.Tensor):
    """A tensor that names ``DEVICE`` as its device; its numbers, ``held``, lie on the host."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "Elsewhere":
        made: Elsewhere = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(DEVICE),
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        del types
        return _run(func, args, kwargs or {})


class _Operations(TorchDispatchMode):
    """Runs every operation as an accelerator would."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        return _run(func, args, kwargs or {})


class _Literals(TorchFunctionMode):
    """Sends what is made from numbers on ``DEVICE``, and reads it: no operation does it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.as_tensor):
            to = kwargs.get("device")
            if to is not None and torch.device(to).type == DEVICE:
                return func(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        if func is torch.Tensor.new_tensor and isinstance(args[0], Elsewhere):
            return args[0].held.new_tensor(*args[1:], **kwargs).to(kwargs.get("device", DEVICE))
        if func is torch.Tensor.tolist and isinstance(args[0], Elsewhere):
            return args[0].held.tolist()
        return func(*args, **kwargs)


@contextlib.contextmanager
def accelerator() -> Iterator[None]:
    """While it is entered, tensors made on ``DEVICE`` are tensors of the other device.

    Raises: TwoDevicesError, from an operation that an accelerator would refuse.
    """
    with _Literals(), _Operations():
        yield


def _run(func: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    leaves, _ = tree_flatten((args, kwargs))
    there = {id(leaf.held): leaf for leaf in leaves if isinstance(leaf, Elsewhere)}
    name = func._schema.name
    if there and name not in TAKES_BOTH and any(_of_host(leaf) for leaf in leaves):
        raise TwoDevicesError(func, args, kwargs)
    device = kwargs.get("device")
    to_there = bool(there) if device is None else torch.device(device).type == DEVICE
    if name in ("aten::copy_", "aten::index", "aten::index_put_"):
        to_there = isinstance(leaves[0], Elsewhere)
    here = {**kwargs, "device": "cpu"} if device is not None else kwargs
    out = func(*tree_map(_held, args), **tree_map(_held, here))
    if not to_there:
        return out
    return tree_map(lambda v: there[id(v)] if id(v) in there else _sent(v), out)


def _of_host(leaf: Any) -> bool:
    """Return whether it is a tensor of the host with entries along an axis, unlike a number."""
    plain = isinstance(leaf, torch.Tensor) and not isinstance(leaf, Elsewhere)
    return plain and bool(leaf.dim() and leaf.numel())


def _held(value: Any) -> Any:
    return value.held if isinstance(value, Elsewhere) else value


def _sent(value: Any) -> Any:
    return Elsewhere(value) if isinstance(value, torch.Tensor) else value
