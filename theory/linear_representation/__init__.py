"""Linear representation learning: what the theory predicts, statement by statement."""

from theory.linear_representation.amgd import LR_13, LR_14, LR_15
from theory.linear_representation.angles import LR_07, LR_28
from theory.linear_representation.cone import LR_08
from theory.linear_representation.gradients import LR_01
from theory.linear_representation.kfac import LR_03, LR_04, LR_06
from theory.linear_representation.noise import LR_11

CLAIMS_LINEAR_REPRESENTATION = (
    LR_01,
    LR_03,
    LR_04,
    LR_06,
    LR_07,
    LR_08,
    LR_11,
    LR_13,
    LR_14,
    LR_15,
    LR_28,
)
