"""Single-index learning: what one layer-wise step does to the first layer."""

from theory.core.pack import Pack
from theory.single_index.alignment import alignment as alignment
from theory.single_index.damping import kfac_beats_sgd as kfac_beats_sgd
from theory.single_index.damping import optimal_damping as optimal_damping
from theory.single_index.features import feature_outliers as feature_outliers
from theory.single_index.features import spike_count as spike_count
from theory.single_index.features import spike_matrix as spike_matrix
from theory.single_index.gradient import gradient_remainder_ratio as gradient_remainder_ratio
from theory.single_index.gradient import operator_ratio_rate as operator_ratio_rate
from theory.single_index.networks import unnormalised_alignment as unnormalised_alignment
from theory.single_index.outlier import critical_step_size as critical_step_size
from theory.single_index.outlier import outlier as outlier
from theory.single_index.polar import polar_edge as polar_edge
from theory.single_index.prediction import mehler_risk as mehler_risk
from theory.single_index.ridge import ridge_risk as ridge_risk
from theory.single_index.variants.average import average_alignment as average_alignment
from theory.single_index.variants.ceiling import ceiling as ceiling
from theory.single_index.variants.elliptical import elliptical_alignment as elliptical_alignment
from theory.single_index.variants.exponent import exponent_alignment as exponent_alignment
from theory.single_index.variants.left_factor import left_factor_strength as left_factor_strength
from theory.single_index.variants.mixture import mixture_alignment as mixture_alignment
from theory.single_index.variants.passes import filter_alignment as filter_alignment
from theory.single_index.variants.sample_size import (
    samples_for_alignment as samples_for_alignment,
)
from theory.single_index.variants.several_steps import steps_alignment as steps_alignment
from theory.single_index.whitening import (
    independent_batch_alignment as independent_batch_alignment,
)
from theory.single_index.whitening import (
    population_whitening_alignment as population_whitening_alignment,
)

PACK = Pack.of_package(
    __name__,
    prefix="SI",
    title="Single-index learning",
    checks="lpfl.verify.claims.single_index",
)
