"""The page of checks names every check, and calls its failures what they are called."""

import json
from pathlib import Path

import pytest

from lpfl.conformance.registry import all_checks

ROOT = Path(__file__).parents[2]
WORDS = {"conforms up to a convention": "convention"}


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from generate import checks

    return checks


def test_every_check_has_its_row_and_every_row_its_check(page):
    text = page.text()
    assert set(page.FAILS) == set(all_checks())
    for check in all_checks().values():
        assert f"| `{check.check_id}` | {check.says.replace('|', chr(92) + '|')} |" in text


def test_every_kind_of_reported_defect_is_looked_for(page):
    assert len(page.KINDS) == 20
    assert {c for checks in page.KINDS.values() for c in checks} <= set(all_checks())


def test_the_survey_calls_failures_as_the_page_does(page):
    seen = set()
    survey = ROOT / "reports" / "optimizers" / "survey.jsonl"
    for line in survey.read_text(encoding="utf-8").splitlines():
        for result in json.loads(line).get("results", []):
            seen.add((result["check"], result["outcome"]))
    quiet = {"conforms", "not claimed", "cannot be driven here", "inconclusive"}
    found = [(c, o) for c, o in sorted(seen) if o not in quiet]
    assert len(found) > 60
    assert [(c, o) for c, o in found if WORDS.get(o, o) not in page.FAILS.get(c, "")] == []
