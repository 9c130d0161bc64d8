"""Faults that the check of LR-41 must refute."""

from lpfl.verify.planting import Fault

MODULE = "theory.linear_representation.variants.steps.powers"
THEORY = f"{MODULE}:LR_41"

FAULTS = (
    Fault("LR-41", THEORY, "theta_p - 1", "theta_p", "the slowest mode's power off by one"),
    Fault("LR-41", f"{MODULE}:ROWS", "4 * eps_T", "2 * eps_T", "twice the rows"),
    Fault(
        "LR-41",
        f"{MODULE}:FLOOR",
        "1 - 1 / Lam",
        "1 / Lam",
        "the shares of the floor and of the start exchanged",
    ),
    Fault("LR-41", "lpfl.optim.sgd:sgd_step", "step_size", "0.6 * step_size", "short steps of SGD"),
    Fault(
        "LR-41",
        THEORY,
        "sp.sqrt(lam_i) * mu_j",
        "lam_i * mu_j",
        "Muon preconditioned by nothing",
    ),
    Fault(
        "LR-41",
        THEORY,
        "sp.sqrt(n * tr_cov)",
        "sp.sqrt(n) * tr_cov",
        "the trace of the inputs in Muon's step for its root",
    ),
    Fault(
        "LR-41",
        "lpfl.optim.muon:orthogonalise",
        "polar_factor(matrix)",
        "torch.nn.functional.normalize(matrix, dim=(-2, -1))",
        "Muon's gradient divided by its Frobenius norm",
    ),
    Fault(
        "LR-41",
        "lpfl.optim.adam:adam_direction",
        "second / (1.0 - beta2**age)",
        "second",
        "Adam's second moment with its bias",
    ),
)
