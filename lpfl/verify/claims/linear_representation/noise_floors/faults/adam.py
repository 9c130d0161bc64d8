"""Faults that the checks of LR-22 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_direction",
        old="(second / (1.0 - beta2 ** age)).sqrt()",
        new="second / (1.0 - beta2 ** age)",
        why="second moment without its root",
    ),
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_step",
        old="grad.square()",
        new="grad.square().mean((-2, -1), keepdim=True)",
        why="one scale for the whole matrix",
    ),
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_direction",
        old="first",
        new="0.8 * first",
        why="a step 20 % too short",
    ),
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_step",
        old="blended(state.first, grad, beta1)",
        new="blended(state.first, grad, beta1) + 0.2 * state.first",
        why="momentum that beta1 = 0 does not switch off",
    ),
    Fault(
        "LR-22",
        "lpfl.optim.adam:adam_step",
        old="W - step_size * adam_direction(*state, beta1=beta1, beta2=beta2, epsilon=epsilon)",
        new="W - step_size * W.shape[-1] ** 0.25 * adam_direction(*state, beta1=beta1, "
        "beta2=beta2, epsilon=epsilon)",
        why="a step that grows with the input dimension",
    ),
    Fault(
        "LR-22",
        "theory.linear_representation.noise_floors.adam:adam_operator",
        old="np.diagonal(newton)[:, None]",
        new="np.diagonal(newton)",
        why="columns scaled in place of rows",
    ),
    Fault(
        "LR-22",
        "theory.linear_representation.rates.local_rate:_adam",
        old="LR_22['rate']",
        new="LR_22['floor']",
        why="floor given for the rate",
    ),
    Fault(
        "LR-22",
        "theory.linear_representation.noise_floors.adam:LR_22",
        old="eta * sigma / (2 * sp.sqrt(n * lam_i * mu_j))",
        new="eta * sigma / sp.sqrt(n * lam_i * mu_j)",
        why="floor doubled",
    ),
    Fault(
        "LR-22",
        "theory.linear_representation.noise_floors.adam:LR_22",
        old="1 - eta * sp.sqrt(n * lam_i * mu_j) / sigma",
        new="1 - eta * sp.sqrt(n) * lam_i * mu_j / sigma",
        why="rate without the root",
    ),
    Fault(
        "LR-22",
        "theory.linear_representation.noise_floors.adam:adam_operator",
        "np.kron(positive_definite('cov_x', cov_x), H)",
        "np.kron(H, positive_definite('cov_x', cov_x))",
        "Kronecker factors of Adam's operator exchanged",
    ),
)
