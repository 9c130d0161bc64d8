"""OP-33: streams of random numbers by their names."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.seeding import derive_seed, generator
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import scenarios as single_index
from lpfl.verify.space import Integers
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial

DIGITS = 10  # to which two replicates that should differ are compared
INPUT_DIM = Integers("input_dim", 3, 8)


@check("OP-33", (INPUT_DIM,))
def streams(trial: Trial) -> Iterator[Comparison]:
    """Open many names; draw replicates in blocks and count those that differ."""
    trial.admit()
    exact = rounding(trial.dtype, dim=1)
    names = [("batch", t) for t in range(8)] + [("other", t) for t in range(8)]
    paths = [(seed, *name, *more) for seed in (0, 1) for name in names for more in ((), ("x",))]
    first = [torch.rand(4, generator=generator(*path), device="cpu").tolist() for path in paths]
    again = [
        torch.rand(4, generator=generator(*path), device="cpu").tolist() for path in reversed(paths)
    ]
    yield Same(part="same", measured=again[::-1], predicted=first, tolerance=exact, scale=1.0)
    seeds = {derive_seed(*path) for path in paths}
    yield Same(
        part="distinct",
        measured=[len(seeds), len({tuple(numbers) for numbers in first})],
        predicted=len(paths),
        tolerance=exact,
    )
    own = {
        (path, float(torch.rand(1, generator=trial.stream(*path), device=trial.device)))
        for path in (("a", 0), ("a", 1), ("b", 0))
    }
    yield Same(
        part="distinct",
        measured=len({number for _, number in own}),
        predicted=3,
        tolerance=exact,
        label="of one trial",
    )
    yield from other_trials(trial)
    yield from blocks(trial)


def other_trials(trial: Trial) -> Iterator[Same]:
    """Open one name in trials that differ in one thing: seed, scenario, effort."""
    trials = (
        trial,
        replace(trial, seed=trial.seed + 1),
        replace(trial, scenario=Scenario({"input_dim": trial.input_dim + 1})),
        replace(trial, effort=trial.effort + 1),
    )
    numbers = {
        float(torch.rand(1, generator=one.stream("a"), device=trial.device)) for one in trials
    }
    integers = {one.integer_seed("a") for one in trials}
    for label, found in (("of other trials", numbers), ("integers of other trials", integers)):
        yield Same(
            part="distinct",
            measured=len(found),
            predicted=len(trials),
            tolerance=rounding(trial.dtype, dim=1),
            label=label,
        )


def blocks(trial: Trial) -> Iterator[Comparison]:
    """Draw teachers, moments, networks and rows in blocks of eight replicates."""
    d, count = trial.input_dim, 3 * 8
    values = {"input_dim": d, "covariance": CovarianceSpec(d), "aspect": 0.5, "link": "tanh",
              "noise_std": 0.3, "width_ratio": 1.0}  # fmt: skip
    inner = Trial(trial.claim, Scenario(values), trial.seed, trial.alpha, trial.device, trial.dtype)

    def measure(problem: single_index.model.SingleIndexProblem, block: int) -> dict[str, Tensor]:
        batch = single_index.draw_moments(inner, problem, block)
        layer = layers.draw(inner, problem, block)
        return {
            "teachers": problem.teacher[:, 0],
            "batches": batch.target_power,  # the same for every teacher
            "networks": layer.network.first_layer[:, 0, 0],
            "rows": layer.batch.inputs[:, 0, 0],
        }

    drawn = single_index.replicated(inner, count, measure, entries=single_index.BLOCK_NUMBERS)
    for name, numbers in drawn.items():
        yield Same(
            part="blocks",
            measured=len(set(numbers.round(DIGITS).tolist())),
            predicted=count,
            tolerance=rounding(trial.dtype, dim=1),
            label=name,
        )
