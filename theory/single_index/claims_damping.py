"""SI-04, SI-05, SI-06, SI-08: the best damping, when KFAC wins, other batches, the fixed point."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, parts_of
from theory.core.source import Source
from theory.single_index import gaussian_equivalent as ge
from theory.single_index.assumptions import (
    ASPECT,
    BASE,
    DAMPED,
    DERIVED,
    EXAMPLE,
    LINEAR_PART,
    OTHER_BATCH,
    SAME_BATCH,
    UNDERPARAMETRISED,
    WHITENING_BATCH,
)
from theory.single_index.damping import (
    ADVANTAGE,
    BEST_IN_LETTERS,
    DERIVATIVE,
    FACTORISED_DERIVATIVE,
    OPTIMAL_DAMPING,
)
from theory.single_index.fixed_point import (
    COMPANION,
    COMPANION_RATE,
    TWO_ATOM_CUBIC,
    TWO_ATOM_EQUATION,
)
from theory.single_index.notation import lam, lam_star, rho2, rho2_sgd, s_A, s_B, tau2, w_fix
from theory.single_index.whitening import INDEPENDENT_BATCH

_BEST = OPTIMAL_DAMPING.expression

SI_04 = Claim(
    id="SI-04",
    title="The best damping is the same for every spectrum",
    says=(
        "The alignment grows with the damping up to λ⋆ = (d/n)s_2/c_1² and falls after it, for "
        "every spectrum and every batch: its derivative is a positive number times λ⋆ − λ. The "
        "best value is E[P_s], and every damping of at least λ⋆ beats SGD. The teacher must be "
        "isotropic."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.IDENTITY,
        sp.Tuple(
            sp.Eq(*(side.subs(_BEST, lam_star) for side in (DERIVATIVE, FACTORISED_DERIVATIVE))),
            *(
                sp.Eq(ge.isotropic(ge.kfac_alignment(T, noise_level=tau2)), BEST_IN_LETTERS[name])
                for name, T in ge.WEIGHTS.items()
            ),
        ),
        ("derivative", "best_alignment", "best_correlation"),
    ),
    definitions={
        lam_star: _BEST,
        tau2: ge.isotropic(ge.tau2()).subs(lam, lam_star),
        **ge.LETTERS,
    },
    assumptions=(*BASE, LINEAR_PART, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)

SI_05 = Claim(
    id="SI-05",
    title="When KFAC without damping beats SGD",
    says=(
        "Without damping KFAC beats SGD exactly where an explicit number is positive. That is not "
        "always so: with eigenvalues 0.1 and 1.9, d/n = 1/2 and noisy labels SGD reaches 0.37 and "
        "KFAC 0.20. Our correction: preconditioning helps for sure only with enough damping."
    ),
    source=DERIVED,
    parts=parts_of(Kind.ORDERING, sp.Eq(1 / rho2_sgd - 1 / rho2, ADVANTAGE.expression)),
    definitions={
        rho2_sgd: ge.SGD["identity"].expression,
        rho2: ge.KFAC_RIDGELESS["identity"].expression,
    },
    assumptions=(*BASE, UNDERPARAMETRISED, LINEAR_PART, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)

SI_06 = Claim(
    id="SI-06",
    title="Whitening with another batch loses most of the gain",
    says=(
        "If the covariance comes from samples independent of the gradient's, errors of the two no "
        "longer cancel and the alignment is much lower (0.43 instead of 0.85 in one case). Even "
        "the exact covariance is worse than the same batch wherever (d/n) E y² < c_1²."
    ),
    source=DERIVED,
    parts=parts_of(Kind.LIMIT, sp.Eq(rho2, INDEPENDENT_BATCH.expression)),
    assumptions=(*BASE, WHITENING_BATCH, DAMPED, OTHER_BATCH),
    example={**EXAMPLE, "whitening_batch": "independent"},
    beyond_paper=True,
)

SI_08 = Claim(
    id="SI-08",
    title="The fixed point of the resolvent",
    says=(
        "The companion equation has exactly one positive root v. The iteration v ← 1/(λ + φE[s/(1 "
        "+ sv)]) always reaches it. The natural iteration for m is repelled where φE[P(2 − P)] > "
        "1, with P = sv/(1 + sv). Two atoms give a cubic, one atom a closed form."
    ),
    source=Source.other_work("Silverstein 1995") + Source.derived("convergence regions"),
    parts=parts_of(
        Kind.IDENTITY,
        sp.Tuple(
            sp.Eq(TWO_ATOM_EQUATION * (lam + s_A * w_fix) * (lam + s_B * w_fix), TWO_ATOM_CUBIC),
            sp.Eq(COMPANION.expression, 0),
            sp.Lt(COMPANION_RATE.expression, 1),
        ),
        ("two_atoms", "companion", "contraction"),
    ),
    assumptions=(ASPECT, DAMPED),
    example=EXAMPLE,
)
