"""Faults that the check of SI-23 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-23",
        "theory.single_index.variants.averaged_gradients:_BULK",
        old="c1 ** 2 + s2_link",
        new="s2_link",
        why="the signal's share of the noise forgotten",
    ),
    Fault(
        "SI-23",
        "theory.single_index.variants.averaged_gradients:_REMOVED",
        old="2 * p_exp",
        new="p_exp / 2",
        why="the amplitude's exponent quartered",
    ),
    Fault(
        "SI-23",
        "lpfl.problems.single_index.directions:power_directions",
        old="safe.pow(-p)",
        new="safe.pow(0 * p)",
        why="the statistic not used",
    ),
    Fault(
        "SI-23",
        "lpfl.optim.core.average:Average.mean",
        old="self.total / self.weight",
        new="self.total",
        why="an average without its weight",
    ),
    Fault(
        "SI-23",
        "theory.single_index.variants.averaged_gradients:_BULK",
        "c_act**2 + v_act",
        "c_act**2",
        "the variance of the slope left out of the bulk",
    ),
    Fault(
        "SI-23",
        "theory.single_index.variants.averaged_gradients:_BULK",
        "phi / d",
        "phi",
        "a bulk that does not fall with the dimension",
    ),
    Fault(
        "SI-23",
        "theory.single_index.variants.averaged_gradients:SI_23",
        "sp.Le(rho2, rho2_sgd)",
        "sp.Ge(rho2, rho2_sgd)",
        "the printed order of Shampoo and SGD turned round",
    ),
)
