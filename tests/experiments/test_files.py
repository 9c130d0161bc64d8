"""Files of an experiment: the JSON comes back, tables are rows, the paper's words are shown."""

import csv
import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lpfl.experiments import EXPERIMENTS
from lpfl.experiments.core.experiment import (
    Done,
    ExperimentResult,
    Options,
    Section,
    Table,
)
from lpfl.experiments.core.files import CSV_HEADER, as_text, tables_as_csv
from lpfl.experiments.core.journal import PartsJournal
from lpfl.experiments.core.page import build_page
from lpfl.experiments.core.reading import result_from_json

PICTURE = {
    "title": "t",
    "x_label": "steps",
    "y_label": "y",
    "series": [{"name": "a, [1,  2]", "style": "line", "x": [1, 2], "y": [1 / 3, 2e-9]}],
}
TABLE = Table(
    ("method", "steps", "floor"), [("KFAC", 3, 1 / 3), ("=SGD", "not reached", None)], "T"
)
RESULT = ExperimentResult(
    "fig1",
    "title",
    "says",
    [("Sizes", "d = 5"), ("Bands", "medians")],
    [Section("one", pictures=[PICTURE], tables=[TABLE])],
    Options(),
    1.0,
    paper={"Sizes": "d = 100"},
)


def test_json_holds_six_digits_and_lists_on_a_line() -> None:
    text = as_text(RESULT)
    assert '"x": [1, 2]' in text
    assert '"y": [0.333333, 2e-09]' in text
    back = result_from_json(json.loads(text))
    assert back.paper == {"Sizes": "d = 100"}
    assert as_text(back) == text
    assert back.sections[0].pictures[0]["series"][0]["name"] == "a, [1,  2]"


def test_an_older_result_without_the_paper_s_words_is_read() -> None:
    fields = json.loads(as_text(RESULT))
    del fields["paper"]
    assert result_from_json(fields).paper == {}


def test_tables_are_rows_of_a_csv() -> None:
    header, *rows = csv.reader(tables_as_csv(RESULT).splitlines())
    assert tuple(header) == CSV_HEADER
    assert rows == [
        ["one", "T", "1", "KFAC", "steps", "3"],
        ["one", "T", "1", "KFAC", "floor", "0.333333"],
        ["one", "T", "2", "'=SGD", "steps", "not reached"],
        ["one", "T", "2", "'=SGD", "floor", ""],
    ]


def test_a_journal_cut_anywhere_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk or a kill cuts inside a letter too; what a text holds ends no line."""
    journal = PartsJournal(tmp_path, "fig1", Options(), {"python": "3"})
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        with pytest.raises(ValueError, match="No space left"):
            journal.begin()
    assert list(tmp_path.iterdir()) == []
    journal.begin()
    for part in ("one", "two"):
        journal.keep(Done(part, [Section(f"κ\u2028{part}")], 1.0))
    content = journal.path.read_bytes()
    second = content.rindex(b'{"part":"two"')
    for cut in range(second, len(content)):
        journal.path.write_bytes(content[:cut])
        assert list(journal.finished()) == ["one"]
        assert journal.path.read_bytes() == content[:second]
    journal.keep(Done("two", [Section("κ\u2028two")], 1.0))
    assert list(journal.finished()) == ["one", "two"]


def no_room(_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_paper_and_choice_stand_side_by_side() -> None:
    page = build_page(RESULT, elsewhere=[("All pages", "../index.html")])
    assert "<td>d = 100</td><td>d = 5</td>" in page
    assert "<td>–</td><td>medians</td>" in page
    assert '<a href="../index.html">All pages</a>' in page
    ours = build_page(replace(RESULT, paper={}))
    assert "none of the paper" in ours


def test_what_the_paper_says_is_of_subjects_that_exist() -> None:
    for experiment in EXPERIMENTS.values():
        subjects = {subject for subject, _ in experiment.settings(Options())}
        assert set(experiment.paper) <= subjects, experiment.name
    assert [name for name, one in EXPERIMENTS.items() if one.paper] == ["fig1", "fig2", "fig3"]
