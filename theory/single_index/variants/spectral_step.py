"""SI-31: a spectral step against a gradient step on a layer."""

from __future__ import annotations

import sympy as sp

from theory.core.claim import Claim
from theory.core.formula import E
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.core.spectrum import Spectrum
from theory.single_index.assumptions import BASE, EXAMPLE, LINEAR_PART, SLOPE
from theory.single_index.domain import need_count, need_finite, need_nonnegative
from theory.single_index.notation import (
    batch_top,
    cross_share,
    drop_gradient,
    drop_spectral,
    g_frobenius,
    g_nuclear,
    inputs_frobenius,
    inputs_operator,
    least_side,
    n,
    nuclear_rank,
    ratio_F2,
    side,
    stable_rank,
    stable_share,
)
from theory.single_index.notation import s_cov as s
from theory.single_index.variants.passes import largest_eigenvalue

_SPECTRAL = n * g_nuclear**2 / (2 * inputs_frobenius**2)
_GRADIENT = n * g_frobenius**2 / (2 * inputs_operator**2)
_RANKS = (g_nuclear / g_frobenius) ** 2 - (inputs_frobenius / inputs_operator) ** 2

SI_31 = Claim(
    id="SI-31",
    title="A spectral step against a gradient step",
    says=(
        "On a layer with squared loss |XWᵀ − Y|²/2n the polar factor of the gradient, at its "
        "best safe step size n g_nuc/X_fro², lowers the loss by n g_nuc²/2X_fro² at least. The "
        "gradient, at n/X_op², lowers it by n g_fro²/2X_op² at least. The first guarantee is the "
        "larger one exactly where the nuclear rank of the gradient exceeds the stable rank of "
        "the inputs. At the single-index step the stable rank is d m_1/λ_+, and the nuclear "
        "rank is due to the remainder of SI-01. Many samples or a small remainder leave the "
        "gradient the better guarantee. A polar step wins where Σ is far from isotropic, the "
        "labels are noisy and n is near d."
    ),
    source=Source.other_work(
        "Davis & Drusvyatskiy 2025, arXiv 2512.04299: nuclear rank against stable rank; their "
        "text was not at hand"
    )
    + Source.derived("both bounds and the single-index step"),
    parts={
        "spectral": Part(Kind.BOUND, sp.Ge(drop_spectral, _SPECTRAL)),
        "gradient": Part(Kind.BOUND, sp.Ge(drop_gradient, _GRADIENT)),
        "winner": Part(Kind.ORDERING, sp.Eq(side, sp.sign(_RANKS), evaluate=False)),
        "stable_rank": Part(Kind.LIMIT, sp.Eq(stable_share, E(s) / batch_top)),
        "nuclear_rank": Part(
            Kind.BOUND,
            sp.Le(
                nuclear_rank,
                (1 + sp.sqrt(least_side * ratio_F2)) ** 2 / (1 + ratio_F2 + cross_share),
            ),
        ),
        "gradient_wins": Part(Kind.ORDERING, sp.Ge(stable_rank, nuclear_rank)),
    },
    assumptions=(*BASE, LINEAR_PART, SLOPE),
    example=EXAMPLE,
    beyond_paper=True,
)


def stable_rank_share(spectrum: Spectrum, *, aspect: float) -> float:
    """Return the limit of the stable rank |X|_F^2 / |X|_op^2 of a batch, over the dimension.

    Raises: ValueError for a value outside its bound.
    Source: SI-31; the largest eigenvalue from the edge of the limiting spectrum.
    """
    top = largest_eigenvalue(spectrum, aspect=aspect)
    return float(SI_31["stable_rank"].number(spectrum, batch_top=top))


def nuclear_rank_bound(ratio2: float, least_side: int, cross_share: float = 0.0) -> float:
    """Return the bound on the nuclear rank of a gradient of remainder ratio^2 ``ratio2``.

    Raises: ValueError for a value outside its bound, or where no finite value exists.
    """
    need_nonnegative(ratio2=ratio2)
    need_count(least_side=least_side)
    need_finite(cross_share=cross_share)
    values = {"remainder_frobenius2": ratio2, "least_side": least_side, "cross_share": cross_share}
    return float(SI_31["nuclear_rank"].number(**values))
