"""Ways to build optimizers that take more than parameters and options."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

Factory = Callable[..., Any]
SHARED_NAMES = {
    "api.groups": "an option of the wrapper and one of the wrapped optimizer share a name"
}
"""Documented exception of wrappers: the groups belong to the wrapped optimizer."""


def identity_compile() -> None:
    """Replace torch.compile by the identity: a run of a few steps should not wait for it."""

    def compile_nothing(model: Any = None, **_: Any) -> Any:
        return model if model is not None else lambda function: function

    torch.compile = compile_nothing


def by_dimension(
    params: Iterable[Any],
    *,
    matrices: Mapping[str, Any],
    others: Mapping[str, Any] | None = None,
    kernels: bool = False,
) -> list[dict[str, Any]]:
    """Split parameters, or groups of them, into matrices and others; each gets its own entries.

    kernels: tensors of more than two dimensions count as matrices.
    """
    entries = list(params)
    if entries and not isinstance(entries[0], dict):
        entries = [{"params": entries}]
    split: list[dict[str, Any]] = []
    chosen = lambda p: p.ndim == 2 or (kernels and p.ndim > 2)  # noqa: E731
    for group in entries:
        rest = {name: value for name, value in group.items() if name != "params"}
        parts = (
            ([p for p in group["params"] if chosen(p)], matrices),
            ([p for p in group["params"] if not chosen(p)], others or {}),
        )
        split += [{**rest, **flags, "params": part} for part, flags in parts if part]
    return split


def flagged(
    *, matrices: Mapping[str, Any], others: Mapping[str, Any] | None = None
) -> Callable[[Any], Factory]:
    """Return a maker whose groups carry these entries: matrices and kernels, and others."""

    def make(cls: Any) -> Factory:
        def build(params: Any, **options: Any) -> Any:
            return cls(
                by_dimension(params, matrices=matrices, others=others, kernels=True), **options
            )

        return build

    return make


def around(base: str) -> Callable[[Any], Factory]:
    """Return a maker for wrappers of an optimizer: ``cls(torch.optim.<base>(params, lr))``.

    Options that the wrapper does not name go to the wrapped optimizer.
    """

    def make(cls: Any) -> Factory:
        own = set(inspect.signature(cls).parameters)

        def build(params: Any, *, lr: float = 1e-2, base: str = base, **options: Any) -> Any:
            outer = {name: value for name, value in options.items() if name in own}
            inner = {name: value for name, value in options.items() if name not in own}
            return cls(getattr(torch.optim, base)(params, lr=lr, **inner), **outer)

        return build

    return make


def on_base(base: str) -> Callable[[Any], Factory]:
    """Return a maker for wrappers that build their base: ``cls(params, <base class>, lr=...)``."""

    def make(cls: Any) -> Factory:
        def build(params: Any, *, lr: float = 1e-2, **options: Any) -> Any:
            return cls(params, getattr(torch.optim, base), lr=lr, **options)

        return build

    return make
