"""Faults that the check of LR-36 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-36",
        "lpfl.optim.core.damped_step:pi_split",
        old="damping ** 0.5 / pi * eye",
        new="damping ** 0.5 * eye",
        why="the output factor damped without the split",
    ),
    Fault(
        "LR-36",
        "lpfl.optim.core.damped_step:pi_split",
        old="_mean_eigenvalue(Q) / _mean_eigenvalue(P)",
        new="_mean_eigenvalue(P) / _mean_eigenvalue(Q)",
        why="the split the wrong way round",
    ),
    Fault(
        "LR-36",
        "lpfl.optim.core.damped_step:kronecker_step",
        old="p.unsqueeze(-1) * q.unsqueeze(-2) + damping",
        new="(p.unsqueeze(-1) + damping ** 0.5) * (q.unsqueeze(-2) + damping ** 0.5)",
        why="the product damped through its factors",
    ),
    Fault(
        "LR-36",
        "lpfl.optim.kfac:Kfac.move",
        old="damped(P, self.output_damping)",
        new="damped(P, self.damping)",
        why="one damping for both factors",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.variants.factors.damping_kinds:LR_36",
        old="lam * (1 + w_c)",
        new="lam * (1 + w_c / 100)",
        why="correlation of the inputs forgotten in the lower bound",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.variants.factors.damped_rate:split",
        old="np.sqrt(np.trace(inputs) / len(inputs) / lam.mean())",
        new="np.trace(inputs) / len(inputs) / lam.mean()",
        why="split of the damping without its root",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.variants.factors.damped_rate:split",
        old="lam.mean()",
        new="lam.sum()",
        why="split with the trace of the head",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.variants.factors.damped_rate:first_layer",
        old="damping / lam",
        new="damping * lam",
        why="Kronecker damping times the head",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.variants.factors.damping_kinds:LR_36",
        old="lam_P / lam_i + lam * tau_j",
        new="lam_P / lam_i + lam * tau_j / 2",
        why="deficit with half of the inverse covariance",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.variants.factors.damping_kinds:LR_36",
        old="gamma_K * tau_j / lam_i",
        new="gamma_K * tau_j * lam_i",
        why="deficit times the head",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.variants.factors.damping_kinds:LR_36",
        old="lam * (1 + w_c)",
        new="lam * (1 - w_c)",
        why="bound from below with the correlation's other sign",
    ),
    Fault(
        "LR-36",
        "theory.linear_representation.rates.variants:_damped",
        old='kind == "factor" and left == 0.0',
        new='kind == "factor"',
        why="damping of the output factor left out",
    ),
)
