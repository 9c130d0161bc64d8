"""Faults that the check of SI-28 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-28",
        "theory.single_index.variants.passes:_ALIGNMENT",
        old="phi * s2_link * filter_noise",
        new="sp.sqrt(phi) * s2_link * filter_noise",
        why="noise averaged over the root of the batch",
    ),
    Fault(
        "SI-28",
        "theory.single_index.variants.passes:_ALIGNMENT",
        old="phi * s2_link * filter_noise",
        new="phi * (c1 ** 2 + s2_link) * filter_noise",
        why="noise of the labels, as for a fresh batch at every step",
    ),
    Fault(
        "SI-28",
        "theory.single_index.variants.passes:_T2",
        old="E(s ** 2) + phi * E(s) ** 2",
        new="E(s ** 2)",
        why="the batch's covariance taken for the population's",
    ),
    Fault(
        "SI-28",
        "lpfl.optim.sgd:sgd_step",
        old="step_size * grad",
        new="0.5 * step_size * grad",
        why="half of the step",
    ),
    Fault(
        "SI-28",
        "theory.single_index.variants.passes:filter_alignment",
        old="spectrum.moment(1) if weight == 'covariance' else 1.0",
        new="1.0",
        why="squared correlation not over the mean eigenvalue",
    ),
    Fault(
        "SI-28",
        "theory.single_index.gaussian_equivalent:sgd_alignment",
        old="energy * E_b(s) + residual",
        new="energy + residual",
        why="power of the labels without the mean eigenvalue",
    ),
    Fault(
        "SI-28",
        "theory.single_index.variants.passes:SI_28",
        "sp.Ge(rho2_star, rho2)",
        "sp.Le(rho2_star, rho2)",
        "the printed order of ridge and passes turned round",
    ),
)
