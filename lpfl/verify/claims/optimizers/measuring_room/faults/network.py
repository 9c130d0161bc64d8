"""Faults that the checks of OP-36 and OP-37 must refute."""

from lpfl.verify.planting import Fault

NETWORK = "lpfl.problems.single_index.network"
PLAIN = f"{NETWORK}:first_layer_gradient"
NORM = f"{NETWORK}:batch_norm_first_layer_gradient"
MODULE = "lpfl.problems.single_index.module:SingleIndexModule"
KFAC = "lpfl.precondition:kfac"
OWN = "back - back.mean(1, keepdim=True) - H * (back * H).mean(1, keepdim=True)"

FAULTS = (
    Fault("OP-36", PLAIN, "outputs - targets", "outputs + targets",
               "residual of the wrong sign"),
    Fault("OP-36", PLAIN, "act.slope(H)", "act.value(H)", "activation in place of its slope"),
    Fault("OP-36", f"{NETWORK}:_through_second_layer",
          "network.output_scale * network.second_layer",
          "network.second_layer", "output scale forgotten"),
    Fault("OP-36", NORM, OWN, "back - back.mean(1, keepdim=True)",
          "no gradient through the batch's standard deviation"),
    Fault("OP-36", NORM, OWN, "back - H * (back * H).mean(1, keepdim=True)",
          "no gradient through the batch's mean"),
    Fault("OP-36", NORM, "(back / spread).mT @ inputs", "back.mT @ inputs",
          "gradient without 1 over the standard deviation"),
    Fault("OP-36", NORM, "H = H / spread", "H = H / spread.square()", "divided by the variance"),
    Fault("OP-36", NORM, "(outputs - targets) / n", "(outputs - targets) / (n - 1)",
               "mean over n - 1"),
    Fault("OP-36", f"{MODULE}.__init__", "network.output_scale", "1.0",
          "output scale of the module forgotten"),
    Fault("OP-36", f"{MODULE}.loss", "(self(inputs) - targets).square().mean() / 2",
          "(self(inputs) - targets).square().mean()", "a module's loss without the half"),
    Fault("OP-36", f"{MODULE}.__init__", "network.first_layer[replicate]",
          "network.first_layer[0]", "always the first replicate"),
    Fault("OP-36", f"{MODULE}.__init__", "network.activation", '"tanh"',
          "every module is tanh"),
    Fault("OP-37", KFAC, "(gradient - dual.mT @ X) / damping", "gradient - dual.mT @ X",
          "fewer rows: 1 over the damping lost"),
    Fault("OP-37", KFAC, "inputs if whitening_inputs is None else whitening_inputs", "inputs",
          "independent whitening inputs ignored"),
    Fault("OP-37", KFAC, "X @ gradient.mT / n", "X @ gradient.mT", "fewer rows: not divided by n"),
    Fault("OP-37", KFAC, "damped_solve(X.mT @ X / n, gradient.mT, damping=damping).mT",
          "damped_solve(X.mT @ X / n, gradient.mT, damping=damping / n).mT", "damping over n"),
    Fault("OP-37", KFAC, "damped_solve(gram, dual, damping=0.0).mT @ X", "dual.mT @ X",
          "pseudo-inverse divides once"),
    Fault("OP-37", "lpfl.precondition:kfac_population", "gradient / covariance",
          "gradient / covariance.sqrt()", "root of the covariance"),
    Fault("OP-37", "lpfl.precondition:adam_first", "gradient.abs() + epsilon",
          "(gradient.square() + epsilon).sqrt()", "epsilon inside the root"),
    Fault("OP-37", "lpfl.precondition:shampoo_first", "(s.square() + damping).sqrt()",
          "s + damping", "damping on the singular value"),
    Fault("OP-37", "lpfl.precondition:kfac", "psd_power(Q, -exponent, epsilon=damping)",
          "psd_power(Q, -exponent, epsilon=damping / 2)", "half the damping of a power"),
    Fault("OP-37", "lpfl.linalg.damped:damped_solve",
          "shifted.diagonal(dim1=-2, dim2=-1).add_(damping)",
          "shifted.diagonal(dim1=-2, dim2=-1).add_(2 * damping)",
          "damping doubled"),
)  # fmt: skip
