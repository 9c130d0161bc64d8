"""Faults that the checks of LR-16 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-16",
        "lpfl.optim.amgd:amgd_step",
        old="step_size",
        new="0.6 * step_size",
        why="a step 40 % too short",
    ),
    Fault(
        "LR-16",
        "lpfl.optim.amgd:amgd_step",
        old="sgd_step(G, grad_G, step_size=step_size)",
        new="sgd_step(G, (F.mT @ F).inverse() @ grad_G, step_size=step_size)",
        why="gradient preconditioned by the head",
    ),
    Fault(
        "LR-16",
        "theory.linear_representation.tangent_floor:_row_floor",
        old="np.linalg.solve(np.eye(mu.size) - linear, constant).sum()",
        new="np.linalg.solve(np.eye(mu.size) - linear, constant).sum() * (n - k) / n",
        why="one factor (n-k)/n too many",
    ),
)
