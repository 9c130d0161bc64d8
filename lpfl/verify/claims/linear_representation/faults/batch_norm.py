"""Faults that the checks of LR-25 must refute."""

from lpfl.verify.planting import Fault

FAULTS = (
    Fault(
        "LR-25",
        "lpfl.optim.batch_norm:batch_norm_gradients",
        old="slope.representation - along * (unit @ batch.cov_x)",
        new="slope.representation",
        why="the standard deviation not differentiated",
    ),
    Fault(
        "LR-25",
        "lpfl.optim.batch_norm:BatchNorm.step",
        old="least_squares_head(G, batch) * scale.unsqueeze(-2)",
        new="least_squares_head(G, batch)",
        why="head not rescaled to the normalised units",
    ),
    Fault(
        "LR-25",
        "lpfl.optim.batch_norm:centred",
        old="inputs - inputs.mean(-2, keepdim=True)",
        new="inputs",
        why="inputs not centred",
    ),
    Fault(
        "LR-25",
        "lpfl.optim.batch_norm:batch_norm_gradients",
        old="(slope.representation - along * (unit @ batch.cov_x)) / scale",
        new="slope.representation - along * (unit @ batch.cov_x)",
        why="the gradient of the normalised rows",
    ),
    Fault(
        "LR-25",
        "lpfl.optim.batch_norm:hidden_std",
        old="((G @ cov_x) * G).sum(-1).sqrt()",
        new="G.norm(dim=-1)",
        why="rows normalised by their length",
    ),
    Fault(
        "LR-25",
        "theory.linear_representation.batch_norm:batch_norm_gradient",
        old="(g * Sigma_hat * g.T).inv()",
        new="(g * g.T).inv()",
        why="variance of the hidden variable forgotten",
    ),
    Fault(
        "LR-25",
        "theory.linear_representation.batch_norm:LR_25",
        old="eta ** 2 * bn_grad * bn_grad.T",
        new="eta * bn_grad * bn_grad.T",
        why="growth of the norm of order eta",
    ),
    Fault(
        "LR-25",
        "theory.linear_representation.batch_norm:LR_25",
        old="g_row - eta / c_row ** 2 * bn_grad",
        new="g_row - eta / c_row * bn_grad",
        why="effective step with the scale once",
    ),
    Fault(
        "LR-25",
        "theory.linear_representation.batch_norm:SCALED",
        old="grad_row / c_row",
        new="grad_row",
        why="gradient of a scaled row",
    ),
)
