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
        "theory.linear_representation.noise_floors.floor_amgd:stationary_variance",
        old="np.linalg.solve(np.eye(size) - linear, constant).sum()",
        new="np.linalg.solve(np.eye(size) - linear, constant).sum() * (n - rank) / n",
        why="one factor (n-k)/n too many",
    ),
    Fault(
        "LR-16",
        "theory.linear_representation.noise_floors.floor_amgd:_FREEDOM",
        old="n - k",
        new="n - k - 1",
        why="one degree of freedom too few",
    ),
    Fault(
        "LR-16",
        "theory.linear_representation.noise_floors.floor_amgd:LR_16",
        old="sp.Trace(V_row * Sigma_s) * Sigma_s",
        new="sp.Trace(V_row) * Sigma_s",
        why="trace of the covariance not weighted",
    ),
    Fault(
        "LR-16",
        "theory.linear_representation.noise_floors.floor_amgd:LR_16",
        old="eta * sigma**2 / (n * (2 - eta * lam_i * mu_j))",
        new="eta * sigma**2 / (n * lam_i * (2 - eta * lam_i * mu_j))",
        why="large batches: noise amplified in flat directions of the head",
    ),
    Fault(
        "LR-16",
        "lpfl.simulate:simulate",
        old="weights, memory = method.step(weights, memory, next_batch(t))",
        new="""
batch = next_batch(t) if t % 2 == 0 else batch
weights, memory = method.step(weights, memory, batch)""",
        why="every batch of a run used twice",
    ),
)
