"""LR-12: the stationary error of KFAC under label noise."""

import sympy as sp

from theory.core.claim import Assumption, Claim
from theory.core.part import Kind, Part
from theory.linear_representation.assumptions import (
    DERIVED,
    EXAMPLE,
    GAUSSIAN,
    NO_DAMPING,
    RANKS,
    STEP_BELOW_TWO,
    STEP_POSITIVE,
)
from theory.linear_representation.notation import (
    B,
    F_star,
    H,
    Sigma,
    Sigma_s,
    d,
    eta,
    floor,
    n,
    sigma,
)

HEAD = {H: F_star.T * F_star}
SCHUR = {Sigma_s: (B * Sigma.inv() * B.T).inv()}
KFAC_FLOOR = (
    eta
    / (2 - eta)
    * sigma**2
    / (n - d - 1)
    * sp.Trace(sp.Inverse(H))
    * sp.Trace(sp.Inverse(Sigma_s))
)

LR_12 = Claim(
    id="LR-12",
    title="Noise floor of KFAC",
    says=(
        "With fresh Gaussian batches the mean of |T|² settles at η/(2 − η) · σ²/(n − d − 1) · "
        "tr(H⁻¹) tr(Σ_s⁻¹), to leading order in σ²/n. The floor is the same for the head of the "
        "same batch, of an independent batch, and for an averaged head. The factor 1/(n − d − 1) "
        "is the mean of an inverse Wishart matrix and belongs to Gaussian inputs."
    ),
    source=DERIVED,
    parts={"floor": Part(Kind.LIMIT, sp.Eq(floor, KFAC_FLOOR, evaluate=False))},
    definitions={**HEAD, **SCHUR},
    assumptions=(
        *RANKS,
        NO_DAMPING,
        GAUSSIAN,
        STEP_POSITIVE,
        STEP_BELOW_TWO,
        Assumption("more rows than d + 1", n > d + 1),
    ),
    example=EXAMPLE,
    beyond_paper=True,
)
