"""KFAC on one layer after the other: the head first, then the representation."""

from dataclasses import dataclass
from typing import ClassVar

from lpfl.optim.kfac.both import KfacBoth, both_layers


@dataclass(frozen=True, kw_only=True)
class KfacSequential(KfacBoth):
    """KFAC on one layer after the other: the head first, then the representation.

    F+ from (F, G), then G+ from (F+, G), on the same batch. Undamped and without averaging
    F+ = (1 - head_step_size) F + head_step_size F_ls(G): head_step_size = 1 is alternating KFAC.
    Source: derived; eq. (5) of Zhang et al. 2025 takes the layers in the opposite order.
    """

    name: ClassVar[str] = "kfac_sequential"
    order: ClassVar[str] = "head_first"


kfac_sequential = both_layers(KfacSequential)
