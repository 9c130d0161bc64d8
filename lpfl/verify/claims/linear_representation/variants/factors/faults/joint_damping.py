"""Faults that the check of LR-37 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-37",
        "lpfl.optim.kfac:Kfac.move",
        old="1.0 + self.output_damping",
        new="1.0",
        why="the last layer's output factor not damped",
    ),
    Fault(
        "LR-37",
        "lpfl.optim.core.damped_step:_mean_eigenvalue",
        old="torch.diagonal(S, dim1=-2, dim2=-1).mean(-1)",
        new="torch.diagonal(S, dim1=-2, dim2=-1).sum(-1)",
        why="traces in place of mean eigenvalues in the split",
    ),
    Fault(
        "LR-37",
        "theory.linear_representation.variants.factors.joint_damping:LR_37",
        old="sp.Identity(d) - eta * lam_i / (lam_i + lam_P) * Sigma * INPUTS.inv()",
        new="sp.Identity(d) - eta * Sigma * INPUTS.inv()",
        why="no damping of the output factor in the range of the head",
    ),
    Fault(
        "LR-37",
        "lpfl.optim.drive:inputs_of",
        old="G @ batch.cov_x @ G.mT",
        new="G @ G.mT",
        why="features not weighted by the covariance",
    ),
    Fault(
        "LR-37",
        "theory.linear_representation.variants.factors.damped_rate:first_layer",
        old="np.sqrt(damping) / pi * one",
        new="np.sqrt(damping) * one",
        why="outputs damped without the split",
    ),
    Fault(
        "LR-37",
        "theory.linear_representation.variants.factors.joint_damping:HEAD_STEP",
        old="eta_F / (1 + lam_O)",
        new="eta_F / (1 + lam_O) ** 2",
        why="head step damped twice",
    ),
    Fault(
        "LR-37",
        "theory.linear_representation.variants.factors.joint_damping:LR_37",
        old="HEAD_STEP * s_ss",
        new="HEAD_STEP",
        why="step outside the range without the hidden variance",
    ),
    Fault(
        "LR-37",
        "theory.linear_representation.variants.factors.joint_damping:OUTPUTS",
        "lam_P * sp.Identity(k)",
        "lam * sp.Identity(k)",
        "input damping added to the output factor",
    ),
    Fault(
        "LR-37",
        "theory.linear_representation.variants.factors.joint_damping:LR_37",
        old="(*RANKS, NOISELESS, Assumption('a positive step size', eta > 0))",
        new="(*RANKS, Assumption('a positive step size', eta > 0))",
        why="label noise admitted",
    ),
)
