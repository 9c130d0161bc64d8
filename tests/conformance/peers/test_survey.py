"""The survey: what a package contributes, processes that die or hang, and its file."""

import re
from collections import deque

import pytest

from lpfl.conformance.peers import records, survey
from lpfl.conformance.peers.catalogue import catalogue
from lpfl.conformance.peers.package import Entry, Package
from lpfl.conformance.peers.worker import Settings

TOY = "tests.conformance.peers.toy_package"


def toy(**changes):
    entries = {
        "Base": Entry(skip="base class"),
        "NeedsGpu": Entry(undrivable="needs a GPU"),
        "Good": Entry(
            claims={"sgd"}, variants={"lr=1": {"lr": 1.0}}, variant_claims={"lr=1": set()}
        ),
    }
    # torch is always installed, so its version stands in for the package's.
    fields = {"distribution": "torch", "modules": (TOY,), "entries": entries}
    return Package(**{**fields, **changes})


def judge(monkeypatch, packages, **more):
    """Judge without the checks: a subject's construction is what matters here."""

    def check(spec, **_):
        import torch

        from lpfl.conformance.report import Report

        spec.factory([torch.nn.Parameter(torch.ones(2))], **spec.options)
        return Report(spec=spec, results=[])

    monkeypatch.setattr("lpfl.conformance.run.check_optimizer", check)
    tasks, lines = survey.plan(packages, "*")
    return lines + list(survey.judge_all(tasks, jobs=1, **more))


def test_a_package_gives_its_public_classes_and_variants():
    names = [subject.name.removeprefix(TOY + ".") for subject in toy().subjects()]
    assert names == ["Another", "Good", "Good[lr=1]", "NeedsGpu"]


def test_a_variant_has_its_own_options_and_claims():
    by_name = {s.name.removeprefix(TOY + "."): s.spec for s in toy().subjects()}
    assert by_name["Good"].claims == {"sgd"}
    assert by_name["Good[lr=1]"].claims == frozenset()
    assert by_name["Good[lr=1]"].options == {"lr": 1.0}


def test_an_entry_for_a_name_that_is_gone_is_an_error():
    with pytest.raises(ValueError, match="Gone"):
        toy(entries={"Gone": Entry()}).subjects()


def test_a_missing_package_is_a_line(monkeypatch):
    lines = judge(monkeypatch, (toy(distribution="no-such-package-here"),))
    assert [line["status"] for line in lines] == ["not installed"]


def test_a_package_that_cannot_be_imported_is_a_line(monkeypatch):
    lines = judge(monkeypatch, (toy(modules=("tests.conformance.no_such_module",)),))
    assert [line["status"] for line in lines] == ["cannot be imported"]
    assert "ModuleNotFoundError" in lines[0]["reason"]


def test_a_dying_subject_ends_no_other(monkeypatch):
    lines = judge(monkeypatch, (toy(functions=("ends_the_process",)),))
    status = {line["subject"].removeprefix(TOY + "."): line["status"] for line in lines}
    assert status.pop("ends_the_process") == "crashed"
    assert status.pop("NeedsGpu") == "cannot be driven here"
    assert status == dict.fromkeys(("Another", "Good", "Good[lr=1]"), "judged")


@pytest.mark.parametrize(("kills", "status"), [(2, "judged"), (3, "crashed")])
def test_a_killed_process_accuses_nobody(kills, status, monkeypatch, tmp_path):
    """It was no fault of the subject, unless it happens every time."""
    left = tmp_path / "kills"
    left.write_text(str(kills))
    monkeypatch.setenv("TOY_KILLS", str(left))
    lines = judge(monkeypatch, (toy(functions=("is_killed",)),))
    statuses = {line["subject"].removeprefix(TOY + "."): line["status"] for line in lines}
    assert statuses.pop("is_killed") == status
    assert statuses.pop("NeedsGpu") == "cannot be driven here"
    assert statuses == dict.fromkeys(("Another", "Good", "Good[lr=1]"), "judged")
    assert left.read_text() == "0"


def test_a_hanging_subject_is_ended(monkeypatch):
    lines = judge(monkeypatch, (toy(functions=("hangs",)),), patience=1.5)
    status = {line["subject"].removeprefix(TOY + "."): line["status"] for line in lines}
    assert status["hangs"] == "timed out"
    assert status["NeedsGpu"] == "cannot be driven here"


def test_a_pattern_selects_by_name_and_by_package():
    tasks, _ = survey.plan((toy(),), f"{TOY}.Another")
    assert [list(task.names) for task in tasks] == [[f"{TOY}.Another"]]
    tasks, _ = survey.plan((toy(),), "torch")
    assert sum(len(task.names) for task in tasks) == 4
    with pytest.raises(ValueError, match="nothing-of-the-kind"):
        survey.plan((toy(),), "nothing-of-the-kind")


def header(**changes):
    fields = {"seed": 0, "quick": True, "packages": {"torch": "2"}, "checks": {"api.x": "?"}}
    return records.new_header(**{**fields, **changes})


FINE = {"check": "a.b", "outcome": "fine"}


def line(name):
    own = {"package": "toy", "version": "1", "claims": [], "results": []}
    return {"type": "subject", "subject": name, "status": "judged", **own}


def test_a_killed_survey_goes_on(tmp_path):
    path = tmp_path / "survey.jsonl"
    writer = records.SurveyWriter(path, header(), resume=False)
    writer.write(line("a"))
    writer.close()
    with path.open("ab") as file:
        file.write(b'{"type":"subject","subject":"b","resu')
    writer = records.SurveyWriter(path, header(), resume=True)
    assert writer.done == {"a"}
    writer.write(line("b"))
    writer.close()
    read = records.read_survey(path)
    assert list(read.subjects) == ["a", "b"]
    assert read.problems == []


@pytest.mark.parametrize("change", [{"seed": 1}, {"quick": False}, {"packages": {"torch": "3"}}])
def test_a_survey_of_other_settings_is_not_continued(tmp_path, change):
    path = tmp_path / "survey.jsonl"
    records.SurveyWriter(path, header(), resume=False).close()
    with pytest.raises(ValueError, match=next(iter(change))):
        records.SurveyWriter(path, header(**change), resume=True)


def test_a_new_survey_keeps_the_old_one(tmp_path):
    path = tmp_path / "survey.jsonl"
    for name in ("a", "b", "c"):
        writer = records.SurveyWriter(path, header(), resume=False)
        writer.write(line(name))
        writer.close()
    (oldest,) = tmp_path.glob("earlier/*/survey.previous.jsonl")
    kept = (path, tmp_path / records.PREVIOUS, oldest)
    assert [list(records.read_survey(one).subjects) for one in kept] == [["c"], ["b"], ["a"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"results": [1]}, "results=[1], needs in entry 0 an object"),
        (
            {"results": [{"check": "a.b", "outcome": "fine"}]},
            "results=[{'check': 'a.b', 'outcome': 'fine'}], needs in entry 0 outcome='fine'",
        ),
        ({"package": None}, "package=None, needs a text"),
        ({"seconds": "x"}, "seconds='x', needs a finite number"),
    ],
)
def test_a_line_of_another_shape_is_refused(tmp_path, change, said):
    path = tmp_path / "survey.jsonl"
    writer = records.SurveyWriter(path, header(), resume=False)
    writer.write({**line("a"), **change})
    writer.close()
    with pytest.raises(ValueError, match=re.escape(f"survey.jsonl:2: {said}")):
        records.read_survey(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "survey.jsonl"
    path.write_text('{"type":"header"}\n')
    with pytest.raises(ValueError, match="needs the header of a survey"):
        records.read_survey(path)
    path.write_text("not json\n")
    with pytest.raises(ValueError, match=":1: needs one JSON object"):
        records.read_survey(path)


def test_numbers_that_json_lacks_become_text(tmp_path):
    assert b'"nan"' in records.encode({"measured": float("nan")})


def test_the_catalogue_is_large_and_names_no_distribution_twice():
    packages = catalogue()
    assert len(packages) >= 45
    assert len({package.distribution for package in packages}) == len(packages)


def test_a_subject_is_judged_by_the_wanted_checks():
    task = survey.Task(toy(), deque([f"{TOY}.Good"]))
    lines = list(survey.judge_all([task], settings=Settings(checks=("api.alias",))))
    assert [line["subject"] for line in lines] == [f"{TOY}.Good"]
    assert {result["check"] for result in lines[0]["results"]} == {"api.alias"}
