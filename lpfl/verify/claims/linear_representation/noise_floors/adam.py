"""LR-22: Adam, dominated by noise: rate and floor of every entry, and what stays coupled."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.optim import adam
from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import noise_dominated as noisy
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.stated import same_function
from lpfl.verify.space import Covariances, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import adam_operator, local_rate, tangent_floor
from theory.linear_representation.noise_floors.adam import LR_22

Array = NDArray[np.float64]
# Over all replicates: intervals of a level and of an exponent within their tolerances.
RATE_ENTRIES = 2500
FLOOR_ENTRIES = 7000
COUPLED_REPLICATES = 256  # one entry each
SECOND_MOMENT = 0.99  # weight of the past; the first moment has no memory
WARM_UP = 200
WIDEST_FLOOR = 100.0  # ratio of lambda mu in the run of the floor: the slowest mode must settle


def step_size_of(scenario: Scenario) -> float:
    """Return the step size at which the fastest entry has the scenario's rate."""
    fastest = per_unit(scenario, *(values.max() for values in spectra(scenario)))
    return float(scenario.fastest_rate / fastest)


def spectra(scenario: Scenario) -> tuple[Array, Array]:
    """Return the eigenvalues of H (k,) and of Sigma (d,), descending."""
    return setup.head_eigenvalues(scenario), np.asarray(scenario.covariance.spectrum())


def per_unit(scenario: Scenario, head: Any, inputs: Any) -> Any:
    """Return theory's rate of an entry per unit of step size."""
    return 1.0 - LR_22["rate"].number(
        step_size=1.0,
        noise_std=scenario.noise_std,
        batch_size=scenario.batch_size,
        head_eigenvalue=head,
        schur_eigenvalue=inputs,
    )


def facts(scenario: Scenario) -> Mapping[str, Any]:
    """The step size follows from the rate of the fastest entry."""
    return noisy.facts(scenario, step_size=step_size_of(scenario))


def adam_at(step_size: float) -> Method:
    """Return Adam on the representation alone, without momentum."""
    return adam.adam(
        step_size=step_size, beta1=0.0, beta2=SECOND_MOMENT, epsilon=0.0, head="frozen"
    )


def admit(trial: Trial, problem: model.LinearRepresentation, method: Method) -> None:
    """Test the domain on the largest curvature of an entry and the method's step size."""
    H = problem.head_star.mT @ problem.head_star
    curvatures = [float(torch.diagonal(M, dim1=-2, dim2=-1).max()) for M in (H, problem.cov_x)]
    eta = float(method.hyperparameters["step_size"])
    noisy.admit(trial, problem, method, fastest_rate=eta * per_unit(trial.scenario, *curvatures))


def tolerances(scenario: Scenario) -> Tolerance:
    """Return the finite-size term: fluctuations of the second moment, and signal in it.

    E v^{-1/2} is too large by 3/8 Var(v)/v^2, and the current gradient's share in v slows the
    response; both are below 1 - beta2. Weights that fluctuate add at most half the rate to v,
    and a floor at finite rate is larger by half the rate.
    """
    finite = finite_size(1.0 - SECOND_MOMENT + scenario.fastest_rate, "1 − β₂ and the fastest rate")
    return noisy.ROOM + finite


@check(
    "LR-22",
    (
        Integers("input_dim", 3, 12, log=True),
        Integers("rank", 2, lambda v: min(3, v["input_dim"] - 1)),
        setup.OUTPUT_DIM,
        Covariances(max_log10_cond=3.0),
        Reals("head_log10_cond", 0.6, 1.0),
        noisy.BATCH_SIZE,
        setup.NOISE_STD,
        Reals("fastest_rate", 0.04, 0.06, easy="high"),
        noisy.INPUT_LAW,
    ),
    decisions=6,
    facts=facts,
)
def adam_entries(trial: Trial) -> Iterator[Comparison]:
    """Diagonal H and Sigma: response and floor of all entries; not diagonal: one entry is moved."""
    yield from rates(trial)
    yield from floors(trial)
    yield from coupled_entries(trial)


def own_operator(
    trial: Trial, problem: model.LinearRepresentation, stated: Tensor, move: Tensor, eta: float
) -> Same:
    """The whole operator of the first replicate, applied to its move, columns stacked."""
    F = problem.head_star[0]
    operator = adam_operator(
        head_gram=as_numpy(F.mT @ F),
        cov_x=as_numpy(problem.cov_x),
        noise_std=trial.noise_std,
        n=trial.batch_size,
    )
    found = eta * operator @ as_numpy(move.mT.flatten())
    return same_function("operator", found, as_numpy(stated.mT.flatten()))


def functions(trial: Trial, heads: Array, inputs: Array, eta: float) -> Iterator[Same]:
    """Rate and floor as the functions give them: the slowest entry, the sum over entries."""
    known = {
        "step_size": eta,
        "noise_std": trial.noise_std,
        "n": trial.batch_size,
        "head_eigenvalues": heads,
        "schur_eigenvalues": inputs,
    }
    slowest = 1.0 - eta * per_unit(trial.scenario, heads.min(), inputs.min())
    yield same_function("rate", local_rate("adam", **known), slowest)
    # the first k inputs are those of the true subspace
    known["schur_eigenvalues"] = inputs[heads.size :]
    pairs = {"head_eigenvalue": heads[:, None], "schur_eigenvalue": inputs[heads.size :]}
    stated = trial.number("floor", step_size=eta, **pairs).sum()
    yield same_function("floor", tangent_floor("adam", **known), stated)


def rates(trial: Trial) -> Iterator[Comparison]:
    """Every entry is moved at once by a sign of its own; entries do not leak into each other."""
    heads, inputs = spectra(trial.scenario)
    replicates = trial.replicates(math.ceil(RATE_ENTRIES / (heads.size * inputs.size)))
    problem = noisy.diagonal_truth(trial, heads, inputs, replicates=replicates)
    eta = step_size_of(trial.scenario)
    method, stream = adam_at(eta), trial.stream("rate noise")
    admit(trial, problem, method)

    def next_batch() -> model.Batch:
        return noisy.noisy_batch(problem, trial.batch_size, stream)

    yield from functions(trial, heads, inputs, eta)
    run, _ = noisy.run_to_stationarity(method, problem, next_batch, num_steps=WARM_UP)
    batch = next_batch()
    sizes = noisy.small_steps(trial, heads[:, None] * inputs)
    move = trial.tensor(sizes).expand_as(problem.representation_star)
    predicted = eta * per_unit(trial.scenario, heads[:, None], inputs)
    ratio = noisy.lost_per_step(method, run, move, batch) / move / trial.tensor(predicted)
    tolerance = tolerances(trial.scenario) + noisy.response_rounding(trial, predicted, sizes)
    fastest = float(predicted.max())
    yield noisy.level(
        "rate", ratio, 1.0 - fastest, unit=-fastest, tolerance=tolerance, label="all entries"
    )
    yield noisy.exponent(
        "rate",
        ratio,
        heads[:, None] * inputs,
        noisy.stated_exponent(lambda product: per_unit(trial.scenario, product, 1.0)),
        tolerance=tolerance,
        rival=Rival("Shampoo, r = 1/4", 0.75),
        label="exponent of λ_iμ_j",
    )


def floors(trial: Trial) -> Iterator[Near]:
    """Mean squares of all entries, after the slowest one has forgotten its start."""
    heads, inputs = narrowed(*spectra(trial.scenario))
    replicates = trial.replicates(math.ceil(FLOOR_ENTRIES / (heads.size * inputs.size)))
    problem = noisy.diagonal_truth(trial, heads, inputs, replicates=replicates)
    per_step = per_unit(trial.scenario, heads[:, None], inputs)
    eta = float(trial.fastest_rate / per_step.max())
    method, stream = adam_at(eta), trial.stream("floor noise")
    admit(trial, problem, method)

    def next_batch() -> model.Batch:
        return noisy.noisy_batch(problem, trial.batch_size, stream)

    burn_in = noisy.steps_to_forget(eta * float(per_step.min()))
    _, squares = noisy.run_to_stationarity(
        method,
        problem,
        next_batch,
        num_steps=2 * burn_in,
        look=lambda weights: (weights.representation - problem.representation_star).square(),
        look_from=burn_in,
    )
    predicted = trial.number(
        "floor", step_size=eta, head_eigenvalue=heads[:, None], schur_eigenvalue=inputs
    )
    assert squares is not None
    ratio = squares / trial.tensor(predicted)
    tolerance = tolerances(trial.scenario) + noisy.BURNT
    smallest = float(predicted.min())
    yield noisy.level(
        "floor", ratio, smallest, unit=smallest, tolerance=tolerance, label="all entries"
    )
    yield noisy.exponent(
        "floor",
        ratio,
        heads[:, None] * inputs,
        noisy.stated_exponent(
            lambda product: trial.number(
                "floor", step_size=eta, head_eigenvalue=product, schur_eigenvalue=1.0
            )
        ),
        tolerance=tolerance,
        rival=Rival("KFAC", -1.0),
        label="exponent of λ_iμ_j",
    )


def narrowed(heads: Array, inputs: Array) -> tuple[Array, Array]:
    """Return powers of both spectra whose products span at most WIDEST_FLOOR."""
    span = float(heads.max() * inputs.max() / (heads.min() * inputs.min()))
    power = min(1.0, math.log(WIDEST_FLOOR) / math.log(span))
    return heads**power, inputs**power


def coupled_entries(trial: Trial) -> Iterator[Comparison]:
    """H and Sigma not diagonal: one entry is moved per replicate, the response of all is seen."""
    k, d = trial.rank, trial.input_dim
    replicates = noisy.whole_rounds(trial.replicates(COUPLED_REPLICATES), k * d)
    problem = setup.draw_truth(trial, replicates=replicates, noise_std=trial.noise_std)
    H = problem.head_star.mT @ problem.head_star
    eta = step_size_of(trial.scenario)
    method, stream = adam_at(eta), trial.stream("coupled noise")
    admit(trial, problem, method)

    def next_batch() -> model.Batch:
        return noisy.noisy_batch(problem, trial.batch_size, stream)

    run, _ = noisy.run_to_stationarity(method, problem, next_batch, num_steps=WARM_UP)
    batch = next_batch()
    entry = torch.arange(replicates, device=H.device) % (k * d)
    one = torch.nn.functional.one_hot(entry, k * d).to(trial.dtype).reshape(-1, k, d)
    diagonal = torch.diagonal(H, dim1=-2, dim2=-1).unsqueeze(-1) * torch.diagonal(problem.cov_x)
    sizes = trial.tensor(noisy.small_steps(trial, (diagonal * one).sum((-2, -1))))
    far = sizes[:, None, None]
    lost = noisy.lost_per_step(method, run, far * one, batch) / far
    predicted = trial.tensor(
        trial.number(
            "operator",
            step_size=eta,
            gauss_newton_entry=H @ one @ problem.cov_x,
            gauss_newton_diagonal=diagonal,
        )
    )
    yield own_operator(trial, problem, predicted[0], one[0], eta)
    own = (predicted * one).sum((-2, -1))
    tolerance = tolerances(trial.scenario) + noisy.response_rounding(trial, own, sizes)
    typical = float(own.mean())
    yield noisy.level(
        "operator",
        (lost * one).sum((-2, -1)) / own,
        typical,
        unit=typical,
        tolerance=tolerance,
        label="the entry itself",
    )
    others = predicted * (1.0 - one)
    size_of_others = others.square().sum((-2, -1))
    yield noisy.level(
        "operator",
        (lost * others).sum((-2, -1)) / size_of_others,
        float(size_of_others.sqrt().mean()),
        unit=float(size_of_others.sqrt().mean()),
        tolerance=tolerance,
        label="the other entries",
    )
