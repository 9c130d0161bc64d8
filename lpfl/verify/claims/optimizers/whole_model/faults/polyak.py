"""Faults that the check of OP-17 must refute."""

from lpfl.verify.planting import Fault

STEP = "lpfl.optim.polyak:Polyak.step"
SIZE = "lpfl.optim.polyak:polyak_step_size"
DIRECTION = "lpfl.optim.polyak:kfac_direction"

FAULTS = (
    Fault("OP-17", STEP, "W - eta[..., None, None] * move", "W + eta[..., None, None] * move",
          "ascends"),
    Fault("OP-17", SIZE, "gap.clamp(min=0.0) / torch.where(positive, squared, 1.0)",
          "2 * gap.clamp(min=0.0) / torch.where(positive, squared, 1.0)", "factor two"),
    Fault("OP-17", SIZE, "gap.clamp(min=0.0)", "gap", "a negative gap ascends"),
    Fault("OP-17", SIZE, "(grad * move).sum((-2, -1))", "(grad * grad).sum((-2, -1))",
          "norm of the plain gradient"),
    Fault("OP-17", SIZE,
          "torch.stack([(grad * move).sum((-2, -1)) for grad, move in pairs]).sum(0)",
          "torch.stack([(grad * move).sum((-2, -1)) for grad, move in pairs])[1]",
          "the head left out of the norm"),
    Fault("OP-17", SIZE, "ratio.clamp(max=max_step_size)", "ratio", "cut ignored"),
    Fault("OP-17", STEP, "loss(weights, *require_rows(batch, 'polyak')) - self.loss_star",
          "loss(weights, *require_rows(batch, 'polyak'))", "the value that can be reached ignored"),
    Fault("OP-17", STEP, "self.step_size * polyak_step_size(slope, direction, gap, "
          "max_step_size=self.max_step_size)",
          "polyak_step_size(slope, direction, self.step_size**2 * gap, "
          "max_step_size=self.max_step_size)", "factor squared, inside the cut"),
    Fault("OP-17", DIRECTION, "G @ cov_x @ G.mT", "G @ G.mT", "head preconditioned as for white x"),
    Fault("OP-17", "lpfl.problems.linear_representation.model:loss",
          "0.5 * residual.square().sum((-2, -1)) / inputs.shape[-2]",
          "residual.square().sum((-2, -1)) / inputs.shape[-2]", "loss without the half"),
    Fault("OP-17", "lpfl.problems.linear_representation.model:loss",
          "0.5 * residual.square().sum((-2, -1)) / inputs.shape[-2]",
          "0.5 * residual.square().mean((-2, -1))", "loss averaged over the outputs"),
    Fault("OP-17", "theory.optimizers.whole_model.polyak:OP_17",
          "s_eta * gap_L / grad_2", "gap_L / (s_eta * grad_2)",
          "the printed step of Polyak over its factor"),
    Fault("OP-17", "theory.optimizers.whole_model.polyak:OP_17",
          "s_eta * eta_cut", "eta_cut / s_eta",
          "the printed cut over the factor"),
    Fault("OP-17", "theory.optimizers.whole_model.polyak:OP_17",
          "F - eta_P * grad_F", "F - grad_F",
          "the printed head of Polyak without its step size"),
    Fault("OP-17", "theory.optimizers.whole_model.polyak:OP_17",
          "G - eta_P * grad_G", "G + eta_P * grad_G",
          "the printed representation of Polyak ascends"),
)  # fmt: skip
