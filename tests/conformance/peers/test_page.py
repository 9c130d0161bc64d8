"""The survey's page: every outcome is shown, all text is escaped, its size is bounded."""

import base64
import hashlib
import json
import re
import zlib
from html import unescape

import pytest

from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.peers import page
from lpfl.conformance.peers.records import Survey

CHECKS = {"theory.rate": "the rate", "def.trajectory": "the trajectory", "api.resume": "resuming"}


def result(check="api.resume", outcome="deviates", **more):
    return {"check": check, "outcome": outcome, "message": "The distance is 0.5.", **more}


def subject(name, *results, status="judged", **more):
    return {
        "subject": name,
        "package": "pkg",
        "version": "1.0",
        "status": status,
        "reason": "because",
        "claims": ["adam"],
        "results": list(results),
        **more,
    }


def programs_of(html):
    packed = re.search(r'id="programs">([^<]*)</script>', html).group(1)
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def survey(*subjects):
    header = {
        "checks": CHECKS,
        "packages": {"pkg": "1.0", "missing": None},
        "lpfl_version": "0",
        "python": "3",
        "seed": 0,
        "started": "then",
    }
    return Survey(header, {s["subject"]: s for s in subjects})


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_cell_and_a_word(outcome):
    html = page.build_page(survey(subject("a", result(outcome=outcome.value))))
    code, letter = page.CODES[outcome]
    opened = "<td>" if code in ("c", "o", "x") else f"<td class={code}>"
    assert re.search(rf"{opened}{re.escape(letter) or '(<|$)'}", html, re.MULTILINE)
    assert outcome.value in html


def test_a_finding_has_its_words_number_scenario_and_program():
    found = result(
        measured=0.51234567, bound=1e-6, control=0.0, scenario={"shape": [6, 4]}, snippet="import x"
    )
    html = page.build_page(survey(subject("a", found)))
    for text in ("The distance is 0.5.", "measured 0.5123", "bound 1e-06", "shape = [6, 4]"):
        assert text in html
    assert programs_of(html) == ["import x"]
    assert 'data-program="0"' in html


def test_a_program_shared_by_findings_is_packed_once():
    rows = [subject(name, result(snippet="import shared_program")) for name in "abc"]
    html = page.build_page(survey(*rows))
    assert programs_of(html) == ["import shared_program"]
    assert html.count('data-program="0"') == 3


def test_without_the_script_the_page_says_how_to_get_a_program():
    row = subject("a", result(snippet="import x"), source="pkg.optim:A")
    html = page.build_page(survey(row))
    assert "<code>pkg.optim:A</code>" in html
    assert "lpfl check-optimizer ADDRESS --checks ID" in html


@pytest.mark.parametrize("field", ["message", "feature", "expected"])
def test_text_of_a_subject_is_escaped(field):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    html = page.build_page(survey(subject("a", result(**{field: evil}))))
    assert evil not in html
    assert "&lt;script&gt;alert(1)" in html


def test_names_and_reasons_are_escaped():
    evil = '"><b onmouseover=x>'
    rows = (subject(evil, result()), subject("b" + evil, status="crashed", reason=evil))
    html = page.build_page(survey(*rows))
    assert "<b onmouseover" not in html


def test_the_page_loads_nothing_and_runs_only_its_own_script():
    html = page.build_page(survey(subject("a", result())))
    assert not re.findall(r'(?:src|href)="(?!#)', html)
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', html).group(1))
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    assert html.count("<script>") == 1
    assert html.count("<script") == 2


def test_two_surveys_are_compared():
    before = survey(*(subject(name, result(outcome="conforms")) for name in "ab"))
    after = survey(*(subject(name, result(outcome="limit")) for name in "ab"))
    html = page.build_page(after, before)
    row = r"<th scope=\"row\">api.resume</th><td>conforms</td><td>limit</td><td>2: a, b</td>"
    assert re.search(row, html)
    assert '<td class="l w"' in html


def test_a_page_of_the_whole_catalogue_is_small():
    prelude = "import torch\n" * 40
    found = [
        result(check=check, outcome=o, snippet=f"{prelude}print({check!r}, {i})")
        for i, o in enumerate(["deviates", "limit", "numerics"])
        for check in CHECKS
    ]
    html = page.build_page(survey(*(subject(f"package.optim.Name{i}", *found) for i in range(440))))
    assert len(html.encode()) <= page.LARGEST


def test_what_was_not_judged_is_listed():
    html = page.build_page(survey(subject("gone", status="not installed", reason="no such thing")))
    assert "no such thing" in html
    assert "0 optimizers of 0 packages" in html
