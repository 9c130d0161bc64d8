"""Faults that the checks of OP-15 and OP-16 must refute."""

from lpfl.verify.planting import Fault

FREE = "lpfl.optim.ngd:gauss_newton_inverse"
DAMPED = "lpfl.optim.ngd:damped_gauss_newton_inverse"
SAMPLES = "lpfl.optim.ngd_empirical:sample_gradients"
INVERSE = "lpfl.optim.ngd_empirical:empirical_fisher_inverse"
TIMES = "lpfl.optim.ngd_empirical:inverse_times"

FAULTS = (
    Fault("OP-15", "lpfl.optim.ngd:Ngd.step", "W - self.step_size * delta",
          "W + self.step_size * delta", "ascends"),
    Fault("OP-15", FREE, "Weights(dF + F @ A, dG - A @ G)", "Weights(dF - F @ A, dG + A @ G)",
          "gauge part with the wrong sign: no minimum norm"),
    Fault("OP-15", FREE, "Weights(dF + F @ A, dG - A @ G)", "Weights(dF, dG)",
          "gauge ignored: always the equivariant form"),
    Fault("OP-15", FREE, "(D - F @ dG) @ hidden", "D @ hidden", "projection of the head forgotten"),
    Fault("OP-15", "lpfl.optim.ngd:solve_sylvester", "p.unsqueeze(-1) + q.unsqueeze(-2)",
          "p.unsqueeze(-2) + q.unsqueeze(-1)", "eigenvalues on the wrong axes"),
    Fault("OP-15", DAMPED, "damped(K @ batch.cov_x.unsqueeze(-3) @ K.mT, damping)",
          "damped(K @ batch.cov_x.unsqueeze(-3) @ K.mT, damping / 2)", "damping halved"),
    Fault("OP-15", DAMPED, "damped(G @ batch.cov_x @ G.mT, damping)", "damped(G @ G.mT, damping)",
          "rows outside the head's range see white inputs"),
    Fault("OP-16", "lpfl.optim.ngd_empirical:NgdEmpirical.step",
          "F - self.step_size * unvec(dF, F.shape[-2])",
          "F + self.step_size * unvec(dF, F.shape[-2])", "head ascends"),
    Fault("OP-16", SAMPLES, "hidden.unsqueeze(-1) * residual.unsqueeze(-2)",
          "0.5 * hidden.unsqueeze(-1) * residual.unsqueeze(-2)",
          "gradients of the samples in the head halved"),
    Fault("OP-16", INVERSE, "torch.full_like(U[..., :1], 1.0 / n)", "torch.ones_like(U[..., :1])",
          "fewer samples than parameters: factor n"),
    Fault("OP-16", INVERSE, "inverse_times(U @ U.mT / n, ones, damping)",
          "inverse_times(U @ U.mT, ones, damping)", "fewer samples: moment not divided by n"),
    Fault("OP-16", TIMES, "damped(S, damping)", "damped(S, damping**2)", "damping squared"),
    Fault("OP-16", TIMES, "psd_power(S, -1.0)", "psd_power(S, -0.5)", "square root taken"),
    Fault("OP-16", SAMPLES, "hidden @ F.mT - targets", "hidden @ F.mT + targets",
          "residual of the wrong sign"),
    Fault("OP-15", "theory.optimizers.whole_model.natural:SOLVES",
          "Phi * Delta", "Phi.inv() * Delta",
          "the printed Fisher matrix inverted"),
    Fault("OP-15", "theory.optimizers.whole_model.natural:OP_15",
          "F_plus * (F * G - C_xy * Sigma_hat.inv())",
          "F_plus * (C_xy * Sigma_hat.inv() - F * G)",
          "the printed equivariant form ascends"),
    Fault("OP-15", "theory.optimizers.whole_model.natural:DAMPED",
          "(Phi + lam * sp.Identity(p_V)).inv() * grad_V",
          "(Phi + lam**2 * sp.Identity(p_V)).inv() * grad_V",
          "the printed damping of a Fisher matrix squared"),
    Fault("OP-15", "theory.optimizers.whole_model.natural:OP_15",
          "(F.T * F).inv() * F.T",
          "F.T",
          "the printed pseudo-inverse of the head is its transpose"),
)  # fmt: skip
