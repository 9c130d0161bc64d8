"""One check per claim. CHECKS: claim id -> Check, in paper order."""

from collections.abc import Mapping
from types import MappingProxyType

from lpfl.verify.check import Check
from lpfl.verify.checks import (
    adam_noise,
    amgd,
    batch_norm,
    floor_amgd,
    floor_kfac,
    gauss_newton,
    global_law,
    gradient_bias,
    gradients,
    invariances,
    joint_kfac,
    joint_rates,
    kfac_cone,
    kfac_damped,
    kfac_exact,
    kfac_headline,
    kfac_noise,
    kfac_start,
    local_rates,
    muon_noise,
    natural_gradient,
    shampoo_noise,
    single_index_gradient,
    single_index_outlier,
    single_index_features,
    single_index_sign,
    single_index_polar,
    single_index_ridge,
    single_index_alignment,
    single_index_damping,
    single_index_prediction,
    single_index_whitening,
    transfer,
)

_ALL = (
    gradients.GRADIENTS,
    kfac_exact.KFAC_STEP,
    kfac_exact.BAD_HEAD,
    kfac_exact.HEAD_STEP,
    kfac_exact.TANGENTS,
    kfac_cone.CONE,
    kfac_noise.NOISE_LAW,
    amgd.DYNAMICS,
    amgd.LOWER_BOUND,
    local_rates.RATES,
    single_index_alignment.SGD,
    single_index_alignment.KFAC,
    single_index_prediction.PREDICTION,
    single_index_damping.BEST_DAMPING,
    single_index_damping.ADVANTAGE,
    single_index_whitening.WHITENING,
    gauss_newton.GAUSS_NEWTON,
    kfac_damped.DAMPED,
    kfac_start.START,
    kfac_headline.HEADLINE,
    joint_rates.GRADIENT_DESCENT,
    joint_kfac.KFAC_TOGETHER,
    natural_gradient.NATURAL_GRADIENT,
    batch_norm.BATCH_NORM,
    global_law.GLOBAL_LAW,
    transfer.TRANSFER,
    gradient_bias.BIAS,
    invariances.INVARIANCES,
    floor_kfac.FLOOR,
    floor_amgd.FLOOR,
    adam_noise.ADAM,
    shampoo_noise.SHAMPOO,
    muon_noise.MUON,
    single_index_gradient.RANK_ONE,
    single_index_outlier.OUTLIER,
    single_index_features.FEATURES,
    single_index_sign.SIGN,
    single_index_polar.POLAR,
    single_index_ridge.RIDGE,
)

CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.claim_id: check for check in sorted(_ALL, key=lambda check: check.claim_id)}
)
if len(CHECKS) != len(_ALL):
    raise ValueError("a claim has two checks")
