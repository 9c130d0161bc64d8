"""Faults that the check of LR-35 must refute."""

from lpfl.verify.planting import Fault

UNITS = "lpfl.measure.unit_response:local_rates"
THEORY = "theory.linear_representation.variants.steps.scale_exponents:LR_35"

FAULTS = (
    Fault(
        "LR-35",
        "lpfl.optim.core.output_factor:output_factor",
        old="second_moment(Y - X @ (F @ G).mT)",
        new="second_moment(Y - X @ (F @ G).mT) / (Y - X @ (F @ G).mT).square().mean()",
        why="residuals normalised in the empirical factor",
    ),
    Fault(
        "LR-35",
        "lpfl.optim.core.clip:clip_factor",
        old="(min(bounds) / total.clamp(min=least)).sqrt()",
        new="min(bounds) / total.clamp(min=least)",
        why="the clip without its root",
    ),
    Fault(
        "LR-35",
        "lpfl.optim.core.output_factor:output_factor",
        old="second_moment(Y - X @ (F @ G).mT)",
        new="second_moment(Y - X @ (F @ G).mT) * Y.shape[-2]",
        why="a sum over the rows in place of a mean",
    ),
    Fault(
        "LR-35",
        "lpfl.optim.kfac:Kfac.proposed",
        old="self.step_size * lengths[0]",
        new="self.step_size * lengths[0].sqrt()",
        why="a root of the gradient's length in the graft",
    ),
    Fault(
        "LR-35",
        THEORY,
        old="c_s ** (-4 * r_S)",
        new="c_s ** (-2 * r_S)",
        why="noise in one of Shampoo's two factors",
    ),
    Fault(
        "LR-35",
        THEORY,
        old="eta / (c_y**2 * c_x**2)",
        new="eta / c_y**2",
        why="the unit of x forgotten in SGD's step size",
    ),
    Fault(
        "LR-35",
        UNITS,
        old="(2.0 * size)",
        new="size",
        why="a difference over half its length",
    ),
    Fault(
        "LR-35",
        UNITS,
        old="units.y * truth.head_star",
        new="truth.head_star",
        why="a head that is not in the units of y",
    ),
    Fault(
        "LR-35",
        "lpfl.measure.unit_response:scaled",
        old="units.y * units.noise * problem.noise_std",
        new="units.noise * problem.noise_std",
        why="noise that is not in the units of y",
    ),
    Fault(
        "LR-35",
        "lpfl.measure.unit_response:scaled",
        old="units.x * problem.root",
        new="problem.root",
        why="rows that are not in the units of x",
    ),
    Fault(
        "LR-35",
        THEORY,
        old="_rate(c_L)",
        new="_rate(sp.Integer(1))",
        why="slopes of the outputs taken for the Hessian of the loss",
    ),
    Fault(
        "LR-35",
        "lpfl.verify.setups.linear.loss_scale:moved",
        old="1.0 / factor if part == 'loss_matched' else 1.0",
        new="1.0",
        why="all samples of variance 1",
    ),
    Fault(
        "LR-35",
        "lpfl.optim.core.layer_statistics:_Empirical.__call__",
        old="grad.detach().reshape(-1, grad.shape[-1])",
        new="torch.nn.functional.normalize(grad.detach().reshape(-1, grad.shape[-1]))",
        why="every row's gradient of length 1",
    ),
    Fault(
        "LR-35",
        "theory.linear_representation.variants.steps.scale_exponents:LR_35",
        "c_y ** (2 - 8 * r_S)",
        "c_y ** (2 - 4 * r_S)",
        "Shampoo's answer to the units of y halved",
    ),
    Fault(
        "LR-35",
        "theory.linear_representation.variants.steps.scale_exponents:_empirical_step",
        "residual.T * residual / n",
        "residual.T * residual",
        "empirical factor not over the rows of the batch",
    ),
    Fault(
        "LR-35",
        "theory.linear_representation.variants.steps.scale_exponents:PROBES",
        old='{"y": c_y, "noise": c_s, "x": c_x, "n": c_n}',
        new='{"y": c_s, "noise": c_y, "x": c_x, "n": c_n}',
        why="exponents of the outputs and of the noise exchanged",
    ),
)
