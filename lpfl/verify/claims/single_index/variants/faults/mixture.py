"""Faults that the check of SI-17 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-17",
        "theory.single_index.variants.mixture:_MISFIT",
        old="2 * (1 - u_own) * E(s * ge.P)",
        new="(1 - u_own) * E(s * ge.P)",
        why="the own share counted once instead of twice",
    ),
    Fault(
        "SI-17",
        "theory.single_index.variants.mixture:_OTHER",
        old="1 + a_other * phi_2 * q_mix",
        new="1 + a_other * phi * q_mix",
        why="every batch taken to have the size of the gradient's",
    ),
    Fault(
        "SI-17",
        "theory.single_index.variants.mixture:SI_17",
        old="_OWN / W_mix",
        new="_OWN",
        why="shares that do not add up to one",
    ),
    Fault(
        "SI-17",
        "lpfl.problems.single_index.directions:factor_direction",
        old="damped_solve(factor.expand(h.shape[0], *factor.shape[-2:]), h, damping=damping)",
        new="damped_solve(batch.second_moment, h, damping=damping)",
        why="the own batch inverted instead of the given factor",
    ),
    Fault(
        "SI-17",
        "theory.single_index.gaussian_equivalent:STABILITY",
        old="phi * E(P * K)",
        new="phi * E(K)",
        why="stability of the fixed point",
    ),
    Fault(
        "SI-17",
        "theory.single_index.variants.mixture:mixture_alignment",
        old="sizes / aspect @ found.shares**2",
        new="found.shares @ found.shares",
        why="energy of the shares without the sizes of the batches",
    ),
    Fault(
        "SI-17",
        "theory.single_index.variants.mixture:solve_mixture",
        old="rows <= 1",
        new="rows < 1",
        why="as many rows as dimensions admitted without damping",
    ),
)
