"""One check per claim. CHECKS: claim id -> Check, in paper order."""

from collections.abc import Mapping
from types import MappingProxyType

from lpfl.verify.check import Check
from lpfl.verify.claims.linear_representation import adam as adam_noise
from lpfl.verify.claims.linear_representation import (
    amgd,
    batch_norm,
    empirical_fisher,
    floor_amgd,
    floor_kfac,
    gauss_newton,
    global_law,
    gradient_bias,
    gradients,
    joint_kfac,
    kfac_damped,
    natural_gradient,
    transfer,
)
from lpfl.verify.claims.linear_representation import cone as kfac_cone
from lpfl.verify.claims.linear_representation import headline as kfac_headline
from lpfl.verify.claims.linear_representation import invariance as invariances
from lpfl.verify.claims.linear_representation import joint as joint_rates
from lpfl.verify.claims.linear_representation import kfac as kfac_exact
from lpfl.verify.claims.linear_representation import local as local_rates
from lpfl.verify.claims.linear_representation import muon as muon_noise
from lpfl.verify.claims.linear_representation import noise as kfac_noise
from lpfl.verify.claims.linear_representation import shampoo as shampoo_noise
from lpfl.verify.claims.linear_representation import start as kfac_start
from lpfl.verify.claims.single_index import alignment as single_index_alignment
from lpfl.verify.claims.single_index import damping as single_index_damping
from lpfl.verify.claims.single_index import features as single_index_features
from lpfl.verify.claims.single_index import fixed_point as single_index_fixed_point
from lpfl.verify.claims.single_index import gradient as single_index_gradient
from lpfl.verify.claims.single_index import networks as single_index_networks
from lpfl.verify.claims.single_index import outlier as single_index_outlier
from lpfl.verify.claims.single_index import polar as single_index_polar
from lpfl.verify.claims.single_index import prediction as single_index_prediction
from lpfl.verify.claims.single_index import ridge as single_index_ridge
from lpfl.verify.claims.single_index import sign as single_index_sign
from lpfl.verify.claims.single_index import teacher as single_index_teacher
from lpfl.verify.claims.single_index import whitening as single_index_whitening

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
    single_index_fixed_point.FIXED_POINT,
    single_index_networks.BATCH_NORM,
    single_index_networks.UNNORMALISED,
    single_index_teacher.TEACHER,
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
    empirical_fisher.EMPIRICAL_FISHER,
)

CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.claim_id: check for check in sorted(_ALL, key=lambda check: check.claim_id)}
)
if len(CHECKS) != len(_ALL):
    raise ValueError("a claim has two checks")
