"""The frame of the experiments: options, interrupts, JSON, page and command."""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import lpfl.experiments
from lpfl.cli import main
from lpfl.experiments.core.experiment import (
    Experiment,
    Options,
    Say,
    Section,
    Table,
    result_from_json,
)
from lpfl.experiments.core.page import build_page
from tests.report_samples import PICTURE

NASTY = "</p><script>alert(1)</script>\u202e&"


def sections(options: Options, say: Say) -> Iterator[Section]:
    say("half way")
    table = Table(("method", "steps"), (("KFAC", 12), ("SGD", None), (NASTY, 1.23456)), title="T")
    yield Section("One", f"A finding {NASTY}", (NASTY,), (PICTURE | {"wide": True},), (table,))
    if options.seed == 13:
        raise KeyboardInterrupt
    yield Section("Two")


TOY = Experiment("toy", f"A toy {NASTY}", "It shows the frame.", lambda o: [("x", NASTY)], sections)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Experiment]:
    monkeypatch.setattr(lpfl.experiments, "EXPERIMENTS", {"toy": TOY})
    return {"toy": TOY}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": "huge"}, "scale='huge', needs one of"),
        ({"seeds": 1}, "seeds=1, needs >= 2"),
        ({"seed": -1}, "seed=-1, needs >= 0"),
        ({"device": "tpu"}, "device='tpu', needs one of"),
    ],
)
def test_bad_options_are_refused(change: dict[str, int | str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(**change)  # type: ignore[arg-type]


def test_an_interrupt_keeps_the_finished_sections() -> None:
    assert [s.title for s in TOY.run(Options()).sections] == ["One", "Two"]
    broken = TOY.run(Options(seed=13))
    assert [s.title for s in broken.sections] == ["One"]
    assert not broken.complete
    assert "Incomplete" in build_page(broken)


def test_the_result_survives_json() -> None:
    result = TOY.run(Options(seeds=3), versions={"lpfl": "1"})
    text = json.dumps(result.as_json(), allow_nan=False)
    back = result_from_json(json.loads(text))
    assert json.dumps(back.as_json()) == text
    assert build_page(back) == build_page(result)


@pytest.mark.parametrize("change", [{"sections": [{"title": 1, "colour": 2}]}, {"extra": 1}])
def test_json_of_another_shape_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        result_from_json(TOY.run(Options()).as_json() | change)


def test_the_page_runs_nothing_loads_nothing_and_escapes_text() -> None:
    page = build_page(TOY.run(Options()))
    assert "<script" not in page
    assert "\u202e" not in page
    assert not re.search(r"\sstyle=|\son\w+=|(?:src|href)=\"(?!#)", page)
    assert "default-src 'none'; style-src 'sha256-" in unescape(page)
    assert page.count("<svg") == 1
    assert '<td class="number">1.23</td>' in page
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(drawing)


def test_the_command_writes_data_and_page(
    toys: Mapping[str, Experiment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment", "toy", "--out", str(tmp_path / "new" / "folder"), "--json"]) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == ["toy.html", "toy.json"]
    assert json.loads(out) == json.loads((folder / "toy.json").read_text())
    assert "half way" in err


def test_an_interrupted_command_says_so(
    toys: Mapping[str, Experiment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment", "toy", "--seed", "13", "--out", str(tmp_path)]) == 130
    assert "1 finished sections kept" in capsys.readouterr().err
    assert "Incomplete" in (tmp_path / "toy.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fig9"], "experiment='fig9', needs one of"),
        (["toy", "--scale", "big"], "scale='big'"),
        (["toy", "--device", "cuda:99"], "device='cuda:99' cannot be used here"),
        (["toy", "--out", "/dev/null/x"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    toys: Mapping[str, Experiment],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert main(["experiment", *arguments]) == 2
    assert message in capsys.readouterr().err
