"""Faults that the checks of OP-13 and OP-14 must refute."""

from lpfl.verify.planting import Fault

AMGD = "lpfl.optim.amgd:amgd_step"
DFW = "lpfl.optim.dfw:dfw_step"
ROWS = "lpfl.linalg.algebra:orthonormal_rows"

FAULTS = (
    Fault("OP-13", AMGD, "sgd_step(G, grad_G, step_size=step_size)",
          "sgd_step(G, -grad_G, step_size=step_size)", "ascends"),
    Fault("OP-13", AMGD, "orthonormal_rows(sgd_step(G, grad_G, step_size=step_size))",
          "sgd_step(G, grad_G, step_size=step_size)", "rows not orthonormalised"),
    Fault("OP-13", AMGD, "orthonormal_rows(sgd_step(G, grad_G, step_size=step_size))",
          "sgd_step(G, grad_G, step_size=step_size) / "
          "sgd_step(G, grad_G, step_size=step_size).square().sum(-1, keepdim=True).sqrt()",
          "rows of length one, not orthogonal"),
    Fault("OP-13", AMGD, "gradients(Weights(F, G), batch).representation",
          "gradients(Weights(F, G), batch).representation - G @ G.mT @ "
          "gradients(Weights(F, G), batch).representation", "a projection too many"),
    Fault("OP-13", AMGD, "least_squares_head(G, batch)", "2 * least_squares_head(G, batch)",
          "head doubled"),
    Fault("OP-13", "lpfl.optim.amgd:Amgd.step", "self.step_size",
          "self.step_size / 2", "step size halved"),
    Fault("OP-13", ROWS, "torch.where(sign == 0, torch.ones_like(sign), sign)",
          "torch.ones_like(sign)", "rows not oriented like the input"),
    Fault("OP-14", DFW, "foof_step(G, grad_G, batch.cov_x, step_size=step_size, "
                        "damping=damping)", "foof_step(G, -grad_G, batch.cov_x, "
                        "step_size=step_size, damping=damping)", "ascends"),
    Fault("OP-14", DFW, "orthonormal_rows(moved)", "moved", "rows not orthonormalised"),
    Fault("OP-14", DFW, "batch.cov_x", "head_batch.cov_x",
          "whitened with the covariance of the wrong batch, which brings the bias back"),
    Fault("OP-14", DFW, "least_squares_head(G, head_batch)", "least_squares_head(G, batch)",
          "head from the batch of the step"),
    Fault("OP-14", DFW, "gradients(Weights(F, G), batch)", "gradients(Weights(F, G), head_batch)",
          "gradient from the batch of the head"),
    Fault("OP-14", "lpfl.optim.dfw:Dfw.step", "head_batch, batch = batches",
          "batch, head_batch = batches", "batches swapped"),
    Fault("OP-14", DFW, "foof_step(G, grad_G, batch.cov_x, step_size=step_size, damping=damping)",
          "foof_step(G, grad_G, batch.cov_x, step_size=step_size)", "damping ignored"),
    Fault("OP-13", "theory.optimizers.whole_model.alternating:GRADIENT",
          "F_h * G * Sigma_hat - C_xy", "F_h * G * Sigma_hat",
          "the printed gradient without the targets"),
    Fault("OP-13", "theory.optimizers.whole_model.alternating:GRADIENT",
          "F_h * G * Sigma_hat - C_xy", "C_xy - F_h * G * Sigma_hat",
          "the printed gradient with the wrong sign"),
    Fault("OP-13", "theory.optimizers.whole_model.alternating:refitted",
          "G * second * G.T",
          "G * G.T",
          "the printed head with white hidden units"),
    Fault("OP-14", "theory.optimizers.whole_model.alternating:OP_14",
          "m / n**2",
          "m / n",
          "the printed bias over n"),
    Fault("OP-14", "theory.optimizers.whole_model.alternating:OP_14",
          "refitted(C_2, S_2)",
          "refitted(C_xy, Sigma_hat)",
          "the printed head of DFW from the batch of the step"),
    Fault("OP-13", "theory.optimizers.whole_model.alternating:OP_13",
          "G - eta * GRADIENT",
          "G + eta * GRADIENT",
          "the printed AMGD ascends"),
)  # fmt: skip
