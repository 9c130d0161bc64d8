"""Faults that the checks of OP-03 to OP-05 must refute."""

from lpfl.verify.planting import Fault

ADAM = "lpfl.optim.adam:adam_step"
DIRECTION = "lpfl.optim.adam:adam_direction"
ADAMW = "lpfl.optim.adamw:adamw_step"
SIGN = "lpfl.optim.sign_sgd:sign_sgd_step"
ROOT = "(second / (1.0 - beta2**age)).sqrt() + epsilon"

FAULTS = (
    Fault("OP-03", DIRECTION, "first / (1.0 - beta1**age)", "-first / (1.0 - beta1**age)",
          "ascends"),
    Fault("OP-03", DIRECTION, ROOT, "(second / (1.0 - beta2**age) + epsilon**2).sqrt()",
          "epsilon inside the root"),
    Fault("OP-03", DIRECTION, ROOT, "(second.sqrt() + epsilon) / (1.0 - beta2**age) ** 0.5",
          "epsilon before the correction"),
    Fault("OP-03", DIRECTION, "second / (1.0 - beta2**age)", "second",
          "second moment not corrected"),
    Fault("OP-03", DIRECTION, "first / (1.0 - beta1**age)", "first", "first moment not corrected"),
    Fault("OP-03", DIRECTION, "1.0 - beta2**age", "1.0 - beta1**age", "the other decay corrected"),
    Fault("OP-03", ADAM, "grad.square()", "grad.abs()", "absolute values averaged"),
    Fault("OP-03", ADAM, "state.age + 1", "state.age + 2", "one step too old"),
    Fault("OP-03", ADAM, "blended(state.second, grad.square(), beta2)",
          "torch.maximum(state.second, (1.0 - beta2) * grad.square())", "maximum in place of mean"),
    Fault("OP-03", "lpfl.optim.adam:Adam.update",
          "adam_step(W, grad, state, **self.hyperparameters())",
          "adam_step(W, grad, state, **{**self.hyperparameters(), 'epsilon': 1e-8})",
          "epsilon ignored"),
    Fault("OP-04", ADAMW, "1.0 - step_size * weight_decay", "1.0 - weight_decay",
          "decay not multiplied by the step size"),
    Fault("OP-04", ADAMW, "1.0 - step_size * weight_decay", "1.0", "decay forgotten"),
    Fault("OP-04", ADAMW, "1.0 - step_size * weight_decay", "1.0 + step_size * weight_decay",
          "decay of the wrong sign"),
    Fault("OP-04", ADAMW, "adam_step(shrunk, grad, state, step_size=step_size, beta1=beta1, "
          "beta2=beta2, epsilon=epsilon)",
          "adam_step(W, grad + weight_decay * W, state, step_size=step_size, beta1=beta1, "
          "beta2=beta2, epsilon=epsilon)", "decay in the gradient"),
    Fault("OP-04", DIRECTION, ROOT, "(second / (1.0 - beta2**age)).sqrt() + epsilon**2",
          "epsilon squared"),
    Fault("OP-05", SIGN, "W - step_size * average.sign()", "W + step_size * average.sign()",
          "ascends"),
    Fault("OP-05", SIGN, "average.sign()", "grad.sign()", "average ignored"),
    Fault("OP-05", SIGN, "average.sign()", "average / average.abs().amax((-2, -1), keepdim=True)",
          "largest entry in place of the sign"),
    Fault("OP-05", SIGN, "average.sign()", "torch.where(average >= 0, 1.0, -1.0)", "sign(0) = 1"),
    Fault("OP-05", SIGN, "momentum * average + (1.0 - momentum) * grad",
          "(1.0 - momentum) * average + momentum * grad", "weights of past and present swapped"),
    Fault("OP-05", "lpfl.optim.sign_sgd:SignSgd.start", "torch.zeros_like(W)", "torch.ones_like(W)",
          "average starts at one"),
    Fault("OP-03", "theory.optimizers.rules.adaptive:SECOND",
          "g**2", "sp.Abs(g)",
          "the printed second moment of the size"),
    Fault("OP-03", "theory.optimizers.rules.adaptive:FIRST",
          "b_1 * a_ij + (1 - b_1) * g", "b_1 * a_ij + g",
          "the printed first moment as a sum"),
    Fault("OP-04", "theory.optimizers.rules.adaptive:OP_04",
          "sp.Eq(w_next, (1 - eta * omega) * w, evaluate=False)",
          "sp.Eq(w_next, (1 + eta * omega) * w, evaluate=False)",
          "weights that grow without a gradient in the statement"),
    Fault("OP-05", "theory.optimizers.rules.adaptive:OP_05",
          "sp.sign(a_next)", "a_next",
          "the printed sign left out"),
)  # fmt: skip
