"""Faults that the check of LR-40 must refute."""

from lpfl.verify.planting import Fault

THEORY = "theory.linear_representation.variants.steps.samples"

FAULTS = (
    Fault("LR-40", f"{THEORY}:LR_40", "1 - k / n", "1 - k / (2 * n)", "half of the rows lost"),
    Fault("LR-40", f"{THEORY}:A_N", "n - d - 1", "n", "the noise of a factor from the population"),
    Fault(
        "LR-40",
        "lpfl.optim.core.average:Average.mean",
        "self.total / self.weight",
        "self.total / self.weight / 0.7",
        "an average that is too large",
    ),
    Fault(
        "LR-40",
        f"{THEORY}:_MEMORY",
        "2 * _q * (1 - _q**t_steps) / eta",
        "_q * (1 - _q**t_steps) / eta",
        "the cross term of a square counted once",
    ),
    Fault(
        "LR-40",
        f"{THEORY}:_LEFT",
        "2 * r_c - 1",
        "r_c - 1 / 2",
        "the start forgotten at half the speed",
    ),
    Fault(
        "LR-40",
        f"{THEORY}:_GAIN",
        "1 - 2 * theta_p",
        "1 - theta_p",
        "noise that the preconditioner does not amplify",
    ),
    Fault(
        "LR-40",
        f"{THEORY}:LR_40",
        "_GAIN / ((2 * r_c - 1) * (t_steps + t_0))",
        "_GAIN / (2 * r_c * (t_steps + t_0))",
        "the floor of the last step size",
    ),
    Fault(
        "LR-40",
        "theory.linear_representation.variants.steps.samples:LR_40",
        old="n > 2 * k",
        new="n > k",
        why="fewer than twice the rank of rows admitted",
    ),
)
