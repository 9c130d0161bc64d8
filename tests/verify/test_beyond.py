"""A sweep past a domain: stations, what lies outside, the record that no gate takes."""

import json

import pytest

from lpfl.cli import main
from lpfl.report.sweep import sweep_picture
from lpfl.verify.beyond import (
    axis_named,
    edges,
    middle,
    scenario_at,
    stations,
    summary,
    sweep,
    sweepable,
    within,
)
from lpfl.verify.registry import CHECKS
from lpfl.verify.running.runner import Plan


@pytest.mark.parametrize("claim_id", list(CHECKS))
def test_every_axis_has_values_inside_and_beyond(claim_id):
    """At each station all other fields exist, and the space says which stations it draws."""
    space = CHECKS[claim_id].space
    base = middle(space)
    space.require(base)
    for axis in sweepable(space):
        values = stations(space, axis, base)
        assert len(values) == len(set(values)) >= 3
        inside = []
        for value in values:
            try:
                scenario = scenario_at(space, base, axis, value)
            except ValueError:
                continue  # no later axis fits: a point without a number
            assert set(scenario) == set(base)
            inside.append(within(space, scenario))
        assert any(inside)


def test_the_edges_are_those_of_the_drawn_range():
    space = CHECKS["SI-03"].space
    base = middle(space)
    assert edges(space, axis_named("SI-03", "damping"), base) == (0.05, 10.0)
    values = stations(space, axis_named("SI-03", "damping"), base)
    assert values == sorted(values)
    assert values[0] < 0.05
    assert values[-1] > 10.0
    low, high = edges(space, axis_named("SI-03", "covariance"), base)
    assert (low, high) == (1.0, pytest.approx(10.0 ** space.axes[1].max_log10_cond))


@pytest.mark.parametrize("name", ["nothing", "", "input_law", "covariance.dim"])
def test_an_unknown_axis_lists_the_axes(name, capsys, tmp_path):
    code = main(["verify", "--claims", "LR-04", "--beyond", name, "--out", str(tmp_path / "x")])
    assert code == 2
    assert "input_dim" in capsys.readouterr().err


def test_one_claim_and_nothing_to_resume(capsys):
    assert main(["verify", "--claims", "LR-0*", "--beyond", "input_dim"]) == 2
    assert "one claim" in capsys.readouterr().err
    assert main(["verify", "--claims", "LR-04", "--beyond", "input_dim", "--resume"]) == 2


def test_a_damping_outside_the_assumptions_is_run_and_said():
    """LR-03 is drawn without damping; its step sizes end at 1."""
    plan = Plan(("LR-07",))
    axis = axis_named("LR-07", "step_size")
    points = list(sweep(plan, axis, middle(CHECKS["LR-07"].space)))
    inside = [point for point in points if point.inside]
    assert {point.outcome for point in inside} == {"confirmed"}
    assert any(not point.inside for point in points)
    assert "confirmed at" in summary(points)


def test_the_record_is_no_run(tmp_path, capsys):
    out = tmp_path / "sweep"
    arguments = ["verify", "--claims", "LR-07", "--beyond", "step_size", "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "This is no verdict" in said
    record = json.loads((out / "sweep.jsonl").read_text(encoding="utf-8"))
    assert record["type"] == "beyond"
    assert {point["inside"] for point in record["points"]} == {True, False}
    names = [one["name"] for one in sweep_picture(record)["series"]]
    assert names[-2:] == ["ends of the range", "ends of the range"]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "which is no verdict" in page
    assert "<svg" in page
    path = str(out / "sweep.jsonl")
    for command in (["gate", path], ["baseline", path, "--out", str(tmp_path / "b.json")]):
        assert main(command) == 2
        assert "is no verdict" in capsys.readouterr().err
    assert main(arguments) == 2
    assert "holds a run" in capsys.readouterr().err
