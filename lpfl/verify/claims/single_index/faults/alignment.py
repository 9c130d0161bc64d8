"""Faults that the checks of SI-02, SI-03 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "SI-02",
        "theory.single_index.gaussian_equivalent:sgd_alignment",
        old="energy * E_b(s) + residual",
        new="residual",
        why="the signal's share of the noise forgotten",
    ),
    Fault(
        "SI-02",
        "lpfl.measure.alignment:alignment",
        old="(direction * other).sum(-1).square() / power",
        new="(direction * other).sum(-1).abs() / power.sqrt()",
        why="the cosine for its square",
    ),
    Fault(
        "SI-02",
        "lpfl.problems.single_index.model:draw_targets",
        old="problem.noise_std * noise",
        new="2.0 * problem.noise_std * noise",
        why="label noise twice as large",
    ),
    Fault(
        "SI-03",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="damped_solve(Q, h, damping=damping)",
        new="damped_solve(Q, h, damping=damping * d)",
        why="damping multiplied by the dimension",
    ),
    Fault(
        "SI-03",
        "lpfl.problems.single_index.directions:kfac_direction",
        old="torch.einsum('rdk,rd->rk', V, h) / s",
        new="torch.einsum('rdk,rd->rk', V, h) / s.sqrt()",
        why="root of the pseudo-inverse",
    ),
    Fault(
        "SI-03",
        "theory.single_index.gaussian_equivalent:tau2",
        old="STABILITY",
        new="STABILITY + phi * E_b(P ** 2)",
        why="noise not amplified by the inversion",
    ),
)
