"""Figures 2 and 3 in miniature: predictions against runs, warnings, plain data, pages."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from lpfl.experiments import EXPERIMENTS
from lpfl.experiments.core.estimates import Comparison, Estimate, estimate, verdict
from lpfl.experiments.core.experiment import Options
from lpfl.experiments.core.feature_bulk import feature_edge
from lpfl.experiments.core.page import build_page
from lpfl.experiments.core.reading import result_from_json
from lpfl.experiments.core.single_index_methods import (
    ADAM,
    ADAM_ROTATED,
    DIRECTIONS,
    KFAC,
    KFAC_BEST,
    SGD,
)
from lpfl.experiments.core.single_index_setting import TALL, WIDE, Setting, two_atom
from lpfl.experiments.core.single_index_steps import starts, step_at, unit_step
from lpfl.experiments.fig2 import run as fig2
from lpfl.experiments.fig2.adam import conditioned
from lpfl.experiments.fig2.alignment import measured_weights, spread_pictures
from lpfl.experiments.fig2.care import COUNTER
from lpfl.experiments.fig2.damping import Alignments, measured
from lpfl.experiments.fig2.whitening import WHITENING, whitening_samples
from lpfl.experiments.fig3 import run as fig3
from lpfl.experiments.fig3.errors import measure, predicted_risk, warning_table
from lpfl.experiments.fig3.features import feature_spectrum
from lpfl.experiments.fig3.weights import weights_section
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.problems.single_index import sample
from theory.single_index import independent_batch_alignment

OPTIONS = Options(seed=3)
SMALL = Setting(two_atom(100, 0.5), samples=500, width=120)


def agree(setting, measured_value, predicted):
    """Compare as the pages do: margin of the setting plus the interval."""
    one = Comparison("here", predicted, measured_value, setting.margin(predicted))
    return one.agrees


@pytest.mark.parametrize("weight", ["identity", "covariance"])
def test_directions_reach_their_limits(weight):
    methods = {method.label: method for method in DIRECTIONS}
    found = measured(SMALL, OPTIONS, methods, 24, "limits")
    for method in DIRECTIONS:
        assert agree(SMALL, found[method.label, weight], method.predicted(SMALL, weight))


def test_a_wrong_prediction_is_seen_to_be_wrong():
    found = measured(SMALL, OPTIONS, {"SGD": SGD}, 24, "limits")
    assert not agree(SMALL, found["SGD", "identity"], KFAC.predicted(SMALL))


def test_adam_depends_on_the_axes():
    """At condition number 100 Adam beats SGD on coordinate axes and loses on rotated ones."""
    setting = replace(conditioned(100.0), width=200)
    assert ADAM.predicted(setting) > SGD.predicted(setting) > ADAM_ROTATED.predicted(setting)
    found = measured_weights(setting, OPTIONS, 8, "axes", (ADAM, ADAM_ROTATED))
    diagonal, rotated = (found[m.label, "identity"] for m in (ADAM, ADAM_ROTATED))
    assert agree(setting, diagonal, ADAM.predicted(setting))
    assert agree(setting, rotated, ADAM_ROTATED.predicted(setting))
    assert diagonal.mean - diagonal.half_width > rotated.mean + rotated.half_width


def test_the_counter_example():
    """SGD .372 > KFAC(0) .202, KFAC(lam*) .481: predicted, and found by runs."""
    predicted = [method.predicted(COUNTER) for method in (SGD, KFAC, KFAC_BEST)]
    assert predicted == pytest.approx([0.372, 0.202, 0.481], abs=5e-4)
    methods = {method.label: method for method in (SGD, KFAC, KFAC_BEST)}
    found = measured(COUNTER, OPTIONS, methods, 6, "counter-example")
    sgd, kfac, best = (found[label, "identity"] for label in methods)
    assert best.mean - best.half_width > sgd.mean + sgd.half_width
    assert sgd.mean - sgd.half_width > kfac.mean + kfac.half_width


def test_whitening_with_another_batch():
    limit = independent_batch_alignment(whitening_aspect=0.3, damping=0.0, **WHITENING.limits)
    assert limit == pytest.approx(0.430, abs=1e-3)
    assert KFAC.predicted(WHITENING) == pytest.approx(0.845, abs=1e-3)
    samples = whitening_samples(OPTIONS, replicates=6)
    assert agree(WHITENING, estimate(samples["0.3"]), limit)
    assert agree(WHITENING, estimate(samples["same batch"]), KFAC.predicted(WHITENING))


def test_equal_index_std_is_equal_strength_of_the_spikes():
    for method in (SGD, KFAC, KFAC_BEST):
        step = step_at(method, SMALL, 3.0)
        assert step.strength * step.nu2**0.5 == pytest.approx(3.0)
        c_act = SMALL.activation_statistics.c_act
        assert step.strength == pytest.approx(step.step_size * c_act * step.norm)
    assert unit_step(SGD, SMALL).step_size < unit_step(KFAC, SMALL).step_size


def test_half_a_setting_has_the_same_limits():
    half = WIDE.half()
    assert (half.aspect, half.width_ratio) == (WIDE.aspect, WIDE.width_ratio)
    for method in DIRECTIONS:
        assert method.predicted(half) == pytest.approx(method.predicted(WIDE), rel=1e-12)


@pytest.mark.parametrize("covariance", [CovarianceSpec(240), two_atom(240, 0.5)])
def test_edge_of_the_feature_bulk(covariance):
    """The largest value of an odd activation lies at the edge, up to Tracy-Widom n^(-2/3)."""
    setting = Setting(covariance, samples=1200, width=300)
    tops = []
    for start in starts(setting, OPTIONS, replicates=3, tag="edge"):
        X = sample(start.problem, setting.samples, generator=start.stream).inputs
        tops.append(feature_spectrum(start.network, X)[0])
    assert np.mean(tops) == pytest.approx(feature_edge(setting), rel=2 * setting.dim ** (-2 / 3))


def test_edge_of_purely_linear_features_without_noise():
    """With n much larger than N the edge is that of the population covariance."""
    many = Setting(CovarianceSpec(100), samples=10**9, width=100)
    act = many.activation_statistics
    population = act.c_perp2 + act.c_act**2 * 4.0  # Marchenko-Pastur edge (1 + 1)^2
    assert feature_edge(many) ** 2 == pytest.approx(population, rel=1e-3)


def test_outlier_of_the_weights_leaves_the_bulk():
    setting = replace(SMALL.half(), covariance=two_atom(200, 0.5), samples=1000, width=240)
    section = weights_section(setting, OPTIONS, index_std=3.0, replicates=6)
    assert "All 8 points agree" in section.text[1]


def test_errors_after_the_step():
    setting = replace(SMALL, covariance=two_atom(160, 0.5), samples=800, width=180, link="tanh")
    runs = measure(setting, OPTIONS, index_stds=(3.0, 8.0), replicates=5)
    assert len(runs.comparisons) == 7
    finite = 2.0 / setting.dim
    for one in runs.comparisons:
        room = one.margin + finite * one.predicted + one.measured.half_width
        assert abs(one.gap) <= room, one
    assert warning_table(runs) is None


def test_domain_warnings_are_shown():
    outside = fig3.even(TALL)
    assert any("d^2/20" in w for w in predicted_risk(SGD, outside, 3.0).warnings)
    assert predicted_risk(SGD, fig3.even(WIDE), 3.0).warnings == ()
    small = replace(fig3.even(SMALL), covariance=two_atom(40, 0.5), samples=300, width=60)
    runs = measure(small, OPTIONS, index_stds=(3.0,), replicates=2)
    table = warning_table(runs)
    assert table is not None
    assert table.rows[0][1] == "all points"


def test_verdict_names_what_disagrees():
    good = Comparison("here", 0.5, Estimate(0.51, 0.01), 0.01)
    bad = Comparison("there", 0.5, Estimate(0.6, 0.01), 0.01)
    assert verdict([good], "ρ²").startswith("All 1 points agree")
    said = verdict([good, bad], "ρ²")
    assert "there +0.100" in said
    assert "largest gap of ρ², measured minus predicted, is +0.100" in said


@pytest.mark.parametrize("samples", [[1.0], [], [1.0, float("nan")]])
def test_no_interval_without_two_finite_numbers(samples):
    with pytest.raises(ValueError, match="samples"):
        estimate(samples)


def test_points_lie_beside_lines_of_the_same_colour():
    setting = Setting(two_atom(40, 0.5), samples=200, width=48)
    found = Alignments()
    pictures = spread_pictures(
        setting,
        OPTIONS,
        spreads=(0.0, 0.5),
        replicates=2,
        networks=2,
        weights_setting=setting,
        found=found,
    )
    for picture in pictures:
        styles = [(one["style"], one["colour"]) for one in picture["series"]]
        lines = [colour for style, colour in styles if style == "line"]
        assert lines == [colour for style, colour in styles if style == "points"]
    assert len(found.comparisons) == 2 * 12


@pytest.fixture
def tiny(monkeypatch):
    """Shrink both figures; what they do stays the same."""
    small, wide = Setting(two_atom(24, 0.5), 160, 30), Setting(two_atom(40, 0.5), 200, 48)
    monkeypatch.setattr(fig2, "TALL", small)
    monkeypatch.setattr(fig2, "WIDE", wide)
    monkeypatch.setitem(fig2.SCALES, "quick", fig2.Scale(2, 2, 3, (0.0, 0.5), True))
    monkeypatch.setattr(fig3, "TALL", small)
    monkeypatch.setattr(fig3, "WIDE", wide)
    monkeypatch.setitem(fig3.SCALES, "quick", fig3.Scale(2, 2, (1.0, 8.0), True))
    monkeypatch.setattr("lpfl.experiments.fig2.care.COUNTER", replace(COUNTER, samples=400))
    monkeypatch.setattr("lpfl.experiments.fig2.adam.CONDITIONS", (1.0, 10.0))


@pytest.mark.parametrize("name", ["fig2", "fig3"])
def test_figures_are_plain_data_and_make_a_page(name, tiny):
    result = EXPERIMENTS[name].run(Options(seeds=2))
    text = json.dumps(result.as_json(), allow_nan=False)
    page = build_page(result_from_json(json.loads(text)))
    assert result.complete
    for section in result.sections:
        assert section.finding
        assert section.pictures or section.tables
    assert page.count('class="chart"') == sum(len(s.pictures) for s in result.sections)
    assert any("two-atom" in choice for _, choice in result.settings)


def test_the_same_seed_gives_the_same_numbers():
    runs = [measured(SMALL, OPTIONS, {"SGD": SGD}, 2, "again")["SGD", "identity"] for _ in "ab"]
    assert runs[0] == runs[1]
    more = measured(SMALL, OPTIONS, {"SGD": SGD}, 3, "again")["SGD", "identity"]
    assert more != runs[0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_runs_on_cuda():
    found = measured(SMALL, replace(OPTIONS, device="cuda"), {"SGD": SGD}, 24, "limits")
    assert agree(SMALL, found["SGD", "identity"], SGD.predicted(SMALL))
