"""SI-02, SI-03, SI-07, SI-13, SI-15, SI-16: how well the learned direction aligns."""

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
    GAUSSIAN,
    GIVEN_TEACHER,
    ISOTROPIC_TEACHER,
    NORMALISED,
    SAME_BATCH,
    THEOREM,
    UNNORMALISED,
)
from theory.single_index.fixed_point import COMPANION
from theory.single_index.mehler import RISK
from theory.single_index.notation import c0_link, rho2, rho2_cov, risk, s2_link, tau2
from theory.single_index.teacher import ENERGY, NOISE_UNNORMALISED, SGD_UNNORMALISED

FIXED_POINT = sp.Eq(COMPANION.expression, 0)

SI_02 = Claim(
    id="SI-02",
    title="Alignment after one SGD step",
    says=(
        "After one plain gradient step the squared cosine between the learned and the true "
        "direction tends to a formula that stays below m_1²/m_2 even with infinite data, m_j the "
        "mean of the j-th power of the eigenvalues of Σ: with an anisotropic input SGD is biased "
        "towards Σβ⋆."
    ),
    source=THEOREM,
    parts=parts_of(Kind.LIMIT, sp.Eq(rho2, ge.SGD["identity"].expression)),
    assumptions=BASE,
    example=EXAMPLE,
)

SI_03 = Claim(
    id="SI-03",
    title="Alignment after one damped KFAC step",
    says=(
        "Whitening with the damped covariance of the same batch gives a squared cosine that "
        "depends on the spectrum only through one fixed point v. Large damping gives SGD. Without "
        "damping the direction is unbiased, and only the label noise, amplified by 1/(1 − d/n), "
        "is left."
    ),
    source=THEOREM,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(rho2, ge.isotropic(ge.kfac_alignment(ge.ONE, noise_level=tau2))), FIXED_POINT
        ),
        ("alignment", "fixed_point"),
    ),
    definitions={tau2: ge.isotropic(ge.tau2()), **ge.LETTERS},
    assumptions=(*BASE, DAMPED, SAME_BATCH),
    example=EXAMPLE,
)

SI_07 = Claim(
    id="SI-07",
    title="Prediction quality of the learned direction",
    says=(
        "The correlation of βᵀx with β⋆ᵀx follows the same formulas with the weight Σ, and it "
        "fixes the risk of the best function of βᵀx by Mehler's formula. This is no lower bound "
        "for a whole network, whose random features learn the linear part as well."
    ),
    source=DERIVED + Source.other_work("Mehler's formula: the risk"),
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(
                rho2_cov,
                ge.isotropic(ge.kfac_alignment(ge.WEIGHTS["covariance"], noise_level=tau2)),
            ),
            FIXED_POINT,
            sp.Eq(risk, RISK),
        ),
        ("correlation", "fixed_point", "risk"),
    ),
    definitions={tau2: ge.isotropic(ge.tau2()), **ge.LETTERS},
    assumptions=(*BASE, DAMPED, SAME_BATCH),
    example=EXAMPLE,
)

SI_13 = Claim(
    id="SI-13",
    title="Batch normalisation does not whiten",
    says=(
        "SGD through batch-normalised pre-activations aligns like SGD on centred labels: the mean "
        "of the labels is removed, but the direction is still biased towards Σβ⋆, with the same "
        "cap m_1²/m_2 as in SI-02."
    ),
    source=Source.attributed("Zhang et al. 2025, arXiv 2502.01763: batch-norm helps little")
    + Source.derived("every formula"),
    parts=parts_of(
        Kind.LIMIT, sp.Eq(rho2, ge.SGD["identity"].expression.subs(s2_link, s2_link - c0_link**2))
    ),
    assumptions=BASE,
    example=EXAMPLE,
)

SI_15 = Claim(
    id="SI-15",
    title="Alignment for a structured teacher",
    says=(
        "For a given teacher the averages over the signal are taken with its energy in each "
        "eigenspace. This moves the best damping by an order of magnitude in either direction, so "
        "the rule of SI-04 needs a teacher without preferred directions."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(sp.Eq(rho2, ge.kfac_alignment(ge.ONE, noise_level=tau2)), FIXED_POINT),
        ("alignment", "fixed_point"),
    ),
    definitions={tau2: ge.tau2(), **ge.LETTERS},
    assumptions=(GAUSSIAN, GIVEN_TEACHER, NORMALISED, ASPECT, DAMPED, SAME_BATCH),
    example=EXAMPLE,
    beyond_paper=True,
)

SI_16 = Claim(
    id="SI-16",
    title="A network without the factor 1/√N",
    says=(
        "Without the factor 1/√N the output of the untrained network is part of the residual: it "
        "adds to the energy in the denominator and to the noise, and the alignment is much lower "
        "(0.31 instead of 0.61 in one case). The scaling of the network has to be known before "
        "any number is compared."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(rho2, SGD_UNNORMALISED.expression),
            sp.Eq(rho2, ge.isotropic(ge.kfac_alignment(ge.ONE, energy=ENERGY, noise_level=tau2))),
            FIXED_POINT,
        ),
        ("sgd", "kfac", "fixed_point"),
    ),
    definitions={tau2: NOISE_UNNORMALISED, **ge.LETTERS},
    assumptions=(GAUSSIAN, ISOTROPIC_TEACHER, UNNORMALISED, ASPECT, DAMPED, SAME_BATCH),
    example={**EXAMPLE, "network_scaling": "plain"},
    beyond_paper=True,
)
