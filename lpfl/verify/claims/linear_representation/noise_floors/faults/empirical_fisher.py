"""Faults that the checks of LR-21 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-21",
        "lpfl.optim.ngd_empirical:empirical_fisher_inverse",
        old="U.mT @ U / n",
        new="U.mT @ U / (2 * n)",
        why="half the Fisher matrix",
    ),
    Fault(
        "LR-21",
        "lpfl.optim.ngd_empirical:inverse_times",
        old="1.0",
        new="0.5",
        why="inverse root of the Fisher matrix",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.tangent_floor:tangent_floor",
        old="LR_21['floor'].matrix(_values(lam, mu, eta, sigma), "
        "sizes={'n': rows, 'd': d, 'm': m, 'k': k})",
        new=(
            "LR_12['floor'].matrix(_values(lam, mu, eta, sigma), sizes={'n': rows, 'd': d, 'k': k})"
        ),
        why="the floor of KFAC",
    ),
    Fault(
        "LR-21",
        "lpfl.optim.ngd_empirical:empirical_fisher_inverse",
        old="U.mean(-2)",
        new="1.25 * U.mean(-2)",
        why="a mean gradient a quarter too large",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.tangent_floor:tangent_floor",
        old="LR_21['floor'].matrix(_values(lam, mu, eta, sigma), "
        "sizes={'n': rows, 'd': d, 'm': m, 'k': k})",
        new="LR_21['floor'].matrix(_values(lam, mu ** 0.5, eta, sigma), "
        "sizes={'n': rows, 'd': d, 'm': m, 'k': k})",
        why="the root of the Schur complement",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.rates.local_rate:_empirical",
        old="number('noise_std', given['noise_std'], low=0.0, open_low=True)",
        new="number('noise_std', given['noise_std'], low=0.0, open_low=True) ** 2",
        why="variance given for the standard deviation",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.empirical_fisher:LEVEL",
        old="alpha / (2 - alpha)",
        new="alpha / 2",
        why="small effective step in the floor",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.empirical_fisher:LR_21",
        old="1 - eta / sigma ** 2",
        new="1 - eta / sigma",
        why="standard deviation for the variance in the contraction",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.empirical_fisher:LR_21",
        "LEVEL / (lam_i * mu_j)",
        "LEVEL / sp.sqrt(lam_i * mu_j)",
        "the root of the curvature in the variance of an entry",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.empirical_fisher:LEVEL",
        "alpha / (2 - alpha)",
        "alpha",
        "the effective step for its share in the floor",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.empirical_fisher:LR_21",
        old="count_q + 2 * (d + k) + 3",
        new="count_q + 1",
        why="the noise of one step by degrees of freedom alone",
    ),
    Fault(
        "LR-21",
        "theory.linear_representation.noise_floors.empirical_fisher:LR_21",
        old="2 * (d + k) + 3",
        new="4 * (d + k) + 3",
        why="the heavy tails of a row's gradients counted twice",
    ),
)
