"""LR-23: Shampoo with averaged statistics, noise-dominated; and without noise and memory."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.optim import muon, shampoo
from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import noise_dominated as noisy
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.stated import same_function
from lpfl.verify.space import Choice, Covariances, Integers
from lpfl.verify.tolerance import Tolerance, finite_size, rounding
from lpfl.verify.trial import Trial, condition_of
from theory.linear_representation import local_rate
from theory.linear_representation.noise_floors.shampoo import LR_23

REPLICATES = 256
WARM_UP = 150
AVERAGING = 0.9999  # far longer than the warm-up: all its gradients weigh the same
START_TANGENT = 0.5
EXPONENTS = {"1/4": 0.25, "1/2": 0.5}
OTHER = {"1/4": "1/2", "1/2": "1/4"}


def rates_per_unit(scenario: Scenario) -> NDArray[np.float64]:
    """Return theory's rates (k, d) along the eigenvectors per unit of step size, descending."""
    heads = setup.head_eigenvalues(scenario)
    return rate(scenario, heads[:, None], np.asarray(scenario.covariance.spectrum()))


def rate(scenario: Scenario, head_eigenvalue: Any, input_eigenvalue: Any) -> NDArray[np.float64]:
    """Return theory's rate of any pair of eigenvalues per unit of step size, for these traces."""
    multipliers = LR_23["multiplier"].number(
        step_size=1.0,
        noise_std=scenario.noise_std,
        batch_size=scenario.batch_size,
        cov_trace=np.asarray(scenario.covariance.spectrum()).sum(),
        head_trace=setup.head_eigenvalues(scenario).sum(),
        head_eigenvalue=head_eigenvalue,
        schur_eigenvalue=input_eigenvalue,
        shampoo_exponent=EXPONENTS[scenario.exponent],
    )
    return np.asarray(1.0 - multipliers)


def step_size_of(scenario: Scenario) -> float:
    """Return the step size at which the fastest mode has the scenario's rate."""
    return float(scenario.fastest_rate / rates_per_unit(scenario).max())


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """The step size follows from the rate of the fastest mode."""
    return noisy.facts(scenario, step_size=step_size_of(scenario))


@check(
    "LR-23",
    (
        Integers("input_dim", 4, 12, log=True),
        Integers("rank", 2, 3),
        setup.OUTPUT_DIM,
        Covariances(max_log10_cond=3.0),
        noisy.HEAD_COND,
        noisy.BATCH_SIZE,
        setup.NOISE_STD,
        noisy.FASTEST_RATE,
        Choice("exponent", tuple(EXPONENTS)),
        noisy.INPUT_LAW,
    ),
    decisions=2,
    facts=facts,
)
def shampoo_modes(trial: Trial) -> Iterator[Comparison]:
    """Response of pairs of eigenvectors after a warm-up; then single gradients without noise."""
    yield from responses(trial)
    yield from single_gradient(trial)


def responses(trial: Trial) -> Iterator[Comparison]:
    """One pair of eigenvectors of H and Sigma is moved per replicate."""
    exponent = EXPONENTS[trial.exponent]
    replicates = noisy.whole_rounds(trial.replicates(REPLICATES), trial.rank * trial.input_dim)
    problem = setup.draw_truth(trial, replicates=replicates, noise_std=trial.noise_std)
    eta = step_size_of(trial.scenario)
    method = shampoo.shampoo(
        step_size=eta,
        exponent=exponent,
        statistics="average",
        averaging=AVERAGING,
        head="frozen",
    )
    rates = eta * rates_per_unit(trial.scenario)
    noisy.admit(trial, problem, method, fastest_rate=float(rates.max()))
    inputs = np.asarray(trial.covariance.spectrum())
    function = local_rate(
        "shampoo",
        step_size=eta,
        noise_std=trial.noise_std,
        n=trial.batch_size,
        head_eigenvalues=setup.head_eigenvalues(trial.scenario),
        schur_eigenvalues=inputs,
        cov_trace=float(inputs.sum()),
        exponent=exponent,
    )
    yield same_function("multiplier", function, 1.0 - rates.min())
    stream = trial.stream("noise")

    def next_batch() -> model.Batch:
        return noisy.noisy_batch(problem, trial.batch_size, stream)

    run, _ = noisy.run_to_stationarity(method, problem, next_batch, num_steps=WARM_UP)
    products = np.outer(setup.head_eigenvalues(trial.scenario), trial.covariance.spectrum())
    sizes = noisy.small_steps(trial, products)
    lost, which = noisy.mode_responses(method, run, problem, next_batch(), sizes)
    ratio = (lost / rates.ravel()[which])[:, None]
    tolerance = tolerances(trial, exponent) + noisy.response_rounding(trial, rates, sizes)
    fastest = float(rates.max())
    yield noisy.level(
        "multiplier", ratio, 1.0 - fastest, unit=-fastest, tolerance=tolerance, label="all modes"
    )
    rival = OTHER[trial.exponent]
    yield noisy.exponent(
        "exponent",
        ratio,
        products.ravel()[which][:, None],
        trial.number("exponent", shampoo_exponent=exponent),
        tolerance=tolerance,
        rival=Rival(f"r = {rival}", trial.number("exponent", shampoo_exponent=EXPONENTS[rival])),
        label=f"r = {trial.exponent}",
        carried=noisy.stated_exponent(lambda product: rate(trial.scenario, product, 1.0)),
    )


def tolerances(trial: Trial, exponent: float) -> Tolerance:
    """Return the finite-size term: the statistics are known from WARM_UP gradients.

    One of them is the current one. Inverse powers of an average are too large, the current
    gradient's share makes the response smaller: relative terms of opposite signs, each at most
    exponent (d + k) / WARM_UP. The signal that the fluctuating weights add to the squared
    gradients is at most the rate.
    """
    few = exponent * (trial.input_dim + trial.rank) / WARM_UP
    return noisy.ROOM + finite_size(few + trial.fastest_rate, "r(d + k)/warm-up and the rate")


def single_gradient(trial: Trial) -> Iterator[Same]:
    """One gradient of the population, no memory: singular values of the step; the polar factor."""
    problem = setup.draw_truth(trial, replicates=REPLICATES)
    G = model.tilt(problem.representation_star, START_TANGENT, trial.stream("start"))
    batch = model.population_batch(problem)
    start = model.Weights(problem.head_star, G)
    slope = model.gradients(start, batch).representation
    # Statistics square the singular values of the gradient.
    tolerance = rounding(trial.dtype, dim=trial.input_dim, condition=condition_of(slope) ** 2)

    def step(method: Method) -> torch.Tensor:
        return G - method.step(start, method.init(start), batch)[0].representation

    for name, exponent in EXPONENTS.items():
        method = shampoo.shampoo(
            step_size=1.0,
            exponent=exponent,
            statistics="average",
            averaging=0.0,
            head="frozen",
        )
        singular = torch.linalg.svdvals(slope)
        predicted = trial.number(
            "memoryless", gradient_singular=singular, shampoo_exponent=exponent
        )
        moved = step(method)
        yield Same(
            part="memoryless",
            measured=torch.linalg.svdvals(moved),
            predicted=np.sort(predicted)[..., ::-1],
            tolerance=tolerance,
            axes=1,
            label=f"singular values, r = {name}",
        )
        if name == "1/4":
            polar = muon.muon(step_size=1.0, momentum=0.0, nesterov=False, head="frozen")
            yield Same(
                part="memoryless",
                measured=moved,
                predicted=step(polar),
                tolerance=tolerance,
                axes=2,
                label="polar factor",
            )
