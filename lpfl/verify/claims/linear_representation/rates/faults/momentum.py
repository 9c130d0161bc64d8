"""Faults that the check of LR-38 must refute."""

from lpfl.verify.planting import Fault

CARRIED = "lpfl.optim.core.momentum:carried"
SIMULATE = "lpfl.simulate:simulate"

FAULTS = (
    Fault("LR-38", CARRIED, 'kind == "averaged"', 'kind != "nesterov"', "an averaged velocity"),
    Fault("LR-38", CARRIED, 'kind == "nesterov"', 'kind != "averaged"', "Nesterov for all"),
    Fault(
        "LR-38",
        "theory.linear_representation.rates.momentum:_FLOOR",
        "2 * (1 + b_m) - eta * (1 - b_m)",
        "2 * (1 + b_m) - eta",
        "the floor of an average with the step of a heavy ball",
    ),
    Fault(
        "LR-38",
        "theory.linear_representation.rates.momentum:_spectrum",
        "(1 + 2 * b_m) * h_m",
        "(1 + b_m) * h_m",
        "the boundary of Nesterov's form as if it were the plain one",
    ),
    Fault(
        "LR-38",
        "lpfl.optim.sgd_momentum:sgd_momentum_step",
        "(1.0 - momentum) * grad if averaged else grad",
        "grad",
        "an average that adds whole gradients",
    ),
    Fault(
        "LR-38",
        "theory.linear_representation.rates.momentum:momentum_floor",
        old="f'{kind}_floor'",
        new="'heavy_ball_floor'",
        why="kind of velocity ignored by the floor",
    ),
    Fault(
        "LR-38",
        "theory.linear_representation.rates.momentum:_STEP",
        old="eta * (1 - b_m)",
        new="eta",
        why="an average that steps like a heavy ball",
    ),
    Fault(
        "LR-38",
        "theory.linear_representation.noise_floors.tangent_floor:tangent_floor",
        "unit * found / (rows - d - 1)",
        "unit * found / (rows - d)",
        "one row too many in the floor with momentum",
    ),
    Fault(
        "LR-38",
        "theory.linear_representation.rates.variants:with_momentum",
        old="(1.0 - np.asarray(multipliers, dtype=np.float64)) / eta",
        new="1.0 - np.asarray(multipliers, dtype=np.float64)",
        why="the share of a step for the curvature of a mode",
    ),
    Fault(
        "LR-38",
        "theory.linear_representation.rates.momentum:momentum_spectrum",
        "-np.abs(pairs)",
        "np.abs(pairs)",
        "the smaller of two multipliers first",
    ),
    Fault(
        "LR-38",
        SIMULATE,
        "weights, memory = method.step(weights, memory, next_batch(t))",
        "weights, _ = method.step(weights, memory, next_batch(t))",
        "a run whose state never changes",
    ),
    Fault(
        "LR-38",
        SIMULATE,
        "memory = method.init(weights)",
        "weights, memory = method.step(weights, method.init(weights), next_batch(0))",
        "a run with one step before it",
    ),
)
