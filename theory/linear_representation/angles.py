"""LR-07, LR-28: exact dynamics of the principal angles under KFAC with a least-squares head."""

import sympy as sp

from theory.claim import Assumption, Claim, Kind
from theory.linear_representation.domain import (
    DERIVED,
    EXAMPLE,
    FULL_RANK_BATCH,
    NO_DAMPING,
    NOISELESS,
    RANKS,
    STEP_UP_TO_ONE,
)
from theory.linear_representation.steps import (
    NOISELESS as NO_NOISE,
)
from theory.linear_representation.steps import (
    kfac_step,
    least_squares_head,
    tangent,
)
from theory.notation import (
    B,
    G,
    G_next,
    G_star,
    R_gauge,
    S_c,
    Sigma,
    T,
    T_next,
    W,
    d,
    dist_cov,
    dist_t,
    eta,
    k,
    kappa,
    t_steps,
    theta,
    theta_next,
)

_WELL_POSED = (*RANKS, FULL_RANK_BATCH, NO_DAMPING, NOISELESS)
_EXAMPLE = {**EXAMPLE, "noise_std": 0.0, "angle": 0.3, "num_steps": 5, "distance_covariance": 0.3}


def population_step(representation: sp.MatrixExpr, cov: sp.MatrixExpr = Sigma) -> sp.MatrixExpr:
    """One noiseless KFAC step with the least-squares head of the representation."""
    head = least_squares_head(representation, cov, NO_NOISE)
    return kfac_step(head, representation, cov, NO_NOISE)


def angle_map(tangents: sp.MatrixExpr, pull_back: sp.MatrixExpr) -> sp.MatrixExpr:
    """(1 - eta)(I + eta T W)^{-1} T, the tangent matrix after the step."""
    return (1 - eta) * (sp.Identity(k) + eta * tangents * pull_back).inv() * tangents


def complement_part(representation: sp.MatrixExpr) -> sp.MatrixExpr:
    """G*SigmaG*' (G Sigma G*')^{-1} G - G*: orthogonal to G* in the Sigma inner product."""
    inner = G_star * Sigma * G_star.T
    return inner * (representation * Sigma * G_star.T).inv() * representation - G_star


LR_07 = Claim(
    id="LR-07",
    title="Exact angle dynamics of KFAC with a least-squares head",
    says=(
        "The tangent matrix of the principal angles maps to (1-eta)(I + eta T W)^-1 T, where W "
        "carries the input covariance. For isotropic input every tangent t maps to "
        "(1-eta) t / (1 + eta t^2). Changing the basis of the representation changes nothing."
    ),
    kind=Kind.IDENTITY,
    source=DERIVED,
    statement=sp.Tuple(
        sp.Eq(T_next, angle_map(T, W), evaluate=False),
        sp.Eq(tangent(population_step(G, sp.Identity(d))), angle_map(T, T.T), evaluate=False),
        sp.Eq(population_step(R_gauge * G), R_gauge * population_step(G), evaluate=False),
        sp.Eq(sp.tan(theta_next), (1 - eta) * sp.tan(theta) / (1 + eta * sp.tan(theta) ** 2)),
    ),
    parts=("tangent", "isotropic", "gauge", "isotropic_angle"),
    definitions={
        T: tangent(G),
        G_next: population_step(G),
        T_next: tangent(G_next),
        W: B * Sigma * (G_star + T * B).T * (G_star * Sigma * (G_star + T * B).T).inv(),
    },
    assumptions=_WELL_POSED,
    example=_EXAMPLE,
    beyond_paper=True,
)

LR_28 = Claim(
    id="LR-28",
    title="Global law of KFAC: condition number only as one logarithm",
    says=(
        "Measured in the Sigma inner product every principal angle of KFAC with a least-squares "
        "head maps exactly by tan -> (1-eta) tan / (1 + eta tan^2), from any start that is not "
        "orthogonal. So after t steps the Euclidean distance is at most sqrt(kappa) (1-eta)^t "
        "times the start: the condition number costs ln(sqrt(kappa))/eta steps, once. This is the "
        "exact sense of 'condition-number free'; it fails with damping or a re-used head."
    ),
    kind=Kind.IDENTITY,
    source=DERIVED,
    statement=sp.Tuple(
        sp.Eq(
            complement_part(G_next),
            (1 - eta)
            * (sp.Identity(k) + eta * S_c * Sigma * S_c.T * (G_star * Sigma * G_star.T).inv()).inv()
            * S_c,
            evaluate=False,
        ),
        sp.Eq(sp.tan(theta_next), (1 - eta) * sp.tan(theta) / (1 + eta * sp.tan(theta) ** 2)),
        sp.Eq(
            sp.sin(theta_next),
            (1 - eta) * sp.sin(theta) / sp.sqrt(1 + eta**2 * sp.tan(theta) ** 2),
        ),
        sp.Le(dist_t, sp.sqrt(kappa) * (1 - eta) ** t_steps * dist_cov),
    ),
    parts=("complement", "tangent", "sine", "distance"),
    definitions={G_next: population_step(G), S_c: complement_part(G)},
    assumptions=(
        *_WELL_POSED,
        STEP_UP_TO_ONE,
        Assumption("no direction of the start is orthogonal to the truth", theta < sp.pi / 2),
    ),
    example=_EXAMPLE,
    beyond_paper=True,
)
