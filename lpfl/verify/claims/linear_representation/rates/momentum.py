"""LR-38: the two multipliers of KFAC with momentum, fitted to three steps near the solution."""

from collections.abc import Iterator

import numpy as np

from lpfl.optim import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups import jacobian
from lpfl.verify.setups import linear as setup
from lpfl.verify.space import Reals
from lpfl.verify.trial import Trial

AXES = (setup.COVARIANCE, setup.HEAD_COND, setup.STEP_SIZE, Reals("momentum", 0.1, 0.95))


@check("LR-38", (*setup.SIZES, *AXES))
def momentum(trial: Trial) -> Iterator[Comparison]:
    """Fit s'' = (q1 + q2) s' - q1 q2 s to three steps; extrapolate to where -1 is a root."""
    problem = setup.draw_truth(trial, replicates=1)
    setup.admit(trial, problem)
    batch = model.population_batch(problem)

    def fit(step_size: float) -> tuple[float, float]:
        method = kfac.kfac(step_size=step_size, momentum=trial.momentum)
        maps = [jacobian.tangent_jacobian(method, problem, batch, steps=n) for n in (1, 2, 3)]
        s = [1.0, *(float(np.trace(J)) / len(J) for J in maps)]
        total, minus = np.linalg.solve([[s[1], s[0]], [s[2], s[1]]], [s[2], s[3]])
        return float(total), float(-minus)

    measured = dict(zip(("sum", "product"), fit(trial.step_size), strict=True))
    near, far = (1.0 + sum(fit(step)) for step in (1.0, 3.0))  # zero where -1 is a root
    measured["boundary"] = 1.0 + 2.0 * near / (near - far)
    error = jacobian.difference_tolerance(trial, 4, problem.cov_x, problem.head_star)
    error = error.times(1.0 / (trial.momentum * trial.step_size), "over the determinant of the fit")
    for part, value in measured.items():
        predicted = trial.number(part)
        yield Same(part=part, measured=value, predicted=predicted, tolerance=error, scale=1.0)
