"""Faults that the check of LR-29 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-29",
        "lpfl.optim.drive:_split",
        old="return data",
        new="return data[::-1]",
        why="the gradient from the batch of the factor",
    ),
    Fault(
        "LR-29",
        "lpfl.optim.drive:on_linear_representation",
        old="inputs_of(layer, weights, data[1])",
        new="inputs_of(layer, weights, data[0])",
        why="the separate batch left unused",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor:SQUARE",
        old="SPREAD",
        new="FREE",
        why="the spread of a batch's second moment left out",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor:LR_29",
        old="eta**2 * (d - k) / n",
        new="eta**2 * d / n",
        why="cross-talk into all d directions",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.factor_floor:factor_floor",
        old="both = {'step_size': eta, 'head_step_size': eta_F, **sizes}",
        new="both = {'step_size': eta_F, 'head_step_size': eta, **sizes}",
        why="the step sizes of the two layers exchanged",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.factor_floor:factor_floor",
        old="known = {'step_size': eta, 'factor_rows': rows, **sizes}",
        new="known = {'step_size': eta, 'factor_rows': n + d, **sizes}",
        why="the rows of the gradient in place of those of the factor",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.factor_floor:factor_multiplier",
        old="rows = count('factor_rows', factor_rows, low=d + 2)",
        new="rows = 3 * count('factor_rows', factor_rows, low=d + 2)",
        why="a factor of three times as many rows",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor:SPREAD",
        "n - 2 * k + d + 1",
        "n - k + d + 1",
        "rank taken from the spread of a batch once",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor:_gain",
        "n * (2 - step) - step",
        "n * (2 - step)",
        "the spread of a batch left out of the joint gains",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor:LR_29",
        "n_f - k - 1",
        "n_f - k",
        "one row too many in the squared inverse of another batch",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor_joint:_HEAD_SQUARE",
        "n_f - 1",
        "n_f",
        "one row too many in the square of the head's side",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor_joint:_TRACE",
        "_P**2",
        "_P",
        "the squared trace of the inverse taken for its square",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor_joint:FLOOR",
        "x_ss + _ACROSS",
        "x_ss - _ACROSS",
        "noise across the blocks with the wrong sign",
    ),
    Fault(
        "LR-29",
        "theory.linear_representation.variants.factors.input_factor_joint:_HEAD_TRACE",
        "n_f - k - 2",
        "n_f - k - 1",
        "one row too many in the trace of the head's side",
    ),
)
