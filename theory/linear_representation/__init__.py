"""Linear representation learning: what the theory predicts, statement by statement."""

from theory.linear_representation.adam_operator import adam_operator
from theory.linear_representation.amgd import LR_13, LR_14, LR_15
from theory.linear_representation.amgd_numbers import (
    amgd_lower_bound,
    amgd_sine_step,
    amgd_two_cycle,
)
from theory.linear_representation.angles import LR_07, LR_28
from theory.linear_representation.batch_norm import LR_25
from theory.linear_representation.cone import LR_08
from theory.linear_representation.cone_numbers import (
    admissible_tangent,
    cone_angle,
    cone_contraction,
    cone_defect,
    slowest_cone_contraction,
    worst_case_covariance,
)
from theory.linear_representation.floor_amgd import LR_16
from theory.linear_representation.floor_kfac import LR_12
from theory.linear_representation.gauss_newton import LR_02, gauss_newton_rank
from theory.linear_representation.global_law import (
    global_distance_bound,
    global_sine,
    global_tangent,
)
from theory.linear_representation.gradient_bias import LR_17, gradient_bias
from theory.linear_representation.gradients import LR_01
from theory.linear_representation.headline import LR_10
from theory.linear_representation.headline_numbers import headline_admissible, headline_bound
from theory.linear_representation.invariance import LR_27
from theory.linear_representation.joint import LR_18, LR_19, LR_20
from theory.linear_representation.kfac import LR_03, LR_04, LR_06
from theory.linear_representation.kfac_damped import LR_05, damped_eigenvalues
from theory.linear_representation.local_rate import local_rate
from theory.linear_representation.noise import LR_11
from theory.linear_representation.noise_dominated import LR_21, LR_22, LR_23, LR_24
from theory.linear_representation.noise_pivot import noise_pivot, noise_pivot_degrees
from theory.linear_representation.spectra import (
    gauss_newton_spectrum,
    gradient_descent_spectrum,
    kfac_spectrum,
    natural_gradient_spectrum,
)
from theory.linear_representation.start import LR_09
from theory.linear_representation.tangent_floor import tangent_floor
from theory.linear_representation.tangent_step import tangent_step
from theory.linear_representation.transfer import LR_26
from theory.linear_representation.transfer_numbers import transfer_bound, transfer_excess

CLAIMS_LINEAR_REPRESENTATION = (
    LR_01,
    LR_02,
    LR_03,
    LR_04,
    LR_05,
    LR_06,
    LR_07,
    LR_08,
    LR_09,
    LR_10,
    LR_11,
    LR_12,
    LR_13,
    LR_14,
    LR_15,
    LR_16,
    LR_17,
    LR_18,
    LR_19,
    LR_20,
    LR_21,
    LR_22,
    LR_23,
    LR_24,
    LR_25,
    LR_26,
    LR_27,
    LR_28,
)

__all__ = [
    "CLAIMS_LINEAR_REPRESENTATION",
    "adam_operator",
    "admissible_tangent",
    "amgd_lower_bound",
    "amgd_sine_step",
    "amgd_two_cycle",
    "cone_angle",
    "cone_contraction",
    "cone_defect",
    "damped_eigenvalues",
    "gauss_newton_rank",
    "gauss_newton_spectrum",
    "global_distance_bound",
    "global_sine",
    "global_tangent",
    "gradient_bias",
    "gradient_descent_spectrum",
    "headline_admissible",
    "headline_bound",
    "kfac_spectrum",
    "local_rate",
    "natural_gradient_spectrum",
    "noise_pivot",
    "noise_pivot_degrees",
    "slowest_cone_contraction",
    "tangent_floor",
    "tangent_step",
    "transfer_bound",
    "transfer_excess",
    "worst_case_covariance",
]
