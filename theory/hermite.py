"""Hermite statistics of links: the public address of :mod:`theory.core.gauss.hermite`."""

from theory.core.gauss.hermite import (
    ActivationStatistics,
    LinkStatistics,
    activation_statistics,
    link_statistics,
)

__all__ = [
    "ActivationStatistics",
    "LinkStatistics",
    "activation_statistics",
    "link_statistics",
]
