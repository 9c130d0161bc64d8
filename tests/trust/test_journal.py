"""The journal of a long run: nothing written is lost, redone or counted twice."""

import json
import os

import pytest

from lpfl.trust.journal import Journal
from lpfl.trust.pool import answer_missing

SETTINGS = {"kind": "test", "size": 3}
TASKS = [("a", 1), ("b", 2), ("c", 3)]


def answer(name: str, number: int) -> dict[str, object]:
    if name == "dies":
        os._exit(7)
    return {"square": number * number, "process": os.getpid()}


def run(folder, tasks, settings=SETTINGS, fresh=False):
    said: list[tuple[int, int]] = []
    with Journal(folder, "test", settings) as journal:
        records = answer_missing(
            answer,
            journal,
            tasks,
            jobs=2,
            say=lambda record, number, total: said.append((number, total)),
            fresh=fresh,
        )
    return records, said


def test_what_is_done_is_not_done_again(tmp_path):
    first, said = run(tmp_path, TASKS[:2])
    assert [record["square"] for record in first] == [1, 4]
    assert said == [(1, 2), (2, 2)]
    every, said = run(tmp_path, TASKS)
    assert [record["square"] for record in every] == [1, 4, 9]
    assert every[:2] == first
    assert said == [(3, 3)]


def test_a_line_cut_short_is_dropped_and_its_task_answered(tmp_path):
    run(tmp_path, TASKS)
    path = tmp_path / "test.jsonl"
    whole = path.read_bytes()
    for cut in (1, 5, 20):
        path.write_bytes(whole[:-cut])
        records, said = run(tmp_path, TASKS)
        assert [record["square"] for record in records] == [1, 4, 9]
        assert len(said) == 1
        assert len(path.read_text().splitlines()) == 4


def test_a_process_that_dies_is_an_answer(tmp_path):
    records, _ = run(tmp_path, [("dies", 0), *TASKS])
    assert records[0]["lost"] == "the worker process ended with code 7"
    assert [record["square"] for record in records[1:]] == [1, 4, 9]


def test_fresh_processes(tmp_path):
    records, _ = run(tmp_path, TASKS, fresh=True)
    assert len({record["process"] for record in records}) == 3


def test_other_settings_need_another_folder(tmp_path):
    run(tmp_path, TASKS)
    with pytest.raises(ValueError, match="holds a run with size=3, this one has 4"):
        run(tmp_path, TASKS, settings={**SETTINGS, "size": 4})


@pytest.mark.parametrize("text", ["no json\n", "[]\n", '{"kind": "test", "size": 3}\n{"a": 1}\n'])
def test_another_file_is_not_a_journal(tmp_path, text):
    (tmp_path / "test.jsonl").write_text(text)
    with pytest.raises(ValueError, match="is no journal"):
        run(tmp_path, TASKS)
    assert (tmp_path / "test.jsonl").read_text() == text


def test_a_folder_in_use_is_refused(tmp_path):
    with (
        Journal(tmp_path, "test", SETTINGS),
        pytest.raises(ValueError, match="is in use by process"),
    ):
        Journal(tmp_path, "test", SETTINGS)
    with Journal(tmp_path, "test", SETTINGS) as journal:
        journal.write(("x",), {"square": 1})
    assert json.loads((tmp_path / "test.jsonl").read_text().splitlines()[-1])["task"] == ["x"]
