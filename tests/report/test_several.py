"""Pages about several runs, trends, the index, and charts as files."""

import csv
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from lpfl.cli import main
from lpfl.report import build_page
from lpfl.report.chart import Chart, chart_of_picture, file_name
from lpfl.report.compact import compact
from lpfl.report.export import PNG_WIDTH, export_charts, side_by_side
from lpfl.report.overview.compare import build_comparison
from lpfl.report.overview.index import build_index, way_to_index
from lpfl.report.page import claim_views
from lpfl.report.trend import Moment, sparkline, trend_chart, trends
from lpfl.results.store import Results, encode_record
from tests.report.samples import CATALOGUE, PICTURE, run
from tests.results.samples import claim_line, header, results

EMPTY = '<svg class="chart" viewBox="0 0 440 300"></svg>'
REPORTS = Path(__file__).parents[2] / "reports"
HOSTILE = "</td></table><script>alert(1)</script>'\"&"


def moments(*margins: float | None) -> list[Moment]:
    return [
        Moment(f"2026-01-0{i}", f"v{i // 2}", "quick", "confirmed" if m else "error", m)
        for i, m in enumerate(margins, 1)
    ]


def written(folder: Path, run: Results) -> Path:
    """Write a run as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.jsonl"
    lines = [run.header, *run.observations, *run.claims.values()]
    path.write_text("".join(encode_record(line) for line in lines), encoding="utf-8")
    return path


def test_runs_side_by_side_say_what_changed_first() -> None:
    same, worse = claim_line("LR-03"), claim_line("LR-08", margin=0.5, margin_std_error=0.01)
    better = claim_line("LR-08", margin=0.9, margin_std_error=0.01)
    html = build_comparison([("old", results(same, worse)), ("new", results(same, better))])
    assert "1 of 2 claims differs between 2 runs." in html
    assert html.index(">LR-08<") < html.index(">LR-03<")
    assert "+0.4, significant" in html
    unchanged = build_comparison([("a", results(same)), ("b", results(same))])
    assert "nothing changed beyond chance and rounding" in unchanged
    with pytest.raises(ValueError, match="needs at least 2"):
        build_comparison([("old", results(same))])


def test_names_of_runs_add_no_markup() -> None:
    line = claim_line("LR-03")
    html = build_comparison([(HOSTILE, results(line)), ("b", results(line))])
    assert "<script" not in html


def test_a_trend_is_a_line_in_the_table_and_a_chart_in_the_section() -> None:
    seen = moments(0.9, 0.8, 0.7, None)
    chart = trend_chart("LR-08", seen)
    ET.fromstring(str(chart.drawing))
    assert chart.rows[1] == ["2026-01-01", "v0", "quick", "confirmed", 0.9]
    assert "3 confirmed, 1 error" in chart.drawing
    assert sparkline(seen[:1]) == ""
    html = build_page(run(), CATALOGUE, trends={"LR-08": seen})
    assert html.count("class=spark") == 1
    assert "Margin over the runs" in html
    assert "Margin over the runs" not in build_page(run(), CATALOGUE)


def test_trends_are_of_one_profile() -> None:
    class Entry(Moment):
        claim = "LR-08"

    entries = [Entry("2026", "v", profile, "confirmed", 0.5) for profile in ("quick", "ci")]
    assert [m.profile for m in trends(entries, "quick")["LR-08"]] == ["quick"]


def test_every_chart_is_a_readable_svg_and_its_numbers_a_table(tmp_path: Path) -> None:
    charts = [chart for view in claim_views(run(), CATALOGUE) for chart in view.charts]
    assert charts
    files = export_charts([*charts, charts[0]], tmp_path / "new")
    assert len(files) == 2 * (len(charts) + 1) == len(set(files))
    for path in files:
        if path.suffix == ".svg":
            root = ET.parse(path).getroot()
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            assert "var(" not in path.read_text(encoding="utf-8")
        else:
            rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
            assert len(rows) > 1
            assert len({len(row) for row in rows}) == 1


def test_a_text_that_a_spreadsheet_would_run_is_quoted() -> None:
    chart = Chart(name="c", drawing=chart_of_picture(PICTURE, "p").drawing, rows=[["=1+1"], [-2.0]])
    assert chart.as_csv() == "'=1+1\n-2.0\n"
    assert file_name("LR-08", "../../etc/x y") == "LR-08-etc-x-y"


def test_pictures_stand_side_by_side_with_titles_and_names_at_the_lines() -> None:
    chart = chart_of_picture(PICTURE | {"direct": True}, "p")
    assert "legend direct s" in chart.drawing
    root = ET.fromstring(side_by_side([chart, chart]))
    titles = [e.text for e in root if e.get("class") == "title"]
    assert titles == [PICTURE["title"]] * 2


def test_a_png_shows_the_chart(tmp_path: Path) -> None:
    pytest.importorskip("cairosvg", exc_type=ImportError)
    chart = chart_of_picture(PICTURE, "p")
    empty = Chart(name="empty", drawing=Markup(EMPTY), title=chart.title)
    drawn, blank = (
        next(f for f in export_charts([one], tmp_path, png=True) if f.suffix == ".png").read_bytes()
        for one in (chart, empty)
    )
    assert int.from_bytes(drawn[16:20], "big") == PNG_WIDTH
    assert len(drawn) > 2 * len(blank)


def test_a_png_is_whole_or_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    replace = Path.replace

    def stopped(self: Path, target: Path) -> None:
        if target.suffix == ".png":
            raise OSError(28, "No space left on device")
        replace(self, target)

    monkeypatch.setattr("lpfl.report.export.converter", lambda: lambda svg: b"\x89PNG whole")
    one = chart_of_picture(PICTURE, "p")
    (png,) = (f for f in export_charts([one], tmp_path, png=True) if f.suffix == ".png")
    assert png.read_bytes() == b"\x89PNG whole"
    monkeypatch.setattr("lpfl.report.export.converter", lambda: lambda svg: b"\x89PNG other")
    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(ValueError, match="No space left"):
        export_charts([one], tmp_path, png=True)
    assert png.read_bytes() == b"\x89PNG whole"


def test_charts_are_drawn_by_converters_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[bytes] = []

    def svg2png(*, bytestring: bytes, output_width: int) -> bytes:
        seen.append(bytestring)
        return b"PNG"

    monkeypatch.setitem(sys.modules, "cairosvg", SimpleNamespace(svg2png=svg2png))
    a = written(tmp_path / "a", results(claim_line("LR-03")))
    command = ["report", str(REPORTS / "experiments" / "headline.json"), "--png", "--data"]
    assert main([*command, str(tmp_path / "charts")]) == 0
    assert {path.read_bytes() for path in (tmp_path / "charts").glob("*.png")} == {b"PNG"}
    for svg in seen:  # what cairosvg draws wrongly: nested drawings, sizes in the style, #rrggbbaa
        text = svg.decode()
        assert text.count("<svg") == 1
        assert "width: 100%" not in text
        assert not re.search(r"#[0-9a-f]{8}\b", text)
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    capsys.readouterr()
    assert main(["report", str(a), "--png", "--data", str(tmp_path / "none")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "pip install 'lpfl[png]'" in line
    assert not (tmp_path / "none").exists()


def test_the_index_knows_runs_experiments_and_pages(tmp_path: Path) -> None:
    kept = written(tmp_path / "runs" / "one", results(claim_line("LR-03")))
    (kept.parent / "index.html").write_text("page")
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "index.html").write_text("page")
    html = build_index(tmp_path)
    assert 'href="runs/one/index.html"' in html
    assert 'href="reference/index.html"' in html
    assert "1 confirmed" in html
    assert way_to_index(kept.parent / "index.html") == []
    (tmp_path / "index.html").write_text(html)
    assert way_to_index(kept.parent / "index.html") == [("All pages", "../../index.html")]
    with pytest.raises(ValueError, match="is no folder"):
        build_index(tmp_path / "gone")


def test_the_index_knows_sweeps_and_how_the_checks_were_tested(tmp_path: Path) -> None:
    (tmp_path / "sweeps" / "one").mkdir(parents=True)
    (tmp_path / "sweeps" / "one" / "index.html").write_text("<title>A &amp; B</title>")
    (tmp_path / "gate").mkdir()
    (tmp_path / "gate" / "gate_errors.json").write_text("{}")
    html = build_index(tmp_path, trust=[("Known mistakes planted", "5 of 5")])
    assert '<a href="sweeps/one/index.html">A &amp; B</a>' in html
    assert 'href="gate/gate_errors.json"' in html
    assert "<dd>5 of 5" in html


COMMITTED = sorted(
    page
    for folder in ("experiments", "optimizers", "reference", "sweeps")
    for page in (REPORTS / folder).rglob("*.html")
    if "earlier" not in page.parts
)


@pytest.mark.parametrize("page", COMMITTED, ids=lambda page: str(page.relative_to(REPORTS)))
def test_every_committed_page_is_reached_and_finds_the_way_back(page: Path) -> None:
    index = REPORTS / "index.html"
    address = page.relative_to(REPORTS).as_posix()
    assert re.search(f'href="?{re.escape(address)}"?[ >]', index.read_text(encoding="utf-8"))
    back = Path(os.path.relpath(index, page.parent)).as_posix()
    assert re.search(f'href="?{re.escape(back)}"?[ >]', page.read_text(encoding="utf-8"))


def test_the_commands_write_page_index_and_charts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = written(tmp_path / "runs" / "a", results(claim_line("LR-03")))
    b = written(tmp_path / "runs" / "b", results(claim_line("LR-03", margin=0.1)))
    page = tmp_path / "both.html"
    assert main(["compare", str(a), str(b), "--html", str(page)]) == 0
    assert "Runs side by side" in page.read_text(encoding="utf-8")
    assert main(["report", "--index", str(tmp_path)]) == 0
    assert (tmp_path / "index.html").is_file()
    assert main(["report", str(a), "--data", str(tmp_path / "charts")]) == 0
    for wrong in (["report"], ["report", str(a), "--png"], ["report", str(a), "--picture", "x.svg"],
                  ["compare", str(a), str(b), str(a)]):  # fmt: skip
        assert main(wrong) == 2
        assert "needs" in capsys.readouterr().err


def test_compacting_keeps_style_script_and_meaning() -> None:
    kept = '<style>a  {}</style><script>if (a < b) "c=\\"d\\"";</script>'
    html = '<ul>\n  <li class="a">x = "y"</li>\n</ul>' + kept
    small = compact(html.replace('x = "y"', "x = &#34;y&#34;"))
    assert small == f'<ul><li class=a>x = "y"</ul>{kept}'


def test_an_empty_run_has_a_page() -> None:
    assert "No claim has been run." in build_page(Results(header([]), [], {}, True, []), {})


def test_a_run_shows_itself_in_a_notebook() -> None:
    shown = Results(header(["LR-03"]), [], {"LR-03": claim_line("LR-03")}, False, [HOSTILE])
    html = shown._repr_html_()
    assert "<td>LR-03</td><td>confirmed</td>" in html
    assert "<script" not in html
