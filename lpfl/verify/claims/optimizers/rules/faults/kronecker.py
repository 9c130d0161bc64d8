"""Faults that the checks of OP-08 and OP-09 must refute."""

from lpfl.verify.planting import Fault

SHAMPOO = "lpfl.optim.shampoo:shampoo_step"
TWO_SIDES = "lpfl.optim.shampoo:shampoo_direction"
POWER = "lpfl.linalg.spectral:psd_powers"
SOAP = "lpfl.optim.soap:soap_step"
ITERATED = "lpfl.optim.soap:iterated"
AVERAGE = "lpfl.optim.core.average:include"

FAULTS = (
    Fault("OP-08", SHAMPOO, "W.sub(direction, alpha=step_size)",
          "W.add(direction, alpha=step_size)", "ascends"),
    Fault("OP-08", "lpfl.optim.shampoo:accumulate",
          "value if past is None else past.total + value", "value",
          "only the current gradient kept"),
    Fault("OP-08", "lpfl.optim.shampoo:accumulate",
          "value if past is None else past.total + value",
          "value if past is None else (past.total + value) / 2", "mean in place of the sum"),
    Fault("OP-08", SHAMPOO, "grad.mT @ grad", "grad.mT @ grad / grad.shape[-2]", "mean over rows"),
    Fault("OP-08", SHAMPOO, 'statistics == "average"', 'statistics == "sum"', "words swapped"),
    Fault("OP-08", TWO_SIDES, "left.unsqueeze(-1)",
          "left.pow(0.25 / exponent).unsqueeze(-1)", "exponent of the left side fixed"),
    Fault("OP-08", TWO_SIDES, "left.unsqueeze(-1) * right.unsqueeze(-2)",
          "left.unsqueeze(-1)", "right side forgotten"),
    Fault("OP-08", POWER, "values.clamp(min=0.0) + epsilon", "values.clamp(min=epsilon)",
          "epsilon as a floor"),
    Fault("OP-08", AVERAGE, "decay * average.weight + 1.0 - decay", "1.0",
          "average not normalised"),
    Fault("OP-08", AVERAGE, "decay * average.total + (1.0 - decay) * value",
          "(1.0 - decay) * average.total + decay * value", "decay read as the other weight"),
    Fault("OP-09", SOAP, "combined(1.0, W, -step_size, QL @ direction, QR.mT)",
          "combined(1.0, W, step_size, QL @ direction, QR.mT)", "ascends"),
    Fault("OP-09", SOAP, "combined(1.0, W, -step_size, QL @ direction, QR.mT)",
          "W - step_size * direction", "not turned back"),
    Fault("OP-09", SOAP, "(QL.mT @ grad @ QR).square()", "grad.square()",
          "squares in the original basis"),
    Fault("OP-09", SOAP, "QL.mT @ first @ QR", "QL.mT @ grad @ QR", "mean gradient ignored"),
    Fault("OP-09", SOAP, "age % frequency == 0", "age % (frequency + 1) == 0",
          "bases one step too late"),
    Fault("OP-09", SOAP, "age >= 0 and age % frequency == 0", "age == 0", "bases never renewed"),
    Fault("OP-09", SOAP, "state.seen + 1", "state.seen + 2", "counts two by two"),
    Fault("OP-09", SOAP, "combined(averaging, state.left, 1.0 - averaging, grad, grad.mT)",
          "grad @ grad.mT", "left statistic forgets the past"),
    Fault("OP-09", SOAP, "combined(averaging, state.right, 1.0 - averaging, grad.mT, grad)",
          "state.right + grad.mT @ grad", "right statistic a sum"),
    Fault("OP-09", SOAP, 'age == 0 or bases == "exact"', "True", "bases exact every time"),
    Fault("OP-09", SOAP, 'age == 0 or bases == "exact"', "age == 0", "never exact again"),
    Fault("OP-09", ITERATED, "torch.linalg.qr(product).Q", "torch.linalg.qr(basis).Q",
          "no power iteration"),
    Fault("OP-09", ITERATED, "basis.mT @ statistic", "basis.mT @ statistic @ statistic",
          "two power iterations"),
    Fault("OP-09", ITERATED,
          "(basis * product).sum(-2).argsort(dim=-1, descending=True, stable=True)",
          "(basis * product).sum(-2).argsort(dim=-1)", "smallest first"),
    Fault("OP-09", ITERATED, "second.gather(-2, order.unsqueeze(-1).expand_as(second))", "second",
          "squares stay where they were"),
    Fault("OP-08", "theory.optimizers.rules.kronecker:OP_08",
          "1 - 4 * p_e", "1 - 2 * p_e",
          "the printed exponent for one side"),
    Fault("OP-09", "theory.optimizers.rules.kronecker:OP_09",
          "Q_L * U_W * Q_R.T", "Q_L * U_W * Q_R",
          "the printed right basis not turned back"),
)  # fmt: skip
