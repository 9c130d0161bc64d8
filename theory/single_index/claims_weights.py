"""SI-01, SI-09 to SI-12, SI-14: the gradient, the new weights, the features, the final risk."""

import sympy as sp

from theory.core.claim import Claim
from theory.core.part import Kind, parts_of
from theory.core.source import Source
from theory.single_index.assumptions import (
    BASE,
    DERIVED,
    EXAMPLE,
    FRESH,
    FRESH_FEATURES,
    GAUSSIAN,
    ISOTROPIC_TEACHER,
    NORMALISED,
    SLOPE,
    SPIKE_SEEN,
    STEP,
    SUPERCRITICAL,
    TALL,
    UNCOUPLED,
    WIDTH_RATIO,
)
from theory.single_index.feature_spikes import COUNT_LOWER, COUNT_UPPER, HARMONIC
from theory.single_index.gradient import FROBENIUS_RATIO2, OPERATOR_RATE
from theory.single_index.notation import (
    a_spike,
    alpha_eta,
    beta_var,
    beta_var_mean,
    dither_var,
    dither_var_mean,
    k,
    kappa_eff,
    left2,
    n,
    n_spikes,
    rate_const,
    ratio_F2,
    ratio_op,
    rho2,
    ridge,
    right2,
    risk,
    risk_train,
    sigma_out,
    spike_eig,
    spike_kl,
    sv_feature,
    width,
    z_edge,
)
from theory.single_index.outliers import LEFT_OVERLAP2, RIGHT_OVERLAP2, SINGULAR_VALUE
from theory.single_index.polar import EDGE_SQUARE, STATIONARITY
from theory.single_index.ridge_risk import RIDGE, TEST
from theory.single_index.sign_step import DIAGONAL, ROTATED, SIGN_IN_LETTERS

_sh = sp.Function("sh")
_E_a = sp.Function("E_a")
_MEAN_LETTERS = {beta_var: beta_var_mean, dither_var: dither_var_mean}

SI_01 = Claim(
    id="SI-01",
    title="The gradient is rank one, in operator norm",
    says=(
        "The first gradient is a rank-one matrix plus a remainder whose operator norm is smaller "
        "by √(log N_h / N_h), up to a constant. In Frobenius norm the remainder does not vanish: "
        "the ratio tends to an explicit number."
    ),
    source=SPIKE_SEEN + Source.other_work("Ba et al. 2022") + Source.derived("both rates"),
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(ratio_F2, FROBENIUS_RATIO2.expression),
            sp.Le(ratio_op, rate_const * OPERATOR_RATE.expression),
        ),
        ("frobenius", "operator"),
    ),
    assumptions=(*BASE, SLOPE),
    example=EXAMPLE,
)

SI_09 = Claim(
    id="SI-09",
    title="When the new weights have an outlier",
    says=(
        "One step adds a spike of strength ϑ to the random weights. Above ϑ = ψ^(1/4) the largest "
        "singular value leaves the bulk, and its vectors overlap the head and the learned "
        "direction by explicit amounts. Below, nothing is visible."
    ),
    source=SPIKE_SEEN + Source.other_work("Benaych-Georges and Nadakuditi 2012: the threshold"),
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(sigma_out, SINGULAR_VALUE.expression),
            sp.Eq(left2, LEFT_OVERLAP2.expression),
            sp.Eq(right2, RIGHT_OVERLAP2.expression),
        ),
        ("singular_value", "left", "right"),
    ),
    assumptions=(GAUSSIAN, NORMALISED, WIDTH_RATIO, SUPERCRITICAL),
    example=EXAMPLE,
)

SI_10 = Claim(
    id="SI-10",
    title="Spikes of the feature matrix",
    says=(
        "As n grows, a step of size n^α gives ℓ spikes in the features for α between (ℓ − 1)/(2ℓ) "
        "and ℓ/(2ℓ + 2). At practical sizes that count misleads. Our finite-size rule puts the "
        "outliers at √(n e_k), with e_k the eigenvalues of an explicit matrix (30 harmonics). It "
        "holds for fresh rows and spikes well outside the bulk: the first to a few per cent; the "
        "k-th lies lower by about (k − 1)R_F²/2, with R_F the Frobenius ratio of SI-01. On the "
        "step's own rows the spikes are up to 25 % larger."
    ),
    source=Source.other_work("Moniri et al. 2023") + Source.derived("the finite-size rule"),
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Lt(COUNT_LOWER, alpha_eta),
            sp.Lt(alpha_eta, COUNT_UPPER),
            sp.Eq(_sh(k, a_spike), HARMONIC),
            sp.Eq(spike_kl, width * _E_a(_sh(k, a_spike) * _sh(n_spikes, a_spike))),
            sp.Eq(sv_feature, sp.sqrt(n * spike_eig)),
        ),
        ("count_above", "count_below", "harmonic", "gram", "outlier"),
    ),
    assumptions=(GAUSSIAN, NORMALISED, FRESH_FEATURES),
    example=EXAMPLE,
)

SI_11 = Claim(
    id="SI-11",
    title="Adam's first step does not fix the bias",
    says=(
        "The first step of Adam is the sign of the gradient. Where the eigenvectors of Σ are in "
        "general position, its alignment lies between 2/π and 1 times that of SGD. Where Σ is "
        "diagonal, the sign rescales coordinates and can beat SGD."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(rho2, SIGN_IN_LETTERS[False]),
            sp.Eq(rho2, SIGN_IN_LETTERS[True].xreplace(_MEAN_LETTERS)),
        ),
        ("diagonal", "rotated"),
    ),
    definitions={
        **DIAGONAL.meaning,
        **{_MEAN_LETTERS[letter]: value for letter, value in ROTATED.meaning.items()},
    },
    assumptions=(*BASE, SLOPE),
    example=EXAMPLE,
    beyond_paper=True,
)

SI_12 = Claim(
    id="SI-12",
    title="An orthogonalised gradient leaves no spike",
    says=(
        "Muon and undamped one-step Shampoo replace the gradient by its polar factor, which has "
        "all singular values equal. The new weights then have no outlier for any step size, only "
        "a bulk edge; the top singular vector overlaps the teacher by O(1/d). Where the labels "
        "have a mean and the activation a mean curvature (ReLU on ReLU labels), gradient and "
        "weights are not free of each other, and the edge lies about 1 % higher."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(sp.Eq(z_edge, EDGE_SQUARE.expression), sp.Eq(STATIONARITY.expression, 0)),
        ("edge", "stationary"),
    ),
    assumptions=(GAUSSIAN, ISOTROPIC_TEACHER, NORMALISED, TALL, STEP, UNCOUPLED),
    example=EXAMPLE,
    beyond_paper=True,
)

SI_14 = Claim(
    id="SI-14",
    title="Test and train error after the second layer is fitted",
    says=(
        "After the step and a ridge fit of the second layer on fresh samples, test and train "
        "error tend to explicit numbers: the bulk acts as a linear model with an effective ridge, "
        "and the spikes add the harmonics they carry. This does not hold for even links at n near "
        "d²/7, nor for a fit that uses the step's data again."
    ),
    source=DERIVED,
    parts=parts_of(
        Kind.LIMIT,
        sp.Tuple(
            sp.Eq(RIDGE.expression, ridge),
            sp.Eq(risk, TEST.expression),
            sp.Eq(risk_train, risk * (ridge / kappa_eff) ** 2),
        ),
        ("effective_ridge", "test", "train"),
    ),
    assumptions=(*BASE, WIDTH_RATIO, SLOPE, FRESH),
    example=EXAMPLE,
    beyond_paper=True,
)
