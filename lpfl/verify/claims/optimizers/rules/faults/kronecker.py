"""Faults that the checks of OP-08 to OP-11 must refute."""

from lpfl.verify.planting import Fault

SHAMPOO = "lpfl.optim.shampoo:shampoo_step"
TWO_SIDES = "lpfl.optim.shampoo:shampoo_direction"
POWER = "lpfl.linalg.spectral:psd_power"
SOAP = "lpfl.optim.soap:soap_step"
STEP = "lpfl.optim.kfac:kfac_step"
KFAC = "lpfl.optim.kfac:Kfac"
AVERAGE = "lpfl.optim.core.average:include"
MEAN = "lpfl.optim.core.average:Average.mean"
FOOF = "lpfl.optim.foof:Foof"
FOOF_STEP = "lpfl.optim.core.whitening:foof_step"
SEEN = "lpfl.optim.drive:layer_of"

FAULTS = (
    Fault("OP-08", SHAMPOO, "W - step_size * direction", "W + step_size * direction", "ascends"),
    Fault("OP-08", "lpfl.optim.shampoo:accumulate",
          "value if past is None else past.total + value", "value",
          "only the current gradient kept"),
    Fault("OP-08", "lpfl.optim.shampoo:accumulate",
          "value if past is None else past.total + value",
          "value if past is None else (past.total + value) / 2", "mean in place of the sum"),
    Fault("OP-08", SHAMPOO, "grad.mT @ grad", "grad.mT @ grad / grad.shape[-2]", "mean over rows"),
    Fault("OP-08", SHAMPOO, 'statistics == "average"', 'statistics == "sum"', "words swapped"),
    Fault("OP-08", TWO_SIDES, "psd_power(L, -exponent, epsilon=epsilon)",
          "psd_power(L, -0.25, epsilon=epsilon)", "exponent of the left side fixed"),
    Fault("OP-08", TWO_SIDES, "left @ grad @ psd_power(R, -exponent, epsilon=epsilon)",
          "left @ grad", "right side forgotten"),
    Fault("OP-08", POWER, "values + epsilon", "values.clamp(min=epsilon)", "epsilon as a floor"),
    Fault("OP-08", AVERAGE, "decay * average.weight + 1.0 - decay", "1.0",
          "average not normalised"),
    Fault("OP-08", AVERAGE, "decay * average.total + (1.0 - decay) * value",
          "(1.0 - decay) * average.total + decay * value", "decay read as the other weight"),
    Fault("OP-09", SOAP, "W - step_size * (QL @ direction @ QR.mT)",
          "W + step_size * (QL @ direction @ QR.mT)", "ascends"),
    Fault("OP-09", SOAP, "W - step_size * (QL @ direction @ QR.mT)", "W - step_size * direction",
          "not turned back"),
    Fault("OP-09", SOAP, "(QL.mT @ grad @ QR).square()", "grad.square()",
          "squares in the original basis"),
    Fault("OP-09", SOAP, "QL.mT @ first @ QR", "QL.mT @ grad @ QR", "mean gradient ignored"),
    Fault("OP-09", SOAP, "age % frequency == 0", "age % (frequency + 1) == 0",
          "bases one step too late"),
    Fault("OP-09", SOAP, "age >= 0 and age % frequency == 0", "age == 0", "bases never renewed"),
    Fault("OP-09", SOAP, "state.seen + 1", "state.seen + 2", "counts two by two"),
    Fault("OP-09", SOAP, "averaging * state.left + (1.0 - averaging) * (grad @ grad.mT)",
          "grad @ grad.mT", "left statistic forgets the past"),
    Fault("OP-09", SOAP, "averaging * state.right + (1.0 - averaging) * (grad.mT @ grad)",
          "state.right + grad.mT @ grad", "right statistic a sum"),
    Fault("OP-10", STEP, "G - step_size * right_solve(half, damped(cov_x, damping))",
          "G + step_size * right_solve(half, damped(cov_x, damping))", "ascends"),
    Fault("OP-10", STEP, "right_solve(half, damped(cov_x, damping))",
          "right_solve(half, damped(cov_x, damping**2))", "damping squared"),
    Fault("OP-10", STEP, "torch.cholesky_solve(grad_G, torch.linalg.cholesky(left))", "grad_G",
          "output factor forgotten"),
    Fault("OP-10", f"{KFAC}.factors", "Layer(inputs.mean, outputs.mean)",
          "Layer(layer.inputs, outputs.mean)", "average of the input factor not used"),
    Fault("OP-10", f"{KFAC}.factors",
          "Layer(inputs.mean, outputs.mean), state._replace(inputs=inputs, outputs=outputs)",
          "Layer(inputs.mean, outputs.mean), state._replace(inputs=inputs)",
          "average of the output factor restarts"),
    Fault("OP-10", f"{KFAC}.factors", "Layer(inputs.mean), state._replace(inputs=inputs)",
          "Layer(inputs.mean), state", "average of the last layer restarts"),
    Fault("OP-10", MEAN, "self.total / self.weight", "self.total", "weights not counted"),
    Fault("OP-10", f"{KFAC}.move", "damped(layer.outputs, self.output_damping)", "layer.outputs",
          "output damping ignored"),
    Fault("OP-10", f"{KFAC}.update", "velocity = self.momentum * state.velocity + (moved - W)",
          "velocity = self.momentum * state.velocity + (1 - self.momentum) * (moved - W)",
          "an average in place of heavy ball"),
    Fault("OP-10", f"{KFAC}.update", "state._replace(velocity=velocity)", "state",
          "velocity forgotten"),
    Fault("OP-10", SEEN, "Layer(batch.cov_x, F.mT @ F)", "Layer(batch.cov_x, F.mT @ F / len(F))",
          "output factor over the batch"),
    Fault("OP-10", "lpfl.problems.linear_representation.model:least_squares_head",
          "batch.cross @ G.mT", "0.5 * batch.cross @ G.mT", "head halved"),
    Fault("OP-10", "lpfl.optim.drive:on_linear_representation.step",
          "weights._replace(head=least_squares_head(weights.representation, batch))",
          "weights", "the old head kept"),
    Fault("OP-11", FOOF_STEP, "W - step_size * right_solve(grad, damped(cov_in, damping))",
          "W + step_size * right_solve(grad, damped(cov_in, damping))", "ascends"),
    Fault("OP-11", FOOF_STEP, "right_solve(grad, damped(cov_in, damping))",
          "right_solve(grad, cov_in)", "damping ignored"),
    Fault("OP-11", FOOF_STEP, "right_solve(grad, damped(cov_in, damping))",
          "right_solve(right_solve(grad, damped(cov_in, damping)), damped(cov_in, damping))",
          "divided twice"),
    Fault("OP-11", f"{FOOF}.update", "super().update(W, grad, state, Layer(layer.inputs))",
          "super().update(W, grad, state, layer)", "the output factor divides too"),
    Fault("OP-11", "lpfl.optim.foof:on_layers", "on_linear_representation(rule, head=rule.head)",
          "on_linear_representation(rule, head='least_squares')", "head ignored"),
    Fault("OP-11", SEEN, "Layer(G @ batch.cov_x @ G.mT)", "Layer(G @ G.mT)",
          "the head's inputs taken as white"),
)  # fmt: skip
