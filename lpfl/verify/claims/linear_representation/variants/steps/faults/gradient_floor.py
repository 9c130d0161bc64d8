"""Faults that the check of LR-32 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-32",
        "lpfl.optim.amgd:amgd_step",
        old="least_squares_head(G, batch)",
        new="0.8 * least_squares_head(G, batch)",
        why="a head that is shrunk by a fifth",
    ),
    Fault(
        "LR-32",
        "lpfl.optim.sgd:sgd_step",
        old="W - step_size * grad",
        new="W - 0.8 * step_size * grad",
        why="a step that is too short by a fifth",
    ),
    Fault(
        "LR-32",
        "theory.linear_representation.variants.steps.gradient_floor:_gain",
        old="eta * lam_i",
        new="2 * eta * lam_i",
        why="a gain twice as large",
    ),
    Fault(
        "LR-32",
        "theory.linear_representation.variants.steps.gradient_floor:LR_32",
        old="(n + 1) * eta * lam_i",
        new="(n + d) * eta * lam_i",
        why="the spread of a batch counted twice for a frozen head",
    ),
    Fault(
        "LR-32",
        "theory.linear_representation.variants.steps.gradient_floor:row_floor",
        old="spreads.sum() / (1.0 - gain)",
        new="spreads.sum()",
        why="a floor from its spread alone",
    ),
    Fault(
        "LR-32",
        "theory.linear_representation.variants.steps.gradient_floor:row_floor",
        old="LR_32['floor'].matrix(atoms, sizes=sizes) * (1.0 - gains)",
        new="LR_32['floor'].matrix(atoms, sizes=sizes)",
        why="the gain of one eigenvalue left in its spread",
    ),
    Fault(
        "LR-32",
        "theory.linear_representation.variants.steps.gradient_floor:row_floor",
        old="2.0 * n / (n - rank + 1)",
        new="2.0 * n / (n + 1)",
        why="largest step with all rows for those beyond the rank",
    ),
)
