"""KFAC on both layers at once, every gradient and factor taken at the old weights."""

from dataclasses import dataclass
from typing import ClassVar

from lpfl.optim.kfac.both import KfacBoth, both_layers


@dataclass(frozen=True, kw_only=True)
class KfacJoint(KfacBoth):
    """KFAC on both layers at once, every gradient and factor taken at the old weights.

    G+ = G - step_size (F'F)^{-1} grad_G (Sh + damping I)^{-1};
    F+ = F - head_step_size grad_F (G Sh G' + damping I)^{-1}.
    Source: derived from Zhang et al. 2025, eq. (5), whose layers move one after the other.
    """

    name: ClassVar[str] = "kfac_joint"
    order: ClassVar[str] = "joint"


kfac_joint = both_layers(KfacJoint)
