"""Noise floors of KFAC under inputs that are not Gaussian, from the truth (LR-42)."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.optim.core.method import Method
from lpfl.optim.kfac import kfac
from lpfl.problems import linear_representation as model
from lpfl.problems.linear_representation import input_laws as laws
from lpfl.verify.expect import Near, Rival
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.linear import floor as floors
from lpfl.verify.setups.linear import scenarios as setup
from lpfl.verify.setups.linear.all_batches.runs import stated
from lpfl.verify.setups.linear.jacobian import schur_spectrum
from lpfl.verify.setups.linear.not_gaussian import inputs
from lpfl.verify.tolerance import finite_size, judgement
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import complement_share, inverse_scale

Array = NDArray[np.float64]
Draw = Callable[[model.LinearRepresentation], model.Batch | tuple[model.Batch, ...]]

SHARE = judgement(0.33, "a third of the distance of the nearest rival, for the sampling")
HALF_WIDTH = 0.3
BURN_IN, MEASURED_STEPS = 2, 8
NOISE_STD = 0.003
CHUNK = 2000  # replicates at a time
# With the population's covariance: at rank 1, with far apart scales and a full step the law of the
# inputs weighs most.
OWN = {"rank": 1, "step_size": 1.0, "scale_spread": 0.8}
OWN_BURN_IN, OWN_STEPS, OWN_HALF_WIDTH = 6, 16, 0.25
OWN_NEXT = 5.0  # next order over 1/n, as a share of the distance; up to 4 seen
OWN_SPREAD2 = 3.0  # squared relative spread of one run, over 1/n: 1 to 3 seen


def floor(trial: Trial, truth: model.LinearRepresentation) -> Near:
    """The time average of |T|^2 with the batch's own covariance."""
    law, eta, d = trial.component_law, trial.step_size, trial.input_dim
    n, kurtosis = inputs.rows_of(trial, law), laws.EXCESS_KURTOSIS[law]
    trial.admit(batch_size=n)
    values = {
        "eta": eta,
        "sigma": NOISE_STD,
        "F^*": as_numpy(truth.head_star[0]),
        "B": as_numpy(truth.complement[0]),
        "Sigma": as_numpy(truth.cov_x),
    }
    sizes = {"d": d, "m": trial.output_dim, "k": trial.rank, "n": n}
    predicted, gaussian = (
        float(trial.claim["floor"].matrix({**values, "g_4": g}, sizes=sizes))
        for g in (kurtosis, 0.0)
    )
    unit = gaussian / inverse_scale(n=n, d=d)
    rival = inputs.rival_inverse(trial, law, predicted / unit)
    heads, schurs = setup.head_eigenvalues(trial.scenario), schur_spectrum(truth)
    spread2 = 1.5 * (
        2.0 * floors.share(1.0 / heads) * floors.share(1.0 / schurs) + (4.0 + kurtosis) / (n * d)
    )
    width = HALF_WIDTH * abs(predicted / unit - rival.value) * unit / predicted
    samples = averages(
        trial,
        replace(truth, noise_std=NOISE_STD),
        kfac(step_size=eta),
        lambda stream: lambda some: inputs.drawn_batch(trial, some, law, stream, n),
        floors.replicates_for(spread2 / MEASURED_STEPS, width),
        (BURN_IN, MEASURED_STEPS),
        "noisy",
    )
    return inputs.compared(
        "floor",
        samples,
        predicted,
        Rival(rival.name, rival.value * unit),
        inputs.next_order(trial, inputs.COMPONENTS_NEXT, n).times(unit, "of the floor"),
        f"{law} components",
        SHARE,
    )


def averages(
    trial: Trial,
    truth: model.LinearRepresentation,
    method: Method,
    drawing: Callable[[torch.Generator], Draw],
    replicates: int,
    steps: tuple[int, int],
    name: str,
) -> Array:
    """Return time averages of |T|^2 in independent runs from the truth, a few at a time.

    steps: those that are left out, and those that are averaged.
    """
    draw, found, left = drawing(trial.stream(name)), [], trial.replicates(replicates)
    while left > 0:
        found.append(settled(trial, setup.repeated(truth, min(left, CHUNK)), method, draw, steps))
        left -= CHUNK
    return as_numpy(torch.cat(found))


def settled(
    trial: Trial,
    problem: model.LinearRepresentation,
    method: Method,
    draw: Draw,
    steps: tuple[int, int],
) -> Tensor:
    """Return the mean of |T|^2 over the last steps, one value per replicate."""
    weights = model.Weights(problem.head_star, problem.representation_star)
    memory = method.init(weights)
    observe, (skipped, measured) = floors.squared_tangents(problem), steps
    total = torch.zeros(len(problem.head_star), dtype=trial.dtype, device=trial.device)
    for t in range(skipped + measured):
        weights, memory = method.step(weights, memory, draw(problem))
        if t >= skipped:
            total = total + observe(weights)
    return total / measured


def of_population(trial: Trial) -> Iterator[Near]:
    """The floors with the population's covariance, at rank 1: rows of two scales, and Laplace."""
    trial = replace(trial, scenario=Scenario({**trial.scenario, **OWN}), memory={})
    truth = setup.draw_truth(trial, replicates=1, noise_std=NOISE_STD)
    n, extra = int(trial.batch_size), trial.scale_spread**2
    setup.admit(trial, truth, batch_size=n)
    known = [{"scale_square": 1.0 + value, "batch_size": n} for value in (extra, 0.0)]
    lost = extra * trial.input_dim
    yield population_floor(trial, truth, "scaled", "two", n, known, lost)
    law = trial.component_law
    if law != "laplace":  # signs move this floor by 5 % only
        return
    eye = torch.eye(trial.input_dim, dtype=trial.dtype, device=truth.cov_x.device)
    truth, n = replace(truth, cov_x=eye, root=eye), inputs.rows_of(trial, law)
    share = complement_share(as_numpy(truth.representation_star[0]))
    known = [
        {"excess_kurtosis": g, "complement_share": share, "batch_size": n}
        for g in (laws.EXCESS_KURTOSIS[law], 0.0)
    ]
    lost = laws.EXCESS_KURTOSIS[law] * (2.0 * share - 1.0)
    yield population_floor(trial, truth, "population", law, n, known, lost)


def population_floor(
    trial: Trial,
    truth: model.LinearRepresentation,
    part: str,
    law: str,
    rows: int,
    known: list[dict[str, float]],
    lost: float,
) -> Near:
    """Compare the floor with that of a law; ``known`` of the law, and of Gaussian rows.

    lost: the rows that the law takes from the denominator of the Gaussian floor, to plan with.
    """
    part, exact = f"{part}_floor", model.population_batch
    predicted, gaussian = (stated(trial, part, **values) for values in known)
    distance = lost * gaussian**2
    samples = averages(
        trial,
        truth,
        kfac(step_size=trial.step_size, input_factor="separate"),
        lambda stream: (
            lambda some: (
                inputs.drawn_batch(trial, some, law, stream, rows),
                exact(some),
            )
        ),
        floors.replicates_for(OWN_SPREAD2 / rows, OWN_HALF_WIDTH * lost * gaussian),
        (OWN_BURN_IN, OWN_STEPS),
        part,
    )
    heads, schurs = setup.head_eigenvalues(trial.scenario), schur_spectrum(truth)
    unit = NOISE_STD**2 * (1.0 / heads).sum() * (1.0 / schurs).sum()
    next_order = finite_size(OWN_NEXT / rows, f"{OWN_NEXT}/n of the distance, the next order")
    return Near(
        part=part,
        label=f"{law} scales" if part == "scaled_floor" else f"{law} components",
        samples=samples / unit,
        predicted=predicted,
        tolerance=(SHARE + next_order).times(distance, "of it"),
        rival=Rival("Gaussian inputs", gaussian),
    )
