"""KFAC as eq. (5) of the paper is written: the representation first, with the old head."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from lpfl.optim.core.hyper import positive
from lpfl.optim.core.method import Method
from lpfl.optim.drive import dressed, on_linear_representation
from lpfl.optim.kfac import Kfac, beside_a_free_head


@dataclass(frozen=True, kw_only=True)
class KfacPaper(Kfac):
    """KFAC in the order of the paper: G+ with the old head, then F+ at the new G, on one batch.

    G+ = G - step_size (F'F)^{-1} grad_G L(F, G) (Q_G + damping I)^{-1};
    F+ = F - head_step_size grad_F L(F, G+) Q_F^{-1}, Q_F = G+ Sh G+'. The head is not damped.
    P_G = F'F is the second of the two choices that the paper names; P_F = I.
    Source: Zhang et al. 2025, arXiv 2502.01763, eq. (5).
    """

    name: ClassVar[str] = "kfac_paper"

    head_step_size: float = positive(1.0, "step size of the head")


def representation_first(**values: Any) -> Method:
    """Return the method: the head follows at the new representation, undamped."""
    rule = KfacPaper(**values)
    head_rule = replace(rule, step_size=rule.head_step_size, damping=0.0, output_damping=0.0)
    return on_linear_representation(
        rule,
        head="representation_first",
        head_rule=head_rule,
        invariances=beside_a_free_head(rule),
    )


kfac_paper = dressed(representation_first, KfacPaper)
