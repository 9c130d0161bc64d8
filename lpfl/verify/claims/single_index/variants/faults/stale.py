"""Faults that the check of SI-20 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-20",
        "theory.single_index.variants.stale:_CAP",
        old="phi_frozen / (1 - phi_frozen)",
        new="phi_frozen",
        why="the inverse taken to have the covariance's own scale",
    ),
    Fault(
        "SI-20",
        "theory.single_index.variants.stale:SI_20",
        old="1 - phi_frozen",
        new="1 - phi_frozen ** 2",
        why="square of the aspect",
    ),
    Fault(
        "SI-20",
        "theory.single_index.variants.stale:SI_20",
        old="phi * (1 - b_avg) / (1 + b_avg)",
        new="phi * (1 - b_avg)",
        why="the weight of one batch for the energy of all",
    ),
    Fault(
        "SI-20",
        "lpfl.problems.single_index.moments:sample_second_moment",
        old="gram(rows) / n",
        new="gram(rows) / n + torch.eye(problem.dim, dtype=rows.dtype) * 0.1",
        why="a damping nobody asked for",
    ),
    Fault(
        "SI-20",
        "theory.single_index.variants.stale:_CAP",
        old="E(s)",
        new="sp.Integer(1)",
        why="cap of a frozen factor without the mean eigenvalue",
    ),
    Fault(
        "SI-20",
        "theory.single_index.variants.stale:SI_20",
        old="phi_frozen < 1",
        new="phi_frozen < 2",
        why="a frozen factor of fewer rows than dimensions admitted",
    ),
)
