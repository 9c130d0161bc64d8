"""Faults that the check of SI-25 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-25",
        "lpfl.problems.single_index.inputs:_rademacher",
        old="2.0 * coins.to(dtype) - 1.0",
        new="2.0 * coins.to(dtype) - 0.5",
        why="coordinates with a mean",
    ),
    Fault(
        "SI-25",
        "theory.single_index.variants.input_law:regression",
        old="float(p @ (left * left) @ w) + noise_std ** 2",
        new="float(p @ (left * left) @ w) + 9 * noise_std ** 2",
        why="noise of the labels three times too large",
    ),
    Fault(
        "SI-25",
        "theory.single_index.variants.input_law:_nodes",
        old="law == 'rademacher'",
        new="False",
        why="another law than that of the coordinates",
    ),
    Fault(
        "SI-25",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
    Fault(
        "SI-25",
        "theory.single_index.variants.input_law:_nodes",
        "3**0.5 * t",
        "t",
        "uniform inputs on [-1, 1]",
    ),
    Fault(
        "SI-25",
        "theory.single_index.variants.input_law:_nodes",
        "t - 1",
        "t",
        "an exponential law that is not centred near its start",
    ),
)
