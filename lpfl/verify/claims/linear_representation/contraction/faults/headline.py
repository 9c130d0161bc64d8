"""Faults that the checks of LR-10 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-10",
        "lpfl.optim.kfac:kfac_step",
        old="step_size",
        new="0.8 * step_size",
        why="a step 20 % too short",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:headline_bound",
        old="count('n', n)",
        new="count('n', n) ** 2",
        why="1/n for 1/sqrt(n) in the noise term",
    ),
    Fault(
        "LR-10",
        "lpfl.problems.linear_representation.moments:sample_moments",
        old="problem.noise_std / batch_size ** 0.5",
        new="problem.noise_std",
        why="noise that does not average over the rows",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:BATCH_NOISE",
        old="sp.Rational(6, 5)",
        new="sp.Rational(3, 5)",
        why="constant 1.2 halved",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:BATCH_NOISE",
        old="sp.sqrt(k) + sp.sqrt(d - k) + tau",
        new="sp.sqrt(k) + tau",
        why="sqrt(d - k) missing from the noise term",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:POPULATION_NOISE",
        old="sp.Rational(267, 100)",
        new="sp.Rational(267, 200)",
        why="constant 2.67 halved",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:POPULATION_NOISE",
        old="d + sp.log(3 / delta)",
        new="k + sp.log(3 / delta)",
        why="k for d in the noise term of Gaussian inputs",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:TAIL",
        old="2 * sp.log(3 / delta)",
        new="sp.log(3 / delta)",
        why="width of the tails without the 2",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:BATCH_NOISE",
        old="sp.sqrt(k) + sp.sqrt(d - k) + tau",
        new="sp.sqrt(d - k) + tau",
        why="root of the rank forgotten in the noise",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:BATCH_START",
        old="sp.Rational(21, 2)",
        new="sp.Rational(25, 2)",
        why="a start that only batches like the population allow",
    ),
    Fault(
        "LR-10",
        "theory.linear_representation.contraction.headline:HEAD_NOISE",
        old="sp.sqrt(m) + sp.sqrt(k) + tau",
        new="sp.sqrt(m) + tau",
        why="root of the rank forgotten in the noise of the head",
    ),
)
