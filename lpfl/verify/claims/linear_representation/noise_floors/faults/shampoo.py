"""Faults that the checks of LR-23 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-23",
        "lpfl.optim.shampoo:shampoo_direction",
        old="left.unsqueeze(-1) * right.unsqueeze(-2)",
        new="left.unsqueeze(-1)",
        why="one side only",
    ),
    Fault(
        "LR-23",
        "lpfl.optim.shampoo:shampoo_direction",
        old="left.unsqueeze(-1)",
        new="left.square().unsqueeze(-1)",
        why="twice the exponent on one side",
    ),
    Fault(
        "LR-23",
        "lpfl.optim.shampoo:shampoo_step",
        old="grad.mT @ grad",
        new="grad.square().sum(-2).diag_embed()",
        why="right statistic replaced by its diagonal",
    ),
    Fault(
        "LR-23",
        "lpfl.optim.core.average:include",
        old="decay * average.weight + 1.0 - decay",
        new="decay * average.weight + 1.0",
        why="moving average divided by the wrong weight",
    ),
    Fault(
        "LR-23",
        "lpfl.optim.shampoo:shampoo_direction",
        old="right.unsqueeze(-2)",
        new="right.pow(0.25 / exponent).unsqueeze(-2)",
        why="the right exponent fixed at 1/4",
    ),
    Fault(
        "LR-23",
        "lpfl.optim.shampoo:shampoo_step",
        old="grad @ grad.mT",
        new="grad @ grad.mT / grad.shape[-1]",
        why="left statistic averaged over the inputs",
    ),
    Fault(
        "LR-23",
        "theory.linear_representation.rates.local_rate:_shampoo",
        old="pairs['head_eigenvalue'].sum()",
        new="pairs['head_eigenvalue'].max()",
        why="largest eigenvalue for the trace of the head",
    ),
    Fault(
        "LR-23",
        "theory.linear_representation.noise_floors.shampoo:LR_23",
        old="(sigma**2 / n) ** (-2 * power_q)",
        new="(sigma**2 / n) ** (-power_q)",
        why="power of the noise",
    ),
    Fault(
        "LR-23",
        "theory.linear_representation.noise_floors.shampoo:LR_23",
        old="singular ** (1 - 4 * power_q)",
        new="singular ** (1 - 2 * power_q)",
        why="memoryless step of one side",
    ),
    Fault(
        "LR-23",
        "theory.linear_representation.noise_floors.shampoo:LR_23",
        old="(tr_cov * tr_H) ** (-power_q)",
        new="(tr_cov + tr_H) ** (-power_q)",
        why="sum of the traces for their product",
    ),
    Fault(
        "LR-23",
        "theory.linear_representation.noise_floors.shampoo:LR_23",
        old="sp.Eq(rate_power, 1 - power_q, evaluate=False)",
        new="sp.Eq(rate_power, 1 - 2 * power_q, evaluate=False)",
        why="exponent of the rate",
    ),
)
