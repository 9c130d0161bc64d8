"""Every exact part of the linear-representation statements holds; planted variants do not."""

from collections.abc import Mapping

import pytest
import sympy as sp
from sympy.matrices.expressions.kronecker import KroneckerProduct as Kron

from theory.claims import PACKS
from theory.core.exact.check import check_identity, check_identity_rational
from theory.core.part import Kind
from theory.linear_representation.batch_norm import batch_norm_gradient
from theory.linear_representation.contraction.gradients import central_difference
from theory.linear_representation.contraction.steps import (
    NOISELESS,
    batch_loss,
    error_cross,
    gradient_step,
    kfac_step,
    least_squares_head,
)
from theory.linear_representation.notation import (
    D_F,
    D_G,
    A,
    B,
    C_h,
    D_t,
    E_F_minus,
    E_F_plus,
    F,
    F_ls,
    F_next,
    G,
    G_next,
    G_o,
    G_star,
    H,
    N,
    P_perp,
    S_c,
    Sigma,
    Sigma_hat,
    T,
    T_next,
    W,
    X,
    bn_grad,
    d,
    e_row,
    eta,
    eta_F,
    grad_F,
    grad_G,
    grad_row,
    k,
    n,
)

CLAIMS = {claim.id: claim for claim in PACKS["LR"].claims.values()}
ALL_SIZES = (
    {"d": 5, "k": 2, "m": 3, "n": 7},
    {"d": 7, "k": 3, "m": 3, "n": 11},
    {"d": 4, "k": 1, "m": 2, "n": 6},
    {"d": 12, "k": 4, "m": 6, "n": 20},
)
EXTRA_EXACT = {("LR-17", "decomposition")}


def is_exact(relation: sp.Basic) -> bool:
    """Matrices and traces over a field; angles and eigenvalues are numbers of another kind."""
    return isinstance(relation, sp.Eq) and (
        relation.lhs.has(sp.Trace) or getattr(relation.lhs, "is_Matrix", False)
    )


# True where the step moves nothing, not for any weights: the runs of the check decide these.
AT_THE_FIXED_POINT = {
    ("LR-39", "coupled_gradient"),
    ("LR-39", "coupled_head_gradient"),
    ("LR-39", "coupled_balance"),
}

EXACT = [
    (claim.id, name)
    for claim in CLAIMS.values()
    for name, relation in claim.relations().items()
    if (claim.id, name) not in AT_THE_FIXED_POINT
    if (claim.parts[name].kind is Kind.IDENTITY and is_exact(relation))
    or (claim.id, name) in EXTRA_EXACT
]


@pytest.mark.parametrize("sizes", ALL_SIZES, ids=lambda s: f"d{s['d']}k{s['k']}m{s['m']}")
@pytest.mark.parametrize(("claim_id", "part"), EXACT)
def test_exact_parts_hold(claim_id: str, part: str, sizes: dict[str, int]) -> None:
    claim = CLAIMS[claim_id]
    result = check_identity(claim.relations()[part], sizes, definitions=claim.definitions)
    assert result.holds
    assert result.false_pass_bound < 1e-12


@pytest.mark.parametrize(("claim_id", "part"), EXACT)
def test_exact_parts_hold_over_the_rationals(claim_id: str, part: str) -> None:
    claim = CLAIMS[claim_id]
    relation = claim.relations()[part]
    assert check_identity_rational(relation, ALL_SIZES[0], definitions=claim.definitions)


def test_the_exact_parts_are_all_there() -> None:
    ids = {claim_id for claim_id, _ in EXACT}
    exact_ids = (1, 2, 3, 4, 5, 6, 7, 11, 13, 17, 20, 25, 26, 27, 28, 35, 37, 43, 44, 45, 47, 48)
    assert ids == {f"LR-{number:02d}" for number in exact_ids}


def redefined(claim_id: str, part: str, changes: Mapping[sp.Basic, sp.Basic]) -> tuple:
    claim = CLAIMS[claim_id]
    return claim.relations()[part], {**claim.definitions, **changes}


def restated(claim_id: str, left: sp.Basic, right: sp.Basic) -> tuple:
    return sp.Eq(left, right, evaluate=False), dict(CLAIMS[claim_id].definitions)


_EYE = sp.Identity(k)
_COSINES = (_EYE + T * T.T).inv()

PLANTED = {
    "gradient with the noise added": redefined(
        "LR-01", "representation", {grad_G: F.T * error_cross(noise=-N)}
    ),
    "gradient without 1/n": redefined("LR-01", "head", {Sigma_hat: X.T * X}),
    "head gradient doubled": redefined("LR-01", "head", {grad_F: 2 * error_cross() * G.T}),
    "central difference without the factor 2": (
        central_difference(batch_loss(E_F_plus), batch_loss(E_F_minus), grad_F / 2, D_F),
        dict(CLAIMS["LR-01"].definitions),
    ),
    "Kronecker factors in row-major order": restated(
        "LR-02", Kron(X, F).T * Kron(X, F) / n, Kron(F.T * F, Sigma_hat)
    ),
    "Gauss-Newton without cross blocks": restated(
        "LR-02",
        sp.Trace((F * D_G + D_F * G) * Sigma_hat * (F * D_G + D_F * G).T),
        sp.Trace(D_G.T * F.T * F * D_G * Sigma_hat) + sp.Trace(D_F * G * Sigma_hat * G.T * D_F.T),
    ),
    "KFAC without the input factor": redefined(
        "LR-03", "step", {G_next: G - eta * (F.T * F).inv() * grad_G}
    ),
    "KFAC without the output factor": redefined(
        "LR-03", "complement", {G_next: G - eta * grad_G * Sigma_hat.inv()}
    ),
    "KFAC on a doubled step": redefined(
        "LR-03", "complement", {G_next: G - 2 * eta * (F.T * F).inv() * grad_G * Sigma_hat.inv()}
    ),
    "distance 0 after half a step": restated(
        "LR-04",
        kfac_step(noise=NOISELESS, step_size=sp.Rational(1, 2)) * P_perp,
        sp.ZeroMatrix(k, d),
    ),
    "damping that does not matter": restated(
        "LR-05", G_next * P_perp, (1 - eta) * G * P_perp + eta * (F.T * F).inv() * F.T * N * P_perp
    ),
    "head average with the wrong weight": redefined(
        "LR-06", "average", {F_next: F - 2 * eta_F * grad_F * (G * Sigma_hat * G.T).inv()}
    ),
    "least squares blind to the noise": redefined(
        "LR-06", "least_squares", {F_ls: least_squares_head(noise=NOISELESS)}
    ),
    "angles as if the input were isotropic": redefined("LR-07", "tangent", {W: T.T}),
    "angles with the sign of W turned": redefined(
        "LR-07", "tangent", {W: -CLAIMS["LR-07"].definitions[W]}
    ),
    "angles contracting by 1 - eta exactly": restated("LR-07", T_next, (1 - eta) * T),
    "noise columns without 1/n": redefined(
        "LR-11", "columns", {C_h: P_perp * Sigma_hat.inv() * P_perp}
    ),
    "noise columns whitened twice": redefined(
        "LR-11", "columns", {C_h: P_perp * Sigma_hat.inv() * Sigma_hat.inv() * P_perp / n}
    ),
    "AMGD with H on the other side": restated(
        "LR-13",
        T_next,
        (_EYE + eta * T * T.T * _COSINES * H).inv() * (_EYE - eta * _COSINES * H) * T,
    ),
    "AMGD without orthonormal rows": redefined("LR-13", "tangent", {G_o: G}),
    "bias decomposition with the noise turned": redefined(
        "LR-17", "decomposition", {F_ls: least_squares_head(noise=-N)}
    ),
    "batch-norm under any head": restated(
        "LR-25", batch_norm_gradient(grad_row), grad_row
    ),
    "batch-norm gradient along the row": redefined(
        "LR-25", "orthogonal", {bn_grad: e_row.T * F.T * error_cross()}
    ),
    "transfer with the Euclidean projection": redefined(
        "LR-26",
        "population",
        {D_t: G_star * Sigma * (sp.Identity(d) - G.T * (G * G.T).inv() * G) * G_star.T},
    ),
    "transfer of the whole signal": redefined(
        "LR-26", "population", {D_t: G_star * Sigma * G_star.T}
    ),
    "SGD under any input map": restated(
        "LR-27",
        gradient_step(
            F, G * A.inv(), A * Sigma_hat * A.T, N * A.T, G_star * A.inv()
        ),
        gradient_step() * A.inv(),
    ),
    "damped KFAC under any input map": restated(
        "LR-27",
        kfac_step(
            F,
            G * A.inv(),
            A * Sigma_hat * A.T,
            N * A.T,
            G_star * A.inv(),
            whitener=A * Sigma_hat * A.T + sp.Identity(d),
        ),
        kfac_step(whitener=Sigma_hat + sp.Identity(d)) * A.inv(),
    ),
    "global law in the Euclidean inner product": redefined(
        "LR-28", "complement", {S_c: (G * G_star.T).inv() * G - G_star}
    ),
    "global law contracting by 1 - eta exactly": redefined(
        "LR-28", "complement", {G_next: (1 - eta) * G + eta * G_star}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_planted_variants_are_refuted(name: str) -> None:
    relation, definitions = PLANTED[name]
    assert not check_identity(relation, ALL_SIZES[0], definitions=definitions).holds


def test_the_complement_rows_span_what_the_projector_keeps() -> None:
    projector = sp.Identity(d) - G_star.T * G_star
    assert check_identity(sp.Eq(projector, B.T * B, evaluate=False), ALL_SIZES[1]).holds
