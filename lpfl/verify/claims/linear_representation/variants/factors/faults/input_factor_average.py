"""Faults that the check of LR-30 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-30",
        "lpfl.optim.kfac:Kfac.factor",
        old="self.includes_current or first",
        new="True",
        why="the current batch always in the average",
    ),
    Fault(
        "LR-30",
        "lpfl.optim.kfac:Kfac.factor",
        old="include(past, seen, self.averaging)",
        new="include(past, seen, self.averaging**2)",
        why="a memory of half the length",
    ),
    Fault(
        "LR-30",
        "theory.linear_representation.variants.factors.input_factor_average:_SPREAD",
        old="1 - 2 * w_now + q_f",
        new="1 - w_now + q_f",
        why="half of the correlation with the current batch left out",
    ),
    Fault(
        "LR-30",
        "theory.linear_representation.variants.factors.factor_floor:_memory",
        old="1.0 - b if truth('includes_current', includes_current) else 0.0",
        new="0.0 if truth('includes_current', includes_current) else 1.0 - b",
        why="averages with and without the current batch exchanged",
    ),
    Fault(
        "LR-30",
        "theory.linear_representation.variants.factors.input_factor_average:ROWS_LOST",
        old="2 * k * q_f",
        new="k * q_f",
        why="rows lost to the rank counted once",
    ),
    Fault(
        "LR-30",
        "theory.linear_representation.variants.factors.input_factor_average:ROWS_LOST",
        old="-k + 2 * k * q_f",
        new="2 * k * q_f",
        why="a long memory without the rows that the rank gives back",
    ),
    Fault(
        "LR-30",
        "theory.linear_representation.variants.factors.input_factor_average:_SHIFT",
        old="-k * (1 - q_f)",
        new="k * (1 - q_f)",
        why="the head's share of the loss with the wrong sign",
    ),
    Fault(
        "LR-30",
        "theory.linear_representation.variants.factors.factor_floor:factor_floor",
        old="LR_30['floor'].number(step_size=eta, **sizes, **memory)",
        new="LR_30['floor'].number(step_size=eta, **{**sizes, 'batch_size': max(n, d)}, **memory)",
        why="an average's floor as if a batch had at least as many rows as inputs",
    ),
    Fault(
        "LR-30",
        "lpfl.problems.linear_representation.moments:sample_moments",
        old="bartlett_factor(batch_size, d, "
        "replicates=replicates, generator=generator, dtype=dtype)",
        new="bartlett_factor(max(batch_size, d), d, "
        "replicates=replicates, generator=generator, dtype=dtype)",
        why="statistics of at least as many rows as inputs, however few are asked for",
    ),
)
