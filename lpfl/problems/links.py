"""Link functions of single-index teachers, and activations with their slopes, by name."""

from collections.abc import Callable
from dataclasses import dataclass

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
    "he2": lambda z: z**2 - 1,
    "he3": lambda z: z**3 - 3 * z,
    "he12": lambda z: z + (z**2 - 1) / 2,
    "he13": lambda z: z + (z**3 - 3 * z) / 2,
}
"""name -> g, in the probabilists' polynomials He_k: he12 = He_1 + He_2/2, he13 = He_1 + He_3/2."""


@dataclass(frozen=True)
class Activation:
    """An elementwise activation and its derivative (any one-sided value at a kink)."""

    name: str
    value: Scalar
    slope: Scalar


def tanh_shifted(shift: float) -> Activation:
    """Return the activation ``tanh(t + shift)``; its ``value`` serves as a link too."""
    return Activation(
        f"tanh_shifted({float(shift)})",
        lambda t: torch.tanh(t + shift),
        lambda t: 1 - torch.tanh(t + shift) ** 2,
    )


ACTIVATIONS: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation("identity", lambda t: t, torch.ones_like),
        Activation("tanh", torch.tanh, lambda t: 1 - torch.tanh(t) ** 2),
        Activation("erf", torch.erf, lambda t: (2 / torch.pi**0.5) * torch.exp(-(t**2))),
        Activation("relu", torch.relu, lambda t: (t > 0).to(t.dtype)),
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
