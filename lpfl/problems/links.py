"""Link functions of single-index teachers, and activations with their slopes, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor

Scalar = Callable[[Tensor], Tensor]

LINKS: dict[str, Scalar] = {
    "identity": lambda z: z,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "relu": torch.relu,
    "abs": torch.abs,
    "sign": torch.sign,
    "he2": lambda z: (z**2 - 1) / sqrt(2),
    "he3": lambda z: (z**3 - 3 * z) / sqrt(6),
    "he1+he2": lambda z: z + (z**2 - 1) / 2,
    "he1+he3": lambda z: z + (z**3 - 3 * z) / sqrt(12),
    "shifted_tanh": lambda z: torch.tanh(z + 0.7),
}
"""name -> g. ``he2`` and ``he3`` are the normalised Hermite polynomials He_k/sqrt(k!);
the mixtures have normalised coefficients (1, 1/sqrt 2)."""


@dataclass(frozen=True)
class Activation:
    """An elementwise activation and its derivative (any one-sided value at a kink)."""

    name: str
    value: Scalar
    slope: Scalar


def _tanh_slope(t: Tensor) -> Tensor:
    return 1 - torch.tanh(t) ** 2


ACTIVATIONS: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation("identity", lambda t: t, torch.ones_like),
        Activation("tanh", torch.tanh, _tanh_slope),
        Activation("erf", torch.erf, lambda t: (2 / torch.pi**0.5) * torch.exp(-(t**2))),
        Activation("relu", torch.relu, lambda t: (t > 0).to(t.dtype)),
        Activation("shifted_tanh", lambda t: torch.tanh(t + 0.7), lambda t: _tanh_slope(t + 0.7)),
    )
}


def link_function(link: str | Scalar) -> Scalar:
    """Return the callable behind a link given by name, or the callable itself.

    Raises: ValueError for a name that is not in ``LINKS``.
    """
    if not isinstance(link, str):
        return link
    if link not in LINKS:
        raise ValueError(f"link={link!r}, needs one of {sorted(LINKS)} or a callable")
    return LINKS[link]


def activation_named(activation: str | Activation) -> Activation:
    """Return the activation behind a name, or the activation itself.

    Raises: ValueError for a name that is not in ``ACTIVATIONS``.
    """
    if isinstance(activation, Activation):
        return activation
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation={activation!r}, needs one of {sorted(ACTIVATIONS)}")
    return ACTIVATIONS[activation]
