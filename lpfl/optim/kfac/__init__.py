"""KFAC on the layers of ``y = F G x``: its steps, its options, and the orders of its layers."""

from lpfl.optim.kfac.rule import Kfac, alternating, beside_a_free_head, kfac
from lpfl.optim.kfac.step import (
    kfac_head_step,
    kfac_step,
    require_enough_rows,
    require_full_column_rank,
)

__all__ = [
    "Kfac",
    "alternating",
    "beside_a_free_head",
    "kfac",
    "kfac_head_step",
    "kfac_step",
    "require_enough_rows",
    "require_full_column_rank",
]
