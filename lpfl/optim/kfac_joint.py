"""KFAC on both layers at once, every gradient and factor taken at the old weights."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from lpfl.optim.drive import dressed, on_linear_representation
from lpfl.optim.hyper import positive
from lpfl.optim.kfac import Kfac
from lpfl.optim.method import Method


@dataclass(frozen=True, kw_only=True)
class KfacJoint(Kfac):
    """KFAC on both layers at once, every gradient and factor taken at the old weights.

    G+ = G - step_size (F'F)^{-1} grad_G (Sh + damping I)^{-1};
    F+ = F - head_step_size grad_F (G Sh G' + damping I)^{-1}.
    Source: derived from Zhang et al. 2025, eq. (5), whose layers move one after the other.
    """

    name: ClassVar[str] = "kfac_joint"

    head_step_size: float | None = positive(None, "step size of the head", optional=True)


def both_layers(**values: Any) -> Method:
    """Return the method; without a step size of its own the head takes that of the rule."""
    rule = KfacJoint(**values)
    head_step_size = rule.step_size if rule.head_step_size is None else rule.head_step_size
    rule = replace(rule, head_step_size=head_step_size)
    head_rule = replace(rule, step_size=head_step_size)
    return on_linear_representation(rule, head="joint", head_rule=head_rule)


kfac_joint = dressed(both_layers, KfacJoint)
