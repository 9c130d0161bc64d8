"""Figure 1 in miniature: the race, the tasks, the predictions, the sweep and the page."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from lpfl.experiments.core.experiment import ExperimentResult, Options
from lpfl.experiments.core.page import build_page
from lpfl.experiments.core.race import race, split
from lpfl.experiments.fig1.compare import compare, first
from lpfl.experiments.fig1.global_law import distance, predicted_rows
from lpfl.experiments.fig1.methods import ALL, ENTRANTS
from lpfl.experiments.fig1.plan import PLANS, plan_for
from lpfl.experiments.fig1.predictions import prediction
from lpfl.experiments.fig1.run import FIG1, parts_of, settings
from lpfl.experiments.fig1.sweep import slope, sweep
from lpfl.experiments.fig1.tasks import Sizes, Tasks, batches, draw_tasks, transfer_excess
from lpfl.linalg import subspace_distance
from lpfl.optim import OPTIMIZERS
from lpfl.problems.linear_representation import population_batch
from theory.linear_representation import transfer_excess as predicted_excess

SIZES = Sizes(input_dim=12, output_dim=4, rank=2, batch_size=120, cov_condition=10.0)
PLAN = replace(
    PLANS["quick"],
    sizes=SIZES,
    seeds=2,
    steps=6,
    noisy_seeds=2,
    empirical_seeds=2,
    empirical_steps=3,
    empirical_tune_steps=2,
    sweep_seeds=2,
    sweep_steps=40,
    sweep_sizes=Sizes(8, 3, 2, cov_condition=4.0, head_condition=1.5),
    cov_conditions=(1.0, 4.0, 16.0),
    head_conditions=(1.0, 2.0, 3.0),
)


@pytest.fixture(scope="module")
def tasks() -> Tasks:
    return draw_tasks(SIZES, 3, seed=0, path="test", device="cpu")


@pytest.fixture(scope="module")
def result() -> ExperimentResult:
    parts = parts_of(PLAN, seed=0, device="cpu", say=lambda line: None)
    sections = [section for part in parts for section in part.run()]
    return ExperimentResult(
        "fig1", FIG1.title, FIG1.says, settings(Options()), sections, Options(), 1.0
    )


def test_every_part_is_there_and_survives_json(result: ExperimentResult) -> None:
    assert len(result.sections) == 6
    json.dumps(result.as_json(), allow_nan=False)
    page = build_page(result)
    assert "<script" not in page
    assert page.count("<svg") == 3 + 3 + 2 + 2 + 1 + 1
    assert all(entrant.name in page for entrant in ALL)


def test_predictions_are_drawn_where_theory_has_them(result: ExperimentResult) -> None:
    for picture in result.sections[2].pictures:
        names = {s["name"] for s in picture["series"] if s.get("role") == "prediction"}
        assert "KFAC, predicted" in names
    for section in result.sections[4:]:
        (picture,) = section.pictures
        drawn = [s["name"] for s in picture["series"] if s.get("role") == "prediction"]
        assert drawn == ["KFAC, predicted", "AMGD, predicted"]


def test_a_method_has_one_colour_in_all_pictures(result: ExperimentResult) -> None:
    colours: dict[str, set[int]] = {}
    for section in result.sections:
        for picture in section.pictures:
            for series in picture["series"]:
                name = series["name"].removesuffix(", predicted").split(" (")[0]
                colours.setdefault(name, set()).add(series["colour"])
    assert len(colours) == len(ALL)
    assert all(len(own) == 1 for own in colours.values())
    assert len(set().union(*colours.values())) == len(ALL)


def test_a_race_equals_each_method_on_its_own(tasks: Tasks) -> None:
    draw = batches(tasks.train, SIZES.batch_size, seed=3, path="race")
    methods = [OPTIMIZERS["kfac"](step_size=0.1), OPTIMIZERS["adam"](step_size=0.01)]
    look = {"G": lambda w: w.representation}
    together = race(methods, tasks.start, draw, num_steps=4, observe=look).seen["G"]
    for i, method in enumerate(methods):
        alone = race([method], tasks.start, draw, num_steps=4, observe=look).seen["G"]
        assert torch.equal(together[:, i], alone[:, 0])
    weights, memory = tasks.start, methods[0].init(tasks.start)
    for t in range(4):
        weights, memory = methods[0].step(weights, memory, draw(t))
    assert torch.equal(together[-1, 0], weights.representation)


def test_a_diverging_replicate_stops_and_the_others_run_on(tasks: Tasks) -> None:
    """A start 1e6 times too large makes plain descent diverge in that replicate only."""
    start = tasks.start._replace(
        representation=tasks.start.representation * torch.tensor([1.0, 1e6, 1.0])[:, None, None]
    )
    draw = batches(tasks.train, SIZES.batch_size, seed=0, path="race")
    methods = [OPTIMIZERS["sgd"](step_size=0.01), OPTIMIZERS["kfac"](step_size=0.1)]
    look = {"G": lambda w: w.representation}
    outcome = race(methods, start, draw, num_steps=5, observe=look)
    assert outcome.lasted[0, 1] < 5
    assert outcome.lasted[0, [0, 2]].tolist() == [5, 5]
    assert outcome.lasted[1].tolist() == [5, 5, 5]
    assert bool(torch.isfinite(outcome.seen["G"]).all())


def test_a_method_that_has_arrived_rests(tasks: Tasks) -> None:
    batch = population_batch(tasks.train)

    def look(weights):  # type: ignore[no-untyped-def]
        return subspace_distance(weights.representation, tasks.train.representation_star)

    outcome = race(
        [OPTIMIZERS["kfac"](step_size=1.0), OPTIMIZERS["kfac"](step_size=0.01)],
        tasks.start,
        lambda step: batch,
        num_steps=4,
        observe={"distance": look},
        arrived=lambda weights: look(weights) <= 1e-6,
    )
    seen = outcome.seen["distance"]
    assert bool((seen[1, 0] <= 1e-6).all())
    assert torch.equal(seen[1, 0], seen[-1, 0])
    assert bool((seen[-1, 1] > 1e-6).all())


def test_halves_hold_all_rows(tasks: Tasks) -> None:
    batch = batches(tasks.train, 121, seed=0, path="x")(0)
    one, two = split(batch)
    for field in ("inputs", "targets"):
        halves = torch.cat([getattr(one, field), getattr(two, field)], dim=1)
        assert torch.equal(halves, getattr(batch, field))


def test_transfer_loss_is_the_predicted_one(tasks: Tasks) -> None:
    G = tasks.start.representation
    measured = transfer_excess(G, tasks.transfer)
    for r in range(len(G)):
        expected = predicted_excess(
            tasks.transfer.head_star[r].numpy(),
            representation=G[r].numpy(),
            representation_star=tasks.transfer.representation_star[r].numpy(),
            cov_x=tasks.transfer.cov_x[r].numpy(),
        )
        assert measured[r].item() == pytest.approx(expected, rel=1e-10)
    assert not torch.equal(tasks.train.cov_x, tasks.transfer.cov_x)
    assert torch.equal(tasks.train.representation_star, tasks.transfer.representation_star)


def test_kfac_follows_the_global_law_on_infinite_data(tasks: Tasks) -> None:
    batch = population_batch(tasks.train)
    look = {"G": lambda w: w.representation}
    method = OPTIMIZERS["kfac"](step_size=0.2)
    seen = race([method], tasks.start, lambda step: batch, num_steps=12, observe=look).seen["G"]
    for r in range(3):
        G_star = tasks.train.representation_star[r].numpy()
        path = predicted_rows(
            tasks.train.root[r].numpy(),
            G_star,
            tasks.start.representation[r].numpy(),
            step_size=0.2,
        )
        for G, rows in zip(seen[:, 0, r].numpy(), path, strict=False):
            assert distance(G, G_star) == pytest.approx(distance(rows, G_star), abs=1e-9)


def test_noisy_tangents_settle_where_predicted() -> None:
    """Replicate mean within 15 % (second order in noise) and four standard errors."""
    sizes = replace(SIZES, batch_size=400, noise_std=0.2)
    own = draw_tasks(sizes, 24, seed=1, path="floor", device="cpu")
    contest = [(e, 0.2) for e in ENTRANTS if e.key in ("kfac", "ngd")]
    for run in compare(contest, own, batch_size=400, steps=60, seed=1, path="floor"):
        tail = run.values["tangents"][40:].mean(axis=0)
        floors = []
        for r in range(24):
            curve = prediction(replace(run, values=_only(run.values, r)), _one(own, r), 400)
            assert curve is not None
            floors.append(curve[1][-1])
        ratio = tail / np.array(floors)
        error = ratio.std(ddof=1) / np.sqrt(len(ratio))
        assert abs(ratio.mean() - 1.0) <= 0.15 + 4 * error


def _only(values, replicate: int):  # type: ignore[no-untyped-def]
    return {name: array[:, replicate : replicate + 1] for name, array in values.items()}


def _one(tasks: Tasks, replicate: int) -> Tasks:
    def pick(problem):  # type: ignore[no-untyped-def]
        return replace(
            problem,
            head_star=problem.head_star[replicate : replicate + 1],
            representation_star=problem.representation_star[replicate : replicate + 1],
            cov_x=problem.cov_x[replicate : replicate + 1],
            root=problem.root[replicate : replicate + 1],
        )

    start = type(tasks.start)(*(W[replicate : replicate + 1] for W in tasks.start))
    return Tasks(pick(tasks.train), pick(tasks.transfer), start)


@pytest.mark.parametrize("column", [0, 1])
def test_in_the_sweep_kfac_is_flat_and_amgd_is_not(column: int) -> None:
    """KFAC: as predicted step by step, exponent 0 within 0.1, a fifth of the way to any rival.

    AMGD: tenfold growth at least; the linearised count within one step of the grid of rates (a
    factor 2: at the edge of stability the true step is milder than its linear part) and 10 %.
    """
    conditions: Sequence[float] = ((1.0, 8.0, 64.0), (1.0, 3.0, 6.0))[column]
    pairs = [(c, 2.0) if column == 0 else (4.0, c) for c in conditions]
    sizes = Sizes(input_dim=10, output_dim=4, rank=2)
    names = ("KFAC", "AMGD")
    found = sweep(sizes, pairs, 3, num_steps=300, seed=0, device="cpu", names=names)
    assert np.array_equal(found.steps["KFAC"], found.predicted["KFAC"])
    fit = slope(conditions, found.steps["KFAC"])
    assert fit is not None
    assert abs(fit[0]) + 4 * fit[1] <= 0.1
    amgd, predicted = (np.median(x["AMGD"], axis=1) for x in (found.steps, found.predicted))
    assert amgd[-1] >= 10 * amgd[0]
    assert 1 / 2.2 <= amgd[-1] / predicted[-1] <= 2.2


def test_the_seed_decides_and_every_replicate_is_its_own() -> None:
    one, same, other = (
        draw_tasks(SIZES, 2, seed=s, path="test", device="cpu").train.cov_x for s in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert not torch.equal(one[0], one[1])


def test_the_first_replicates_keep_their_tasks(tasks: Tasks) -> None:
    few = first(tasks, 2)
    assert torch.equal(few.train.cov_x, tasks.train.cov_x[:2])
    assert few.start.head.shape[0] == 2


def test_seeds_replace_those_of_the_plan() -> None:
    assert plan_for(Options()).seeds == 10
    assert plan_for(Options(seeds=30)).seeds == 30
    assert plan_for(Options(scale="paper", seeds=3)).empirical_seeds == 3
    assert plan_for(Options(scale="paper")).steps == 1000
