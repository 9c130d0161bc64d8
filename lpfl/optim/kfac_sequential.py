"""KFAC on one layer after the other: the head first, then the representation."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from lpfl.optim.drive import dressed, on_linear_representation
from lpfl.optim.hyper import positive
from lpfl.optim.kfac import Kfac
from lpfl.optim.method import Method


@dataclass(frozen=True, kw_only=True)
class KfacSequential(Kfac):
    """KFAC on one layer after the other: the head first, then the representation.

    F+ from (F, G), then G+ from (F+, G), on the same batch. Undamped and without averaging
    F+ = (1 - head_step_size) F + head_step_size F_ls(G): head_step_size = 1 is alternating KFAC.
    Source: derived; eq. (5) of Zhang et al. 2025 takes the layers in the opposite order.
    """

    name: ClassVar[str] = "kfac_sequential"

    head_step_size: float | None = positive(None, "step size of the head", optional=True)


def both_layers(**values: Any) -> Method:
    """Return the method; without a step size of its own the head takes that of the rule."""
    rule = KfacSequential(**values)
    head_step_size = rule.step_size if rule.head_step_size is None else rule.head_step_size
    rule = replace(rule, head_step_size=head_step_size)
    head_rule = replace(rule, step_size=head_step_size)
    return on_linear_representation(rule, head="head_first", head_rule=head_rule)


kfac_sequential = dressed(both_layers, KfacSequential)
