"""Faults that the check of OP-18 must refute."""

from lpfl.verify.planting import Fault

STEP = "lpfl.optim.batch_norm:BatchNorm.step"
GRADIENT = "lpfl.optim.batch_norm:batch_norm_gradients"

FAULTS = (
    Fault("OP-18", STEP, "G - self.step_size * slope.representation",
          "G + self.step_size * slope.representation", "ascends"),
    Fault("OP-18", STEP, "F - self.step_size * slope.head", "F + self.step_size * slope.head",
          "the head ascends"),
    Fault("OP-18", STEP, "scale = hidden_std(G_next, batch.cov_x)", "scale = scale",
          "folded with the standard deviation before the step"),
    Fault("OP-18", STEP, "memory['scale'] if 'scale' in memory else hidden_std(G, batch.cov_x)",
          "hidden_std(G, batch.cov_x)", "unfolded with the batch's own standard deviation"),
    Fault("OP-18", STEP, "centred(batch) if self.centre else batch", "batch", "centre ignored"),
    Fault("OP-18", GRADIENT, "slope.representation - along * (unit @ batch.cov_x)",
          "slope.representation", "no gradient through the standard deviation"),
    Fault("OP-18", GRADIENT,
          "(slope.representation - along * (unit @ batch.cov_x)) / scale",
          "slope.representation - along * (unit @ batch.cov_x)", "gradient not divided by std"),
    Fault("OP-18", GRADIENT, "(slope.representation * unit).sum(-1, keepdim=True)",
          "(slope.representation * unit).sum(-2, keepdim=True).mean(-1, keepdim=True)",
          "wrong axis"),
    Fault("OP-18", "lpfl.optim.batch_norm:hidden_std", "((G @ cov_x) * G).sum(-1).sqrt()",
          "((G @ cov_x) * G).sum(-1)", "variance in place of the standard deviation"),
    Fault("OP-18", "theory.optimizers.whole_model.batch_norm:OP_18",
          "W - eta * D_W",
          "W + eta * D_W",
          "the printed batch normalisation ascends"),
    Fault("OP-18", "theory.optimizers.whole_model.batch_norm:OP_18",
          "W - eta * D_W",
          "W - eta**2 * D_W",
          "the printed step of a batch normalisation squared"),
)  # fmt: skip
