"""Faults that the check of SI-30 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-30",
        "lpfl.precondition:kfac",
        old="damped_solve(X.mT @ X / n, gradient.mT, damping=damping)",
        new="damped_solve(X.mT @ X / n, gradient.mT, damping=damping + 1e-3)",
        why="a small damping added silently",
    ),
    Fault(
        "SI-30",
        "lpfl.problems.single_index.network:first_layer_gradient",
        old="act.slope(H)",
        new="act.slope(H + inputs.mean(-1, keepdim=True))",
        why="back-propagated signals that read the inputs beside GX",
    ),
    Fault(
        "SI-30",
        "theory.single_index.variants.gram:_STEP",
        old="eta * back * X * right_factor",
        new="eta * back * X * right_factor * right_factor",
        why="the right factor applied twice",
    ),
    Fault(
        "SI-30",
        "theory.single_index.variants.gram:SI_30",
        "X * right_factor.T * X.T",
        "X * X.T",
        "the printed Gram matrix without the factor",
    ),
    Fault(
        "SI-30",
        "theory.single_index.variants.gram:SI_30",
        "X * (X.T * X).inv() * X.T",
        "X * X.T",
        "the printed projector is the Gram matrix",
    ),
    Fault(
        "SI-30",
        "theory.single_index.variants.gram:SI_30",
        "(G * A.inv()).T",
        "(G * A).T",
        "the printed start moves with the map",
    ),
)
