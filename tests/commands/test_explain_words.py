"""``lpfl explain``: the answer in words, and what it warns of."""

import math

import numpy as np
import pytest

from lpfl.explain import forecast, listed_inputs, named_inputs, read_inputs
from lpfl.explain.words import answer, lasting
from tests.commands.test_explain import COUNTER, drawn_rows


def test_the_counter_example_of_damping():
    found = forecast(COUNTER, samples=800, link="he12", noise_std=0.5)
    reached = [found.row(n).reaches for n in ("SGD", "KFAC, no damping", "KFAC, best damping")]
    assert reached == pytest.approx([0.372, 0.202, 0.481], abs=5e-4)
    assert "worse than SGD (0.20)" in answer(found)


def test_isotropic_inputs_need_no_preconditioning_with_many_samples():
    """There KFAC only removes the batch's own anisotropy, which is of size d/n = 1 %."""
    inputs = named_inputs("geometric", 300, 1.0)
    assert answer(forecast(inputs, samples=30000)).startswith("No")
    assert answer(forecast(inputs, samples=600)).startswith("Yes")


def test_what_the_domain_excludes_is_said():
    lonely = listed_inputs([1.0] * 9 + [100.0])
    said = " ".join(forecast(lonely, samples=10).warnings)
    assert "One direction carries 92%" in said
    assert "1/√d" in said
    assert "n is close to d" in said
    found = forecast(lonely, samples=10)
    assert [f.value is None for f in found.floors if "same batch" in f.name] == [True]


def test_what_a_file_hides_is_said(tmp_path):
    path = tmp_path / "rows.npy"
    rows = drawn_rows(8, 40, 4.0) ** 3
    np.save(path, np.hstack([rows, np.ones((40, 1)), rows[:, :1]]))
    said = " ".join(read_inputs(path).warnings)
    for words in ("centred", "2 of 10 directions have no variance", "Only 40 rows", "not Gaussian"):
        assert words in said


def test_a_column_that_counts_the_rows_is_named(tmp_path):
    rows = np.column_stack([drawn_rows(3, 40, 4.0), np.arange(40)])
    np.save(tmp_path / "a.npy", rows)
    assert "Column 4 counts the rows" in " ".join(read_inputs(tmp_path / "a.npy").warnings)


def test_columns_are_named_as_in_the_file(tmp_path):
    """One column in a small unit has nearly all of the variance; another one counts the rows."""
    rows = np.column_stack([drawn_rows(3, 40, 4.0), np.arange(40)])
    rows[:, 2] *= 1e4
    np.savetxt(tmp_path / "a.csv", rows, delimiter=",", header="a,b,c,d", comments="")
    np.save(tmp_path / "a.npy", rows)
    for name, large, counter in (("a.csv", "'c'", "'d'"), ("a.npy", "3", "4")):
        said = " ".join(read_inputs(tmp_path / name, leave_out=["1"]).warnings)
        assert f"Column {large} has 100% of the variance" in said
        assert f"Column {counter} counts the rows" in said
        alike = read_inputs(tmp_path / name, leave_out=["1"], standardise=True)
        assert "of the variance, so" not in " ".join(alike.warnings)


def test_little_is_no_yes():
    """Best damping is well ahead of SGD, but neither learns the direction."""
    found = forecast(listed_inputs([100.0] * 3 + [1.0] * 300), samples=80)
    best, sgd = found.row("KFAC, best damping").reaches, found.row("SGD").reaches
    assert best - sgd > 0.02
    assert best < 0.2
    assert answer(found).startswith("Hardly")


def test_many_steps_in_words():
    """ln 0.1/ln(1 - 0.1) = 21.9 steps of KFAC; SGD's last direction takes 19 times longer."""
    said = lasting(forecast(COUNTER, samples=800))
    slowest = 1.0 - 0.1 * 0.1 / 1.9
    assert f"KFAC needs 22 steps to come ten times nearer and SGD {437}" in said
    assert math.ceil(math.log(0.1) / math.log(slowest)) == 437
    assert "KFAC's noise floor is" in said
    few = lasting(forecast(COUNTER, samples=300))
    assert few.endswith("not both have a noise floor here.")


def test_a_forecast_shows_itself_in_a_notebook():
    html = forecast(COUNTER, samples=800)._repr_html_()
    assert html.startswith("<pre")
    assert html.count("<svg") == 1


def test_its_style_touches_no_other_drawing_of_a_notebook():
    html = forecast(COUNTER, samples=800)._repr_html_()
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    rules = [rule for rule in style.split("}") if rule]
    assert len(rules) > 8
    assert all(rule.startswith(".lpfl-forecast ") for rule in rules)
