"""verify, calibrate, survey and experiment give on a cluster what they give here."""

import json

import pytest

from lpfl.cli import main
from lpfl.conformance.peers.catalogue import catalogue
from lpfl.conformance.peers.elsewhere import judge_few, judge_on
from lpfl.conformance.peers.survey import plan
from lpfl.conformance.peers.worker import Settings
from lpfl.experiments.core.elsewhere import parts_on, run_part
from lpfl.experiments.core.experiment import Done, Experiment, Options, Part, Section, Table
from lpfl.results.store import read_results
from lpfl.sweep.backends import Serial, backend_for


def run(*words):
    return main([str(word) for word in words])


def test_verify(cluster, tmp_path):
    found = []
    for name, place in (("here", ("--jobs", "1")), ("there", ("--scheduler", cluster))):
        out = tmp_path / name
        assert run("verify", "--claims", "LR-06", "--out", out, *place) == 0
        results = read_results(out / "results.jsonl")
        found.append([results.observations, {**results.claims["LR-06"], "seconds": 0}])
    assert found[0] == found[1]


def test_calibrate(cluster, tmp_path):
    words = ("calibrate", "--claims", "LR-06", "--runs", "2", "--scenarios", "1", "--out")
    assert run(*words, tmp_path / "here") == 0
    assert run(*words, tmp_path / "there", "--scheduler", cluster) == 0
    here, there = (
        json.loads((tmp_path / name / "calibration.json").read_text()) for name in ("here", "there")
    )
    assert here == there


def test_survey(cluster):
    """A subject is judged on a worker, in a program of its own."""
    tasks, _ = plan(catalogue(), "torch.optim.SGD*")
    tasks[0].names = type(tasks[0].names)(list(tasks[0].names)[:1])
    settings = Settings(quick=True, checks=("api.zero", "api.determinism"))
    lines = list(judge_on(backend_for(cluster, jobs=1), tasks[:1], settings=settings))
    assert [line["status"] for line in lines] == ["judged"]
    assert lines[0]["subject"] == tasks[0].names[0]
    assert lines[0]["results"]


def test_a_survey_needs_the_same_packages():
    with pytest.raises(ValueError, match=r"it has torch=.*, the client has 0\.1"):
        judge_few("torch", "0.1", ["torch.optim.SGD"], {})


def toy_parts(options, say):
    """Two parts; each depends on its seed alone."""

    def part(name):
        table = Table(("a", "b"), ((1, None), (2, 0.1 * options.seed)))
        return Part(name, lambda: [Section(name, f"seed {options.seed}", ("x",), (), (table,))])

    return [part("one"), part("two")]


def test_experiment(monkeypatch):
    toy = Experiment("toy", "Toy", "says", lambda options: (), toy_parts)
    monkeypatch.setattr("lpfl.experiments.EXPERIMENTS", {"toy": toy})
    options, kept = Options(seed=3), []
    done = parts_on(Serial(), toy, options, say=lambda line: None, kept={}, keep=kept.append)
    assert [one.part for one in kept] == ["one", "two"]
    there = toy.run(options, kept=done)
    here = toy.run(options)
    assert there.complete
    assert json.dumps(there.as_json()["sections"]) == json.dumps(here.as_json()["sections"])
    again = parts_on(
        Serial(), toy, options, say=lambda line: None,
        kept={"one": Done("one", (), 1.0)}, keep=kept.append,
    )  # fmt: skip
    assert again["one"].sections == ()
    assert [one.part for one in kept] == ["one", "two", "two"]


def test_a_part_is_named():
    with pytest.raises(StopIteration):
        run_part("fig1", {}, "no such part")


@pytest.mark.parametrize(
    "words",
    [("verify",), ("survey",), ("calibrate",), ("experiment", "fig1"), ("sweep", "spec.toml")],
)
def test_an_address_is_asked_for_before_work(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*words, "--scheduler", "localhost") == 2
    assert "scheduler='localhost', needs an address" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
