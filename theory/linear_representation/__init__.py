"""Linear representation learning: what the theory predicts, statement by statement."""

from theory.core.pack import Pack
from theory.linear_representation.contraction.cone import (
    cone_angle,
    cone_contraction,
    cone_defect,
    slowest_cone_contraction,
    worst_case_covariance,
)
from theory.linear_representation.contraction.gauss_newton import gauss_newton_rank
from theory.linear_representation.contraction.global_law import (
    global_distance_bound,
    global_sine,
    global_tangent,
)
from theory.linear_representation.contraction.headline import headline_admissible, headline_bound
from theory.linear_representation.contraction.start import admissible_tangent
from theory.linear_representation.contraction.tangent_step import tangent_step
from theory.linear_representation.noise_floors.adam import adam_operator
from theory.linear_representation.noise_floors.gradient_bias import gradient_bias
from theory.linear_representation.noise_floors.noise import noise_pivot, noise_pivot_degrees
from theory.linear_representation.noise_floors.tangent_floor import tangent_floor
from theory.linear_representation.rates.amgd import (
    amgd_lower_bound,
    amgd_sine_step,
    amgd_two_cycle,
)
from theory.linear_representation.rates.joint import (
    gauss_newton_spectrum,
    gradient_descent_spectrum,
)
from theory.linear_representation.rates.joint_kfac import kfac_spectrum
from theory.linear_representation.rates.local_rate import local_rate
from theory.linear_representation.rates.momentum import momentum_floor, momentum_spectrum
from theory.linear_representation.rates.natural_gradient import natural_gradient_spectrum
from theory.linear_representation.transfer import transfer_bound, transfer_excess
from theory.linear_representation.variants.factors.damped_rate import (
    damped_eigenvalues,
    damped_rate,
)
from theory.linear_representation.variants.factors.factor_floor import (
    factor_floor,
    factor_multiplier,
)
from theory.linear_representation.variants.factors.input_factor_stale import cycle_floor
from theory.linear_representation.variants.factors.output_factor import output_factor
from theory.linear_representation.variants.models.bias import bias_spectrum
from theory.linear_representation.variants.models.chain import chain_spectrum
from theory.linear_representation.variants.models.frozen_batch_norm import batch_norm_excess
from theory.linear_representation.variants.models.kurtosis import complement_share, inverse_scale
from theory.linear_representation.variants.models.plateau import plateau_length
from theory.linear_representation.variants.steps.powers import samples_to_reach
from theory.linear_representation.variants.steps.scale_exponents import scale_exponents

PACK = Pack.of_package(
    __name__,
    prefix="LR",
    title="Linear representation learning",
    checks="lpfl.verify.claims.linear_representation",
)

__all__ = [
    "PACK",
    "adam_operator",
    "admissible_tangent",
    "amgd_lower_bound",
    "amgd_sine_step",
    "amgd_two_cycle",
    "batch_norm_excess",
    "bias_spectrum",
    "chain_spectrum",
    "complement_share",
    "cone_angle",
    "cone_contraction",
    "cone_defect",
    "cycle_floor",
    "damped_eigenvalues",
    "damped_rate",
    "factor_floor",
    "factor_multiplier",
    "gauss_newton_rank",
    "gauss_newton_spectrum",
    "global_distance_bound",
    "global_sine",
    "global_tangent",
    "gradient_bias",
    "gradient_descent_spectrum",
    "headline_admissible",
    "headline_bound",
    "inverse_scale",
    "kfac_spectrum",
    "local_rate",
    "momentum_floor",
    "momentum_spectrum",
    "natural_gradient_spectrum",
    "noise_pivot",
    "noise_pivot_degrees",
    "output_factor",
    "plateau_length",
    "samples_to_reach",
    "scale_exponents",
    "slowest_cone_contraction",
    "tangent_floor",
    "tangent_step",
    "transfer_bound",
    "transfer_excess",
    "worst_case_covariance",
]
