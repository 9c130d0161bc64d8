"""LR-22: Adam, dominated by noise: rate and floor of every entry, and what stays coupled."""

import math

import torch
from torch import Tensor

from lpfl.optim import adam
from lpfl.optim.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import Check, Finding, Trial, as_numpy
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
from lpfl.verify.setups import noise_dominated as noisy
from lpfl.verify.space import Covariances, Integers, Reals, ScenarioSpace
from theory.core.formula import numeric

ENTRIES = 5000  # over all replicates: what the power of the floor's decisions needs
SECOND_MOMENT = 0.99  # weight of the past; the first moment has no memory
WARM_UP = 200
RATE_EXPONENT = 0.5  # Shampoo's rate, (lambda mu)^{3/4}, is Adam's to the power 3/2
FLOOR_EXPONENT = 1.0  # AMGD's flat floor and KFAC's 1/(lambda mu) are powers 0 and 2 of Adam's
BURNT = 0.03  # share of the start left in a mean square when averaging begins, bounds its mean


def adam_at(step_size: float) -> Method:
    """Return Adam on the representation alone, without momentum."""
    return adam.adam(
        step_size=step_size, beta1=0.0, beta2=SECOND_MOMENT, epsilon=0.0, head="frozen"
    )


def rate_at_step_one(trial: Trial, head: Tensor, inputs: Tensor) -> Tensor:
    """Return theory's rate of an entry per unit of step size, from the diagonals of H and Sigma."""
    scenario = trial.scenario
    multiplier = numeric(trial.claim.relations()["rate"].args[1])(
        step_size=1.0,
        noise_std=scenario.noise_std,
        batch_size=scenario.batch_size,
        head_eigenvalue=head,
        schur_eigenvalue=inputs,
    )
    return trial.tensor(1.0 - multiplier)


def replicates_of(scenario: Scenario) -> int:
    """Return how many replicates make ENTRIES entries."""
    return math.ceil(ENTRIES / (scenario.rank * scenario.input_dim))


def tolerances(scenario: Scenario) -> float:
    """Return the finite-size term: fluctuations of the second moment, and signal in it.

    E v^{-1/2} is too large by 3/8 Var(v)/v^2, and the current gradient's share in v slows the
    response; both are below 1 - beta2. Weights that fluctuate add at most half the rate to v,
    and a floor at finite rate is larger by half the rate.
    """
    return 0.02 + (1.0 - SECOND_MOMENT) + scenario.fastest_rate


def measure_adam(trial: Trial) -> list[Finding]:
    """Diagonal H and Sigma: floor and response of all entries; then not diagonal: one entry."""
    scenario = trial.scenario
    problem = noisy.diagonal_truth(trial, replicates=replicates_of(scenario))
    per_step = rate_at_step_one(
        trial,
        trial.tensor(setup.head_eigenvalues(scenario))[:, None],
        trial.tensor(scenario.covariance.spectrum()),
    )
    rates = per_step * scenario.fastest_rate / per_step.max()
    step_size = float(scenario.fastest_rate / per_step.max())
    method = adam_at(step_size)
    stream = trial.stream("noise")

    def next_batch() -> model.Batch:
        return noisy.noisy_batch(problem, scenario, stream)

    burn_in = math.ceil(-math.log(BURNT) / (2.0 * float(rates.min())))
    run, squares = noisy.run_to_stationarity(
        method,
        problem,
        next_batch,
        num_steps=3 * burn_in,
        look=lambda weights: (weights.representation - problem.representation_star).square(),
        look_from=burn_in,
    )
    assert squares is not None
    floors = numeric(trial.claim.relations()["floor"].args[1])(
        step_size=step_size,
        noise_std=scenario.noise_std,
        batch_size=scenario.batch_size,
        head_eigenvalue=setup.head_eigenvalues(scenario)[:, None],
        schur_eigenvalue=scenario.covariance.spectrum(),
    )
    signs = noisy.small_step(scenario) * noisy.random_signs(trial, tuple(squares.shape))
    lost = noisy.lost_per_step(method, run, signs, next_batch())
    tolerance = tolerances(scenario)
    return [
        *noisy.ratio_findings(
            trial,
            "rate",
            lost / signs,
            as_numpy(rates),
            tolerance=tolerance + noisy.response_rounding(trial, float(rates.min())),
            nearest_exponent=RATE_EXPONENT,
        ),
        *noisy.ratio_findings(
            trial,
            "floor",
            squares,
            floors,
            tolerance=tolerance + BURNT,
            nearest_exponent=FLOOR_EXPONENT,
        ),
        coupled_entry(trial),
    ]


def coupled_entry(trial: Trial) -> Finding:
    """H and Sigma not diagonal: an entry still sees the root of its own curvature, no more.

    One entry is moved per replicate; its own response is measured.
    """
    scenario = trial.scenario
    k, d = scenario.rank, scenario.input_dim
    replicates = replicates_of(scenario)
    problem = setup.draw_truth(trial, replicates=replicates)
    H = problem.head_star.mT @ problem.head_star
    per_step = rate_at_step_one(
        trial, torch.diagonal(H, dim1=-2, dim2=-1).unsqueeze(-1), torch.diagonal(problem.cov_x)
    )
    step_size = float(scenario.fastest_rate / per_step.max())
    method = adam_at(step_size)
    stream = trial.stream("coupled noise")

    def next_batch() -> model.Batch:
        return noisy.noisy_batch(problem, scenario, stream)

    run, _ = noisy.run_to_stationarity(method, problem, next_batch, num_steps=WARM_UP)
    entry = torch.arange(replicates, device=per_step.device) % (k * d)
    one = torch.nn.functional.one_hot(entry, k * d).to(trial.dtype).reshape(-1, k, d)
    direction = noisy.small_step(scenario) * one
    lost = noisy.lost_per_step(method, run, direction, next_batch())
    own = (lost * one).sum((-2, -1)) / noisy.small_step(scenario)
    expected = step_size * (per_step * one).sum((-2, -1))
    tolerance = tolerances(scenario) + noisy.response_rounding(trial, float(expected.min()))
    name = "rate of an entry, H and Sigma not diagonal"
    return noisy.level_finding(trial, name, own / expected, tolerance=tolerance)


ADAM = Check(
    claim_id="LR-22",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 3, 5),
            Integers("rank", 2, lambda v: min(3, v["input_dim"] - 1)),
            setup.OUTPUT_DIM,
            Covariances(max_log10_cond=0.4),
            Reals("head_log10_cond", 0.6, 0.8),
            noisy.BATCH_SIZE,
            setup.NOISE_STD,
            Reals("fastest_rate", 0.04, 0.06, easy="high"),
            noisy.INPUT_LAW,
        ),
    ),
    measure=measure_adam,
    decisions=5,
    facts=noisy.facts,
)
