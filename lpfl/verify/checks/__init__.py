"""One check per claim. CHECKS: claim id -> Check, in paper order."""

from collections.abc import Mapping
from types import MappingProxyType

from lpfl.verify.check import Check
from lpfl.verify.checks import (
    amgd,
    gauss_newton,
    gradients,
    kfac_cone,
    kfac_damped,
    kfac_exact,
    kfac_noise,
    local_rates,
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
    gauss_newton.GAUSS_NEWTON,
    kfac_damped.DAMPED,
)

CHECKS: Mapping[str, Check] = MappingProxyType(
    {check.claim_id: check for check in sorted(_ALL, key=lambda check: check.claim_id)}
)
if len(CHECKS) != len(_ALL):
    raise ValueError("a claim has two checks")
