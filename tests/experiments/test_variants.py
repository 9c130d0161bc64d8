"""The variants in miniature: laws against statements, runs against laws, page and table."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lpfl.experiments.core.estimates import Estimate
from lpfl.experiments.core.experiment import ExperimentResult, Options
from lpfl.experiments.core.page import build_page
from lpfl.experiments.core.reading import result_from_json
from lpfl.experiments.variants import average, identify, laws, phase, powers, race
from lpfl.experiments.variants import run as variants
from lpfl.experiments.variants.entrants import ENTRANTS
from lpfl.experiments.variants.suspects import SUSPECTS
from lpfl.experiments.variants.truth import Truth, mild_truth, squares
from lpfl.optim import OPTIMIZERS
from theory.linear_representation import momentum_floor, tangent_floor

TRUTH = mild_truth()
TINY = variants.Scale(
    races=20,
    rows=(768, 3072),
    powers=8,
    ratios=(1.0,),
    answers=20,
    averages=4,
    times=(1, 3),
    phases=8,
    aspects=(0.2, 0.8),
    shares=(0.2, 0.8),
)


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def result() -> ExperimentResult:
    patch = pytest.MonkeyPatch()
    patch.setitem(variants.SCALES, "quick", TINY)
    patch.setattr(average, "SETTING", replace(average.SETTING, samples=240))
    try:
        return variants.VARIANTS.run(Options())
    finally:
        patch.undo()


def test_every_part_is_there_and_makes_a_page(result: ExperimentResult) -> None:
    text = json.dumps(result.as_json(), allow_nan=False)
    page = build_page(result_from_json(json.loads(text)))
    assert result.complete
    assert len(result.sections) == 5
    assert all(section.finding and section.tables for section in result.sections)
    assert page.count('class="chart"') == sum(len(s.pictures) for s in result.sections)
    assert all(entrant.name in page for entrant in ENTRANTS)


def test_the_table_names_every_optimizer(result: ExperimentResult) -> None:
    assert {one.key for one in SUSPECTS} == set(OPTIMIZERS)
    names = [row[0] for row in result.sections[2].tables[0].rows]
    assert names == [one.name for one in SUSPECTS]
    assert len(set(names)) == len(names)


def test_sgd_settles_at_the_stated_floor() -> None:
    step_size, n = 0.2, 40
    path = laws.gradient(TRUTH, step_size, n, 4000)
    floor = tangent_floor(
        "amgd",
        step_size=step_size,
        noise_std=TRUTH.noise_std,
        n=n,
        head_eigenvalues=TRUTH.heads,
        schur_eigenvalues=TRUTH.schurs,
    )
    assert path[-1] == pytest.approx(floor, rel=1e-9)


def test_momentum_settles_at_the_stated_floor() -> None:
    n = 40
    path = laws.heavy_ball(TRUTH, 0.3, n, 400)
    floor = momentum_floor("heavy_ball", step_size=0.3, momentum=laws.MOMENTUM)
    unit = TRUTH.tangent_noise / (n - TRUTH.input_dim - 1)
    assert path[-1] == pytest.approx(floor * unit, rel=1e-9)


def test_momentum_zero_is_plain_kfac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laws, "MOMENTUM", 0.0)
    np.testing.assert_allclose(
        laws.heavy_ball(TRUTH, 0.3, 40, 30), laws.same_batch(TRUTH, 0.3, 40, 30), rtol=1e-10
    )


def test_a_step_size_without_a_floor_is_skipped() -> None:
    with pytest.raises(ValueError, match="gain"):
        laws.settled(TRUTH, 1.2, 0.1, 3)
    assert laws.best_step(laws.same_batch, TRUTH, 40, np.array([2.5]), most_steps=9)[1] == np.inf


@pytest.mark.parametrize("n", [48, 3072])
def test_the_best_step_size_is_that_of_a_full_search(n: int) -> None:
    grid = ENTRANTS[0].grid(TRUTH)
    full = {}
    for eta in grid:
        path = laws.same_batch(TRUTH, float(eta), n, 4000)
        full[float(eta)] = float(laws.crossing(path, TRUTH.accuracy))
    best = min(full, key=lambda eta: full[eta])
    found = laws.best_step(laws.same_batch, TRUTH, n, grid, most_steps=4000)
    assert found == (best, pytest.approx(full[best]))


def test_a_crossing_is_found_between_two_steps() -> None:
    path = np.array([[1.0, 1.0], [0.1, 0.9], [0.01, 0.8]])
    np.testing.assert_allclose(laws.crossing(path, 10**-1.5), [1.5, np.inf])
    assert laws.crossing(np.array([0.5, 0.4]), 0.6) == 0.0


def test_the_time_of_equal_replicates_has_no_interval() -> None:
    path = np.repeat(0.5 ** np.arange(6.0)[:, None], 5, axis=1)
    assert race.time_of(path, 0.125, 0) == Estimate(3.0, 0.0)


def test_the_start_is_where_the_truth_says() -> None:
    problem = TRUTH.problem(2, "cpu")
    assert squares(TRUTH.begin(problem), problem).tolist() == pytest.approx([TRUTH.start] * 2)
    lam, mu = TRUTH.heads[TRUTH.slowest[0]], TRUTH.schurs[TRUTH.slowest[1]]
    assert lam * mu == (np.outer(TRUTH.heads, TRUTH.schurs)).min()


@pytest.mark.parametrize("entrant", ENTRANTS, ids=lambda one: one.name)
def test_a_variant_arrives_when_its_law_says(entrant: race.Entrant) -> None:
    (found,) = race.race(TRUTH, (3072,), Options(), replicates=240, say=silent, entrants=[entrant])
    assert found.comparison.agrees
    assert found.measured.half_width < 0.5 * found.predicted


def test_a_wrong_law_is_outside() -> None:
    kfac = ENTRANTS[0]
    wrong = replace(kfac, law=lambda t, eta, n, steps: laws.same_batch(t, eta / 2, n, steps))
    (found,) = race.race(TRUTH, (192,), Options(), replicates=200, say=silent, entrants=[wrong])
    assert not found.comparison.agrees


@pytest.mark.parametrize("key", ["kfac", "sgd", "adam", "ngd_empirical"])
def test_exponents_are_measured(key: str) -> None:
    suspect = next(one for one in SUSPECTS if one.key == key)
    found = identify.answer(suspect, Options(), replicates=100)
    assert suspect.row in found.nearest
    assert all(one.agrees for one in found.comparisons)
    stranger = replace(suspect, row="kfac_clipped")
    assert not all(one.agrees for one in identify.Answer(stranger, found.measured).comparisons)


def test_the_nearest_row_must_be_near() -> None:
    odd = {probe: Estimate(0.3 * i, 0.0) for i, probe in enumerate(identify.PROBES, 3)}
    assert identify.Answer(SUSPECTS[0], odd).nearest == []


def test_rows_follow_the_power() -> None:
    (sgd, *_, kfac) = powers.POWERS
    slow, fast = (powers.run(one, 1.5, Options(), replicates=60) for one in (sgd, kfac))
    assert slow.mean > 1.5 * fast.mean
    assert fast.mean == pytest.approx(powers.rows_over_bound(1.0, 1.5), rel=0.3)


def test_the_same_seed_gives_the_same_map_and_another_one_does_not() -> None:
    kwargs = {"aspects": (0.3,), "shares": (0.7,), "replicates": 6}
    one, again = (phase.points(Options(), **kwargs) for _ in range(2))  # type: ignore[arg-type]
    (other,) = phase.points(Options(seed=1), **kwargs)  # type: ignore[arg-type]
    assert one == again
    assert other.undamped.measured != one[0].undamped.measured


def test_a_point_on_the_wrong_side_is_counted() -> None:
    (point,) = phase.points(Options(), aspects=(0.2,), shares=(0.9,), replicates=20)
    assert phase.winner(point) == "same batch ahead"
    moved = replace(point, share=0.1)
    assert phase._contradicts(moved)
    assert not phase._contradicts(point)


def test_an_average_of_decay_zero_is_the_same_batch() -> None:
    assert average.limit(0.0, 1) == pytest.approx(
        phase.alignment_of("kfac", damping=0.0, **average.SETTING.limits)
    )
    assert average.limit(0.9, 1) < average.limit(0.0, 1)


def test_a_truth_has_the_noise_that_its_rows_say() -> None:
    one = Truth(np.array([2.0, 1.0]), np.array([1.0, 1.0, 0.5]), 3, 1e-4, 1e-2, 100.0)
    assert one.noise_std**2 * 1.5 * 2.0 == pytest.approx(1e-4 * 100)
