"""Hermite statistics of links: the public address of :mod:`theory.core.gauss.hermite`."""

from theory.core.gauss.hermite import LinkStatistics, link_statistics

__all__ = ["LinkStatistics", "link_statistics"]
