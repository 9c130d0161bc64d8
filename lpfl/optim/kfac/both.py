"""KFAC on both layers, with a step size of its own for the head."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from lpfl.optim.core.hyper import positive
from lpfl.optim.core.method import Method
from lpfl.optim.drive import dressed, on_linear_representation
from lpfl.optim.kfac import Kfac


@dataclass(frozen=True, kw_only=True)
class KfacBoth(Kfac):
    """KFAC that moves head and representation in the order ``order`` of the drive."""

    order: ClassVar[str]

    head_step_size: float | None = positive(None, "step size of the head", optional=True)


def both_layers(kind: type[KfacBoth]) -> Callable[..., Method]:
    """Return the factory of the method; its arguments are the hyper-parameters of ``kind``."""

    def factory(**values: Any) -> Method:
        return on_both_layers(kind(**values))

    return dressed(factory, kind)


def on_both_layers(rule: KfacBoth) -> Method:
    """Return the method; without a step size of its own the head takes that of the rule."""
    head_step_size = rule.step_size if rule.head_step_size is None else rule.head_step_size
    rule = replace(rule, head_step_size=head_step_size)
    head_rule = replace(rule, step_size=head_step_size)
    return on_linear_representation(rule, head=rule.order, head_rule=head_rule)
