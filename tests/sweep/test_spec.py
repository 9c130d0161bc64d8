"""A spec that does not fit is refused in one line that names the value and the bound."""

import math
import re
import tomllib
from pathlib import Path

import pytest

from lpfl.cli import main
from lpfl.sweep.plan import Plan
from lpfl.sweep.spec import read_spec, spec_of
from tests.sweep.samples import CLAIMS, FIRST_STEP, TRAINING, as_toml, changed


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("kind", "grids", "spec.kind='grids', needs one of"),
        ("kind", None, "spec lacks 'kind', needs it"),
        ("name", "../up", r"spec.name='../up', needs 1 to 63 of a-z"),
        ("name", 3, "spec.name=3, needs a text"),
        ("replicates", 0, r"spec.replicates=0, needs an integer in \[1, 10000\]"),
        ("replicates", 1.0, "spec.replicates=1.0, needs an integer"),
        ("replicates", True, "spec.replicates=True, needs an integer"),
        ("seed", -1, "spec.seed=-1, needs an integer in"),
        ("no_such", 1, "spec has the unknown name 'no_such', needs one of"),
        ("fixed.no_such", 1, "fixed has the unknown name 'no_such', needs one of"),
        ("fixed.input_dim", 2, r"fixed.input_dim=2, needs an integer in \[8, 2000\]"),
        ("fixed.input_dim", 16.5, "fixed.input_dim=16.5, needs an integer"),
        ("fixed.log10_cond", math.nan, "fixed.log10_cond=nan, needs a number"),
        ("fixed.log10_cond", "1", "fixed.log10_cond='1', needs a number"),
        ("fixed.link", "cubic", "fixed.link='cubic', needs one of"),
        ("fixed.aspect", 0.3, "fixed.aspect is an axis too, needs one of the two"),
        ("fixed", 3, "fixed=3, needs a table"),
        ("axes", {}, "axes is empty, needs at least one axis"),
        ("axes.aspect", {"values": []}, "axes.aspect.values has 0 values, needs 1 to 1000"),
        ("axes.aspect", {"values": [1.0] * 1001}, "has 1001 values, needs 1 to 1000"),
        ("axes.aspect", {"values": [0.1, 0.1]}, "axes.aspect.values has 0.1 twice"),
        ("axes.aspect", {"values": [0.1, math.nan]}, "axes.aspect.values=nan, needs finite"),
        ("axes.aspect", {"values": [0.1, "a"]}, "needs finite numbers, or words"),
        ("axes.aspect", {"values": "abc"}, "axes.aspect.values='abc', needs a list"),
        ("axes.aspect", {"values": [0.1], "count": 2}, "has the unknown name 'count'"),
        ("axes.aspect", {"values": [99.0]}, r"axes.aspect=99.0, needs a number in \[0.005, 50\]"),
        ("axes.aspect", {"low": 1, "high": 1, "count": 2}, "high=1.0, needs a number above low=1"),
        ("axes.aspect", {"low": math.inf, "high": 1, "count": 2}, "low=inf, needs a finite"),
        ("axes.aspect", {"low": 1, "high": 2}, "axes.aspect lacks 'count', needs it"),
        ("axes.aspect", {"low": 1, "high": 2, "count": 1}, r"count=1, needs an integer in \[2"),
        (
            "axes.noise_std",
            {"low": 0.0, "high": 1.0, "count": 3, "scale": "log"},
            "low=0.0, needs a number above 0 on a log scale",
        ),
        ("axes.speed", {"values": [1]}, "axes has the unknown name 'speed', needs one of"),
        ("design", {"kind": "random"}, "design lacks 'points', needs it"),
        ("design", {"kind": "random", "points": 2_000_000}, r"design.points=2000000, needs an"),
        ("optimizer", [], r"0 \[\[optimizer\]\] tables, needs 1 to 24"),
        ("optimizer.0.name", "adam", "optimizer 1.name='adam', needs one of"),
        ("optimizer.0.damping", -1, "optimizer 1.damping=-1, needs a number >= 0 or 'best'"),
        ("optimizer.1.damping", 0.1, "optimizer 2 has the unknown name 'damping'"),
        ("optimizer.1.label", "KFAC", "label='KFAC', needs a label that no other optimizer has"),
        ("map", [{"x": "aspect", "y": "aspect", "part": "alignment"}], "needs another axis than x"),
        ("map", [{"x": "aspect", "y": "noise_std", "part": "speed"}], "part='speed', needs one"),
    ],
)
def test_what_does_not_fit(path, value, message):
    with pytest.raises(ValueError, match=message):
        Plan(spec_of(changed(FIRST_STEP, path, value)))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("optimizer.0.damping", -1.0, "optimizer 1.damping=-1.0, needs 0 <= . < inf"),
        ("optimizer.0.speed", 1.0, "optimizer 1: kfac has no 'speed', needs one of"),
        ("optimizer.1.head", "lost", "head='lost', needs one of"),
        ("axes.step_size", {"values": [0.0]}, "axes.step_size=0.0, needs a number in"),
        ("fixed.rank", 6, "every point lies outside the domain, the first: rank=6, needs < input"),
        ("fixed.level", 1.5, "fixed.level=1.5, needs a number in"),
    ],
)
def test_what_does_not_fit_a_training(path, value, message):
    with pytest.raises(ValueError, match=message):
        Plan(spec_of(changed(TRAINING, path, value)))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("claims", "LR-99", "claims='LR-99' matches none of"),
        ("axes.no_such", {"values": [1]}, "axes has the unknown name 'no_such', needs one of"),
        ("axes.step_size", {"values": [700.0]}, "every point lies outside the domain, the first"),
    ],
)
def test_what_does_not_fit_a_claim(path, value, message):
    with pytest.raises(ValueError, match=message):
        Plan(spec_of(changed(CLAIMS, path, value)))


def test_too_many_points_are_refused_before_they_are_made():
    many = {"low": 0.01, "high": 1.0, "count": 1000}
    three = changed(changed(FIRST_STEP, "axes.aspect", many), "axes.noise_std", many)
    with pytest.raises(ValueError, match="design has 1000000000 points, needs 1 to 1000000"):
        spec_of(changed(three, "axes.log10_cond", many))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"kind = \n", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"kind = 'claims'\nkind = 'claims'\n", "is not TOML"),
        (b"a = " + b"[" * 5000, "spec="),
    ],
)
def test_a_file_that_is_no_spec(text, message, tmp_path, capsys):
    path = tmp_path / "spec.toml"
    path.write_bytes(text)
    with pytest.raises(ValueError, match=message):
        read_spec(path)
    assert main(["sweep", str(path), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lpfl: error: spec=")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["sweep", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_points_of_a_grid_and_of_a_random_design():
    grid = spec_of(FIRST_STEP)
    assert grid.points[:2] == [
        {"aspect": 0.1, "noise_std": 0.1},
        {"aspect": 0.1, "noise_std": 2.0},
    ]
    assert len(grid.points) == 6
    document = changed(FIRST_STEP, "design", {"kind": "random", "points": 5})
    document = changed(document, "axes.noise_std", {"low": 0.1, "high": 2.0, "scale": "log"})
    points = spec_of(document).points
    assert points == spec_of(document).points
    assert points != spec_of(changed(document, "seed", 1)).points
    assert len(points) == 5
    assert all(0.1 <= p["noise_std"] <= 2.0 and p["aspect"] in (0.1, 0.4, 1.6) for p in points)


def test_integers_of_a_range_stay_integers():
    document = changed(FIRST_STEP, "fixed", {})
    axis = {"low": 8, "high": 64, "count": 4, "scale": "log"}
    points = spec_of(changed(document, "axes.input_dim", axis)).points
    assert sorted({point["input_dim"] for point in points}) == [8, 16, 32, 64]


@pytest.mark.parametrize("document", [FIRST_STEP, TRAINING, CLAIMS])
def test_a_spec_survives_its_file(document, tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(as_toml(document))
    assert read_spec(path) == spec_of(document)


def test_the_spec_of_the_documentation_is_one():
    text = (Path(__file__).parents[2] / "docs" / "sweep.md").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert len(Plan(spec_of(tomllib.loads(block)))) == 12 * 3 * 16
