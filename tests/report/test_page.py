"""The page: self-contained, escaped, complete, small; one section a claim."""

import base64
import hashlib
import itertools
import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lpfl.report import build_page, write_page
from lpfl.results.reproduce import reproduce_command
from lpfl.results.store import Results, encode_record
from tests.report.samples import CATALOGUE, PICTURE, run
from tests.results.samples import claim_line, header, observation, results
from theory.claims import CLAIMS
from theory.core.notation import NOTATION

HOSTILE = "</script></style><img src=x onerror=alert(1)>'\"&{{ 7*7 }}<!--\x00\u202e"
VOID = {"meta", "input", "br", "wbr"}
OPTIONAL_END = {
    "td": {"td", "th", "tr", "tbody"}, "th": {"td", "th", "tr", "tbody"}, "tr": {"tr", "tbody"},
    "thead": {"tbody"}, "tbody": {"tbody"}, "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"},
    "option": {"option"},
}  # fmt: skip


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed in order.

    An end tag may lack where HTML lets it: before what cannot be inside, at the parent's end.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        while self._open and tag in OPTIONAL_END.get(self._open[-1], ()):
            self._open.pop()
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self._open[-1] != tag and self._open[-1] in OPTIONAL_END:
            self._open.pop()
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [a[attribute] or "" for _, a in self.tags if attribute in a]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def html() -> str:
    return build_page(run(), CATALOGUE, notation=NOTATION)


def test_the_page_refers_to_nothing_outside(html: str) -> None:
    page = Page(html)
    assert all(link.startswith("#") for link in page.values("href"))
    assert page.values("src") == []
    assert page.values("style") == []
    assert not {"link", "img", "iframe", "object", "form"} & {t for t, _ in page.tags}
    assert not [name for _, a in page.tags for name in a if name.startswith("on")]
    outside = set(re.findall(r"https?://[^\"'\s<)]+", html))
    assert outside == set()
    assert "url(" not in html
    assert "@import" not in html


def test_the_policy_allows_the_one_style_block_the_one_script_and_nothing_else(html: str) -> None:
    digests = {}
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digests[tag] = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = next(
        a["content"] for t, a in Page(html).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; base-uri 'none'; "
        f"form-action 'none'; script-src 'sha256-{digests['script']}'"
    )
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_without_the_script_nothing_is_hidden_but_its_own_tools(html: str) -> None:
    hidden = [(t, a.get("class")) for t, a in Page(html).tags if "hidden" in a]
    assert hidden == [("div", "tools"), ("p", "keys")]


def test_few_things_are_tab_stops(html: str) -> None:
    outside = re.sub("<article.*?</article>", "", html, flags=re.DOTALL)
    stops = [a for t, a in Page(outside).tags if t in ("a", "summary") or "tabindex" in a]
    reached = [a for a in stops if a.get("tabindex") != "-1"]
    assert len(reached) <= 20  # skip link, contents, table and its rows
    sections = re.findall("<article.*?</article>", html, flags=re.DOTALL)
    inside = [a for s in sections for t, a in Page(s).tags if t == "a"]
    assert inside and not any("tabindex" in a for a in inside)  # noqa: PT018


def test_every_link_has_its_target_and_ids_are_unique(html: str) -> None:
    page = Page(html)
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    links = {link[1:] for link in page.values("href")}
    assert links <= set(ids)
    labels = {label for value in page.values("aria-labelledby") for label in value.split()}
    assert labels <= set(ids)


def test_headings_descend_by_one(html: str) -> None:
    levels = [int(t[1]) for t, _ in Page(html[html.index("<main") : html.index("</main>") + 7]).tags
              if re.fullmatch("h[1-6]", t)]  # fmt: skip
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_every_drawing_has_words_or_is_hidden(html: str) -> None:
    for tag, attributes in Page(html).tags:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")
        if tag == "th":
            assert attributes.get("scope") in ("col", "row", "rowgroup")


def test_counts_conclusion_and_environment_are_said(html: str) -> None:
    words = Page(html).words
    assert "1 of 3 claims confirmed; 1 refuted, 1 inconclusive." in words
    assert "1 confirmed 1 refuted 1 inconclusive 1 not run" in words
    assert "at most 10⁻⁴ , shared" in words
    for fact in ("seed 0", "torch 2.6.0", "device cpu (a laptop)", "profile quick"):
        assert fact in words
    assert "Incomplete" not in words


def test_a_claim_without_evidence_is_a_row_not_an_absence(html: str) -> None:
    assert "<tr class=row-not-run><th scope=row>SI-02<td>" in html
    assert "id=SI-02" not in html
    assert "A claim that nobody has run" in html
    assert "1 claim was not selected: a row in the overview, and no section." in Page(html).words


def test_a_section_states_its_claim_and_its_evidence(html: str) -> None:
    start = html.index("<article class=claim id=LR-08")
    section = Page(html[start : html.index("</article>", start) + 10]).words
    for said in (
        "refuted",
        "+ beyond the paper",
        "Inside the cone the largest angle shrinks at the stated rate.",
        "the step size is at most one",
        "Source derived",
        "statistic 1.2",
        "margin −0.2",
        '"family":"geometric"',
        "predicted 0.8",
        "measured 0.96",
        "59 confirmed",
        "1 refuted",
        "60 observations",
    ):
        assert said in section


def test_letters_are_explained_only_with_the_notation_table() -> None:
    assert "step size (learning rate)" in build_page(run(2), CATALOGUE, notation=NOTATION)
    assert "step size (learning rate)" not in build_page(run(2), CATALOGUE)


def test_an_incomplete_run_says_so() -> None:
    part = run(2)
    part.header["claims"].append("SI-02")  # type: ignore[attr-defined]
    part = Results(part.header, part.observations, part.claims, False, ["incomplete: 3 of 4"])
    words = Page(build_page(part, CATALOGUE)).words
    assert "Incomplete: 3 of 4 claims" in words
    assert "Selected, but the run ended before this claim did." in words


def test_a_claim_outside_the_catalogue_is_shown() -> None:
    words = Page(build_page(results(claim_line("SI-99")), CATALOGUE)).words
    assert "SI-99 Not in this version's catalogue" in words


def test_an_error_is_counted_apart() -> None:
    line = claim_line("LR-08", verdict="error", statistic=None, margin=None, margin_std_error=None)
    words = Page(build_page(results(line, claim_line("LR-03")), CATALOGUE)).words
    assert "1 of 2 claims confirmed; 1 ended in an error." in words
    assert "1 error" in words


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([], "No claim has been run."),
        (["confirmed"], "The one claim that was run is confirmed."),
        (["confirmed", "confirmed"], "All 2 claims that were run are confirmed."),
        (["refuted"], "0 of 1 claims confirmed; 1 refuted."),
    ],
)
def test_the_conclusion(verdicts: list[str], said: str) -> None:
    lines = [claim_line(f"LR-0{i}", verdict=v) for i, v in enumerate(verdicts)]
    assert said in Page(build_page(results(*lines), {})).words


def hostile_run(text: str) -> Results:
    picture = PICTURE | {"title": text, "x_label": text, "y_label": text, "note": text}
    series = [{"name": text, "style": "line", "x": [1, 2], "y": [1, 2]}]
    scenario = {text: text, "nested": {text: [text]}}
    record = observation(
        detail=text, part=text, scenario=scenario, picture=picture | {"series": series}
    ) | {"table": {"title": text, "header": [text, text], "rows": [[text, text]], "note": text}}
    worst = {"scenario": scenario, "part": text, "detail": text, "predicted": 1, "measured": 2}
    head = header(["LR-08"], profile=text, device=text, device_name=text, dtype=text)
    head |= {"versions": {text: text}, "lpfl_version": text, "started": text}
    for line in (head, record):
        encode_record(line)  # all of it may stand in a file
    return Results(head, [record], {"LR-08": claim_line(worst=worst)}, False, [text])


@given(text=st.text(st.characters(exclude_categories=("Cs",)), min_size=1) | st.just(HOSTILE))
@example(text="a_b, x^2 and x⋆")
def test_text_of_the_results_adds_no_markup(text: str) -> None:
    plain, hostile = (Page(build_page(hostile_run(t), CATALOGUE)) for t in ("plain", text))
    assert [t for t, _ in hostile.tags] == [t for t, _ in plain.tags]
    assert [set(a) for _, a in hostile.tags] == [set(a) for _, a in plain.tags]


def test_hostile_text_is_shown_as_text() -> None:
    html = build_page(hostile_run(HOSTILE), CATALOGUE)
    assert "<img" not in html
    assert "49" not in Page(html).words
    assert "onerror=alert(1)>'\"&{{ 7*7 }}<!--\ufffd\ufffd" in Page(html).words
    assert not set("\x00\u202e") & set(html)


SCENARIOS = st.dictionaries(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    st.text(st.characters(exclude_categories=("Cs",))) | st.integers() | st.floats(-1e9, 1e9),
    max_size=4,
)


@given(scenario=SCENARIOS, seed=st.integers(-5, 10**12))
def test_the_command_survives_the_shell(scenario: dict[str, Any], seed: int) -> None:
    words = shlex.split(reproduce_command("LR-08", scenario, header([], seed=seed)))
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert words[:2] == ["lpfl", "verify"]
    assert json.loads(options["--scenario"]) == scenario
    assert (options["--claims"], options["--seed"]) == ("LR-08", str(seed))


def test_fifty_claims_with_many_observations_stay_below_ten_kilobytes_each() -> None:
    ids = [f"LR-{i:02d}" for i in range(50)]
    observations = [
        observation(name, kind="limit", statistic=(i % 97) / 50, measured=1 + i / 500)
        for name in ids
        for i in range(200)
    ]
    lines = {name: claim_line(name, kind="limit") for name in ids}
    html = build_page(
        Results(header(ids), observations, lines, True, []), CLAIMS, notation=NOTATION
    )
    assert len(html.encode()) < 50 * 10_000 + 60_000


def test_the_page_is_written_whole_or_not_at_all(tmp_path: Path, html: str) -> None:
    path = tmp_path / "page.html"
    write_page(path, html)
    assert path.read_text(encoding="utf-8") == html
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(ValueError, match="cannot be written"):
        write_page(tmp_path / "gone" / "page.html", html)
