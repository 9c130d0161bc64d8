"""The resolvent of a sample covariance: the public address of :mod:`theory.core.resolvent`."""

from theory.core.resolvent import Resolvent, resolvent

__all__ = ["Resolvent", "resolvent"]
