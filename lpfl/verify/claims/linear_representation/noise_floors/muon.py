"""LR-24: Muon's polar step on the population gradient, aligned; and dominated by noise."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl import linalg
from lpfl.optim import muon
from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.simulate import simulate
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import noise_dominated as noisy
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.stated import same_function
from lpfl.verify.space import Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, rounding
from lpfl.verify.trial import Trial, as_numpy, condition_of
from theory.linear_representation import local_rate, tangent_floor
from theory.linear_representation.noise_floors.muon import LR_24

Array = NDArray[np.float64]
STEPS = 8
SMALLEST_TANGENT = 2.7  # in steps: it is below one step from the second step on
LARGEST_TANGENT = 2.0
RESPONSES = 1024
FLOOR_REPLICATES = 64
FLOOR_RATE = 0.04
FAMILIES = ("identity", "two_level", "geometric", "power_law", "clustered", "ar1")


def rates_per_unit(scenario: Scenario, heads: Array, inputs: Array) -> Array:
    """Return theory's rates (k, d) along the eigenvectors per unit of step size, descending."""
    multipliers = LR_24["noise_dominated"].number(
        step_size=1.0,
        noise_std=scenario.noise_std,
        batch_size=scenario.batch_size,
        cov_trace=inputs.sum(),
        head_eigenvalue=heads[:, None],
        schur_eigenvalue=inputs,
    )
    return np.asarray(1.0 - multipliers)


def spectra(scenario: Scenario) -> tuple[Array, Array]:
    """Return the eigenvalues of H (k,) and of Sigma (d,), descending."""
    return setup.head_eigenvalues(scenario), np.asarray(scenario.covariance.spectrum())


def step_size_of(scenario: Scenario) -> float:
    """Return the step size at which the fastest mode has the scenario's rate."""
    return float(scenario.fastest_rate / rates_per_unit(scenario, *spectra(scenario)).max())


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """The step size follows from the rate of the fastest mode."""
    return noisy.facts(scenario, step_size=step_size_of(scenario))


def polar_method(step_size: float) -> Method:
    """Return the plain polar step on the representation alone."""
    return muon.muon(step_size=step_size, momentum=0.0, nesterov=False, head="frozen")


@check(
    "LR-24",
    (
        Integers("input_dim", 48, 64),
        Integers("rank", 2, 3),
        setup.OUTPUT_DIM,
        Covariances(families=FAMILIES, max_log10_cond=0.7),
        noisy.HEAD_COND,
        noisy.BATCH_SIZE,
        setup.NOISE_STD,
        noisy.FASTEST_RATE,
        Reals("aligned_step", 0.005, 0.1),
        noisy.INPUT_LAW,
    ),
    decisions=3,
    facts=facts,
)
def muon_modes(trial: Trial) -> Iterator[Comparison]:
    """Aligned tangents step by step; response of the modes; floor on white inputs."""
    yield aligned_tangents(trial)
    yield from responses(trial)
    yield floor(trial)


def aligned_tangents(trial: Trial) -> Same:
    """T pairs eigenvectors of H and of Sigma; the smallest tangent is reflected within the run."""
    eta, k, d = trial.aligned_step, trial.rank, trial.input_dim
    problem = noisy.diagonal_truth(trial, *spectra(trial.scenario), replicates=1)
    tangents = np.linspace(SMALLEST_TANGENT * eta, LARGEST_TANGENT, k)
    T = torch.zeros(1, k, d - k, dtype=trial.dtype, device=trial.device)
    T.diagonal(dim1=-2, dim2=-1).copy_(trial.tensor(tangents))
    B = torch.eye(d, dtype=trial.dtype, device=trial.device)[None, k:]
    G_star = problem.representation_star
    batch = model.population_batch(problem)
    _, seen = simulate(
        polar_method(eta),
        model.Weights(problem.head_star, G_star + T @ B),
        lambda t: batch,
        num_steps=STEPS,
        observe={"tangents": lambda w: linalg.principal_tangents(w.representation, G_star)},
    )
    want = [np.sort(tangents)[::-1]]
    for _ in range(STEPS):
        lowered = trial.number("noiseless", angle=np.arctan(want[-1]), step_size=eta)
        want.append(np.sort(lowered)[::-1])
    return Same(
        part="noiseless",
        measured=as_numpy(seen["tangents"][:, 0, :k]),
        predicted=np.array(want),
        scale=1.0,
        tolerance=rounding(
            trial.dtype, dim=d * STEPS, condition=condition_of(problem.head_star) ** 2
        ),
        label="tangents, aligned",
    )


def few_rows(rank: int, inputs: Array) -> Tolerance:
    """Return (k + 1) / d_eff, d_eff = (tr Sigma)^2 / tr Sigma^2.

    The rows of a noise gradient have k + 1 first-order corrections to orthogonality and equal
    length: inner products and lengths fluctuate by d_eff^{-1/2}, and enter squared.
    """
    share = (rank + 1) * float((inputs**2).sum() / inputs.sum() ** 2)
    return finite_size(share, "(k + 1) / d_eff: rows are orthogonal and of equal length only then")


def functions(
    trial: Trial, heads: Array, inputs: Array, eta: float, rates: Array
) -> Iterator[Same]:
    """Rate and floor as the functions give them: the slowest mode, the sum over entries."""
    known = {
        "step_size": eta,
        "noise_std": trial.noise_std,
        "n": trial.batch_size,
        "head_eigenvalues": heads,
    }
    more: dict[str, Any] = {"schur_eigenvalues": inputs, "cov_trace": float(inputs.sum())}
    rate = local_rate("muon", **known, **more)
    yield same_function("noise_dominated", rate, 1.0 - rates.min())
    rest = trial.input_dim - heads.size
    entries = trial.number("floor", step_size=eta, head_eigenvalue=heads)
    found = tangent_floor("muon", **known, schur_eigenvalues=np.ones(rest))
    yield same_function("floor", found, rest * entries.sum())


def responses(trial: Trial) -> Iterator[Comparison]:
    """One pair of eigenvectors is moved per replicate, at the solution; there is no memory."""
    heads, inputs = spectra(trial.scenario)
    replicates = noisy.whole_rounds(trial.replicates(RESPONSES), heads.size * inputs.size)
    problem = setup.draw_truth(trial, replicates=replicates, noise_std=trial.noise_std)
    eta = step_size_of(trial.scenario)
    method = polar_method(eta)
    rates = eta * rates_per_unit(trial.scenario, heads, inputs)
    noisy.admit(trial, problem, method, fastest_rate=float(rates.max()))
    yield from functions(trial, heads, inputs, eta, rates)
    start = model.Weights(problem.head_star, problem.representation_star)
    batch = noisy.noisy_batch(problem, trial.batch_size, trial.stream("response"))
    sizes = noisy.small_steps(trial, np.outer(heads, inputs))
    lost, which = noisy.mode_responses(method, (start, method.init(start)), problem, batch, sizes)
    stated = rates.ravel()[which][:, None]
    ratio = lost[:, None] / stated
    tolerance = noisy.ROOM + few_rows(trial.rank, inputs)
    tolerance = tolerance + noisy.response_rounding(trial, rates, sizes)
    fastest = float(rates.max())
    yield noisy.level(
        "noise_dominated",
        ratio,
        1.0 - fastest,
        unit=-fastest,
        tolerance=tolerance,
        label="all modes",
    )
    yield noisy.exponent(
        "noise_dominated",
        ratio,
        stated,
        1.0,
        tolerance=tolerance,
        rival=Rival("the root of the stated rate", 0.5),
        label="power of √λ_i μ_j",
    )


def floor(trial: Trial) -> Near:
    """White inputs: the mean square of every entry, in the eigenbasis of H."""
    heads, inputs = setup.head_eigenvalues(trial.scenario), np.ones(trial.input_dim)
    problem = noisy.diagonal_truth(
        trial, heads, inputs, replicates=trial.replicates(FLOOR_REPLICATES)
    )
    per_unit = rates_per_unit(trial.scenario, heads, inputs)
    eta = FLOOR_RATE / float(per_unit.max())
    method = polar_method(eta)
    noisy.admit(trial, problem, method, fastest_rate=eta * float(per_unit.max()))
    burn_in = noisy.steps_to_forget(eta * float(per_unit.min()))
    stream = trial.stream("floor")
    _, squares = noisy.run_to_stationarity(
        method,
        problem,
        lambda: noisy.noisy_batch(problem, trial.batch_size, stream),
        num_steps=2 * burn_in,
        look=lambda weights: (weights.representation - problem.representation_star).square(),
        look_from=burn_in,
    )
    assert squares is not None
    predicted = trial.number("floor", step_size=eta, head_eigenvalue=heads[:, None])
    # A floor at finite rate is larger by half the rate; the weights' own signal adds as much.
    finite = finite_size(FLOOR_RATE, "the rate: half in the floor, half in the gradient")
    smallest = float(predicted.min())
    return noisy.level(
        "floor",
        squares / trial.tensor(predicted),
        smallest,
        unit=smallest,
        tolerance=noisy.ROOM + finite + noisy.BURNT + few_rows(trial.rank, inputs),
        label="white inputs",
    )
