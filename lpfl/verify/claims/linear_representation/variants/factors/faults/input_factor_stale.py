"""Faults that the check of LR-31 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-31",
        "lpfl.optim.kfac:Kfac.factors",
        old="self.factor_every == 1 or state.steps % self.factor_every == 0",
        new="True",
        why="factors renewed at every step",
    ),
    Fault(
        "LR-31",
        "lpfl.optim.kfac:Kfac.factors",
        old="state.steps + 1",
        new="state.steps + 2",
        why="the count of the steps runs twice as fast",
    ),
    Fault(
        "LR-31",
        "theory.linear_representation.variants.factors.input_factor_stale:LR_31",
        old="2 * (K_f - 1)",
        new="2 * K_f",
        why="the first step counted into the tail",
    ),
    Fault(
        "LR-31",
        "theory.linear_representation.variants.factors.input_factor_stale:LR_31",
        old="eta**2 * _TWO",
        new="eta**2 * _ONE**2",
        why="two steps on one factor taken for independent",
    ),
    Fault(
        "LR-31",
        "theory.linear_representation.variants.factors.input_factor_stale:LR_31",
        old="_NOISE / (1 - _SQUARE)",
        new="eta / (2 - eta) / _q",
        why="the floor of a factor that is renewed at every step",
    ),
    Fault(
        "LR-31",
        "theory.linear_representation.variants.factors.input_factor_stale:LR_31",
        old="sp.Eq(q_square, _SQUARE, evaluate=False)",
        new="sp.Eq(q_square, (1 - eta) ** 2 * (1 - eta * _ONE) ** 2, evaluate=False)",
        why="the mean square taken for the square of the mean",
    ),
    Fault(
        "LR-31",
        "theory.linear_representation.variants.factors.input_factor_stale:LR_31",
        old="eta**2 * (g_own + g_old)",
        new="eta**2 * (g_own + g_old / 2)",
        why="half of the noise of the steps on the old factor",
    ),
    Fault(
        "LR-31",
        "theory.linear_representation.variants.factors.stale_cycle:_step",
        old="eta**2 * nu * (nu + 1) * c",
        new="0.0",
        why="steps on the old factor to first order in the step size",
    ),
    Fault(
        "LR-31",
        "theory.linear_representation.variants.factors.input_factor_stale:LR_31",
        old="SQUARE ** K_f",
        new="(1 - eta * _FREE / n) ** (2 * K_f)",
        why="the square of the mean for an old average",
    ),
    Fault(
        "LR-31",
        "lpfl.optim.kfac:Kfac.factor",
        old="include(past, seen, self.averaging) if due else past",
        new="include(past, seen, 0.0) if due else past",
        why="an average that keeps its last batch alone",
    ),
)
