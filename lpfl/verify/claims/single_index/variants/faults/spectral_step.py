"""Faults that the check of SI-31 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-31",
        "theory.single_index.variants.spectral_step:_SPECTRAL",
        old="2 * inputs_frobenius ** 2",
        new="2 * inputs_operator ** 2",
        why="operator norm of the inputs in the spectral guarantee",
    ),
    Fault(
        "SI-31",
        "theory.single_index.variants.spectral_step:SI_31",
        old="E(s) / batch_top",
        new="sp.sqrt(E(s) / batch_top)",
        why="ratio of norms for the stable rank",
    ),
    Fault(
        "SI-31",
        "lpfl.linalg.spectral:polar_factor",
        old="kept.to(s.dtype)",
        new="(0.5 * kept.to(s.dtype))",
        why="half of the polar factor",
    ),
    Fault(
        "SI-31",
        "theory.single_index.variants.spectral_step:_RANKS",
        old="(inputs_frobenius / inputs_operator) ** 2",
        new="inputs_frobenius / inputs_operator",
        why="root of the stable rank",
    ),
    Fault(
        "SI-31",
        "theory.single_index.variants.spectral_step:SI_31",
        old="E(s) / batch_top",
        new="1 / batch_top",
        why="stable rank without the mean eigenvalue",
    ),
    Fault(
        "SI-31",
        "theory.single_index.variants.spectral_step:SI_31",
        old="1 + ratio_F2 + cross_share",
        new="1 + ratio_F2 + 2 * cross_share",
        why="cross term counted twice in the energy of the gradient",
    ),
    Fault(
        "SI-31",
        "theory.single_index.variants.spectral_step:nuclear_rank_bound",
        old="SI_31['nuclear_rank'].number(**values)",
        new="SI_31['nuclear_rank'].number(**{**values, 'cross_share': 0.0})",
        why="cross term not handed on",
    ),
)
