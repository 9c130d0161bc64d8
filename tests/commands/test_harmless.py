"""Text from files and names gives no order to a terminal or to the log of a CI system."""

import csv
import io
import json

import pytest

from lpfl.cli import main
from lpfl.harmless import flat, harmless, harmless_cell, harmless_json, harmless_lines, visible

ORDERS = [
    "::error::forged",
    "  ::add-mask::confirmed",
    "\t::stop-commands::x",
    "a\n::set-output name=x::1",
    "a\r::debug::x",
    "a\u2028::warning::x",
    "x ##[add-mask]confirmed",
    "##[error]x",
    "##vso[task.complete result=Succeeded]",
    "##teamcity[buildStatus status='SUCCESS']",
    "####[group]x",
    "\x1b]8;;http://x\x07link",
    "\x9b31m",
    "a\u202etxt.exe",
    "section_start:1:x\r\x1b[0K",
]


def obeyed(text: str) -> bool:
    """Say whether a CI system or a terminal would take an order from the text."""
    begins = any(line.lstrip().startswith("::") for line in io.StringIO(text))
    marks = any(f"##{word}[" in text for word in ("", "vso", "teamcity"))
    return begins or marks or not set(text).isdisjoint("\x1b\x9b\r\x07\u202e\u2028")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("tamed", [flat, harmless, harmless_lines])
def test_no_order_survives(order, tamed):
    assert obeyed(order)
    for text in (order, f"before {order} after", f"{order}\n{order}"):
        said = tamed(text)
        assert not obeyed(said)
        assert tamed is harmless_lines or "\n" not in said


def test_plain_text_and_lines_stay():
    text = "κ = 10 :: ok\n# a comment [1]\n    indented: x\n"
    assert harmless_lines(text) == text


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", "  =", "\uff1d", "\u2003@"]
)
def test_no_cell_is_a_formula(start):
    assert harmless_cell(f"{start}cmd|'/c calc'!A1").startswith("'")
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow([harmless_cell(f"a{start}1"), "b"])
    (cells,) = csv.reader(io.StringIO(row.getvalue(), newline=""))
    assert cells == [f"a{start}1".replace("\r", "\ufffd"), "b"]


def test_what_nobody_sees_is_shown():
    assert visible("a\x00\x1b\u202e\ud800\uffffb") == "a" + 5 * "\ufffd" + "b"
    assert visible("κ\t\r\n]]>&<\u2028") == "κ\t\r\n]]>&<\u2028"


@pytest.mark.parametrize("order", ["##[error]x", "a\n##vso[x]", "###[x"])
def test_json_stays_the_same_without_orders(order):
    written = harmless_json(json.dumps([order]))
    assert json.loads(written) == [order]
    assert "##" not in written


def test_the_name_of_a_file_gives_no_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = "a\n::error::forged ##[add-mask]x"
    (tmp_path / name).write_text("x")
    assert main(["gate", name]) == 2
    assert main(["report", "--index", name]) == 2
    (tmp_path / "d\n::error::x").mkdir()
    assert main(["report", "--index", "d\n::error::x"]) == 0
    said = capsys.readouterr()
    assert not obeyed(said.out + said.err)
