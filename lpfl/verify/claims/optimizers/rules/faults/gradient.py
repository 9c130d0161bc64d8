"""Faults that the checks of OP-01 and OP-02 must refute."""

from lpfl.verify.planting import Fault

SGD = "lpfl.optim.sgd:sgd_step"
STEP = "lpfl.optim.sgd_momentum:sgd_momentum_step"
RULE = "lpfl.optim.sgd_momentum:SgdMomentum"
DRIVE = "lpfl.optim.drive:on_linear_representation.step"

FAULTS = (
    Fault("OP-01", SGD, "W - step_size * grad", "W + step_size * grad", "ascends"),
    Fault("OP-01", SGD, "step_size * grad", "2 * step_size * grad", "factor two"),
    Fault("OP-01", SGD, "step_size * grad", "step_size * grad.sign()", "signs of the gradient"),
    Fault("OP-01", SGD, "step_size * grad", "step_size * grad.mean(0)", "mean over replicates"),
    Fault(
        "OP-01",
        "lpfl.optim.sgd:Sgd.update",
        "grad + self.weight_decay * W",
        "grad + 2 * self.weight_decay * W",
        "decay of half the squared weights doubled",
    ),
    Fault(
        "OP-01",
        "lpfl.optim.sgd:Sgd.update",
        "self.step_size",
        "0.01",
        "step size ignored",
    ),
    Fault(
        "OP-01",
        "lpfl.problems.linear_representation.model:gradients",
        "F.mT @ residual",
        "F.mT @ residual / 2",
        "gradient of the representation halved",
    ),
    Fault(
        "OP-01",
        "lpfl.problems.linear_representation.model:gradients",
        "F @ G @ batch.cov_x - batch.cross",
        "F @ G @ batch.cov_x + batch.cross",
        "residual of the wrong sign",
    ),
    Fault(
        "OP-01",
        "lpfl.problems.linear_representation.model:batch_of_rows",
        "targets.mT @ inputs / n",
        "targets.mT @ inputs / (n - 1)",
        "cross-moment over n - 1",
    ),
    Fault("OP-01", DRIVE, 'head == "joint"', 'head == "head_first"', "joint moves one by one"),
    Fault(
        "OP-01",
        DRIVE,
        'head == "least_squares"',
        'head == "frozen"',
        "the frozen head is refitted and the other one is not",
    ),
    Fault("OP-02", STEP, "W - step_size * direction", "W + step_size * direction", "ascends"),
    Fault(
        "OP-02",
        STEP,
        "grad + momentum * velocity if nesterov else velocity",
        "velocity + momentum * grad if nesterov else velocity",
        "Nesterov with gradient and velocity swapped",
    ),
    Fault(
        "OP-02",
        STEP,
        "(1.0 - momentum) * grad if averaged else grad",
        "grad if averaged else (1.0 - momentum) * grad",
        "sum and average swapped",
    ),
    Fault(
        "OP-02",
        STEP,
        "momentum * velocity + ((1.0 - momentum) * grad if averaged else grad)",
        "(1.0 - momentum) * grad if averaged else grad",
        "velocity forgotten",
    ),
    Fault(
        "OP-02",
        STEP,
        "momentum * velocity + ((1.0 - momentum) * grad if averaged else grad)",
        "momentum * (velocity + ((1.0 - momentum) * grad if averaged else grad))",
        "momentum on the gradient as well",
    ),
    Fault(
        "OP-02",
        STEP,
        "return W - step_size * direction, velocity",
        "return W - step_size * direction, direction",
        "the look-ahead kept as velocity",
    ),
    Fault("OP-02", f"{RULE}.start", "torch.zeros_like(W)", "W.clone()", "velocity starts at W"),
    Fault(
        "OP-02",
        f"{RULE}.update",
        "sgd_momentum_step(W, grad, state, **self.hyperparameters())",
        "sgd_momentum_step(W, grad, state, **{**self.hyperparameters(), 'nesterov': False})",
        "nesterov ignored",
    ),
    Fault(
        "OP-01",
        "theory.optimizers.rules.gradient:OP_01",
        "g + omega * w",
        "g - omega * w",
        "the printed decay with the wrong sign",
    ),
    Fault(
        "OP-02",
        "theory.optimizers.rules.gradient:OP_02",
        "b_m * x_ij + g",
        "b_m * x_ij + (1 - b_m) * g",
        "the printed heavy-ball velocity averaged",
    ),
    Fault(
        "OP-02",
        "theory.optimizers.rules.gradient:OP_02",
        "w - eta * x_next",
        "w + eta * x_next",
        "the printed heavy ball ascends",
    ),
    Fault(
        "OP-02",
        "theory.optimizers.rules.gradient:OP_02",
        "(1 - b_m**age) / (1 - b_m)",
        "(1 - b_m**(age + 1)) / (1 - b_m)",
        "the printed impulse response one step ahead",
    ),
)
