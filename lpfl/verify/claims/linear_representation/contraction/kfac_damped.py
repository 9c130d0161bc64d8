"""LR-05: what damping does to one KFAC step and to the local rate."""

from collections.abc import Iterator

import numpy as np

from lpfl.optim.core.whitening import damped
from lpfl.optim.kfac import kfac
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.exact import exact_parts
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear import step
from lpfl.verify.setups.linear.jacobian import difference_tolerance, tangent_jacobian
from lpfl.verify.space import Covariances, Reals
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import damped_eigenvalues, local_rate

RATE_UP_TO = 24  # the update map is differentiated in k(d-k) directions


@check(
    "LR-05",
    (
        *setup.SIZES,
        setup.BATCH_SIZE,
        Covariances(max_log10_cond=3.0),
        setup.HEAD_COND,
        setup.STEP_SIZE,
        Reals("damping", 0.001, 10.0, log=True),
        setup.INPUT_LAW,
        setup.NOISE_STD,
    ),
    anchors=setup.paper_batches(step_size=0.01, damping=0.1, noise_std=0.1),
)
def damped_step(trial: Trial) -> Iterator[Comparison]:
    """The damped step on a noisy batch against the identity; the spectrum of the update map."""
    yield from exact_parts(trial)
    drawn = step.draw(trial, noise_std=trial.noise_std)
    whitener = damped(drawn.batch.cov_x, trial.damping)
    values = drawn.letters(eta=trial.step_size, **{"lambda": trial.damping})
    yield Same(
        part="complement",
        label="run",
        measured=drawn.off(drawn.kfac_step(trial.step_size, damping=trial.damping)),
        predicted=step.printed(trial, "complement", values),
        tolerance=drawn.rounding(trial, whitener),
        axes=2,
        scale=drawn.pull(whitener),
    )
    if trial.input_dim <= RATE_UP_TO:
        yield from local_rates(trial)


def local_rates(trial: Trial) -> Iterator[Comparison]:
    """All multipliers of the population update map, with the damping and without it."""
    eta = trial.step_size
    problem = setup.draw_truth(trial, replicates=1)
    batch = model.population_batch(problem)
    cov_x = as_numpy(setup.frame_covariance(problem))
    tolerance = difference_tolerance(trial, trial.input_dim, problem.root)
    for label, damping in (("all multipliers", trial.damping), ("without damping", 0.0)):
        method = kfac(step_size=eta, damping=damping)
        measured = np.linalg.eigvals(tangent_jacobian(method, problem, batch))
        nu = damped_eigenvalues(cov_x, rank=trial.rank, damping=damping)
        multipliers = trial.number("rate", damped_eigenvalue=nu)
        yield Same(
            part="rate",
            label=label,
            measured=np.sort(measured.real),
            predicted=np.sort(np.repeat(multipliers, trial.rank)),
            tolerance=tolerance,
            scale=1.0,
        )
        if damping > 0.0:
            yield Same(
                part="rate",
                label="largest modulus",
                measured=np.abs(measured).max(),
                predicted=local_rate(
                    "kfac", step_size=eta, damping=damping, cov_x=cov_x, rank=trial.rank
                ),
                tolerance=tolerance,
                scale=1.0,
            )
