"""Faults that the check of OP-12 must refute."""

from lpfl.verify.planting import Fault

STEP = "lpfl.optim.drive:on_linear_representation.step"
BOTH = "lpfl.optim.kfac.both:on_both_layers"
PAPER = "lpfl.optim.kfac.paper:representation_first"
UNDAMPED = "replace(rule, step_size=rule.head_step_size, damping=0.0, output_damping=0.0)"

FAULTS = (
    Fault("OP-12", BOTH, "rule.step_size if rule.head_step_size is None else rule.head_step_size",
          "1.0 if rule.head_step_size is None else rule.head_step_size",
          "joint KFAC: step size 1 of the head by default"),
    Fault("OP-12", BOTH, "replace(rule, step_size=head_step_size)", "rule",
          "step size of the head ignored"),
    Fault("OP-12", BOTH, "rule.order", "'joint'", "sequential KFAC moves jointly"),
    Fault("OP-12", STEP, 'head == "representation_first"', 'head == "head_first"',
          "orders swapped"),
    Fault("OP-12", STEP, "gradients(after, batch)", "gradients(weights, batch)",
          "the second layer moves along an old gradient"),
    Fault("OP-12", STEP, "piece(layer, after, slopes, memory, seen)",
          "piece(layer, weights, slopes, memory, seen)", "the second layer sees old factors"),
    Fault("OP-12", "lpfl.optim.drive:on_linear_representation",
          "memory[layer] if layer in memory else rule.start(W)", "rule.start(W)",
          "memory ignored: averages restart"),
    Fault("OP-12", STEP, "return after, kept",
          "return after, {layer: kept[layer] for layer in order[:1]}",
          "one layer's memory is not handed on"),
    Fault("OP-12", PAPER, UNDAMPED,
          "replace(rule, step_size=rule.head_step_size)", "the paper's head is damped"),
    Fault("OP-12", PAPER, UNDAMPED,
          "replace(rule, damping=0.0, output_damping=0.0)",
          "the paper's head takes the step of the representation"),
    Fault("OP-12", "lpfl.optim.kfac.joint:KfacJoint.order", '"joint"', '"head_first"',
          "joint KFAC is sequential"),
    Fault("OP-12", "lpfl.optim.kfac.joint:KfacJoint.order", '"joint"', '"representation_first"',
          "joint KFAC in the paper's order"),
    Fault("OP-12", "lpfl.optim.kfac.sequential:KfacSequential.order", '"head_first"',
          '"representation_first"', "sequential KFAC in the paper's order"),
    Fault("OP-12", "lpfl.optim.kfac.sequential:KfacSequential.order", '"head_first"', '"joint"',
          "sequential KFAC is joint"),
)  # fmt: skip
