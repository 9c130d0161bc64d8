"""The frame of the experiments: options, interrupts, JSON, page and command."""

import json
import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import lpfl.experiments
from lpfl.cli import main
from lpfl.experiments.core.experiment import (
    Experiment,
    Options,
    Part,
    Say,
    Section,
    Table,
    duration,
)
from lpfl.experiments.core.files import as_text
from lpfl.experiments.core.page import build_page
from lpfl.experiments.core.progress import told
from lpfl.experiments.core.reading import result_from_json
from tests.report.samples import PICTURE

NASTY = "</p><script>alert(1)</script>\u202e&"


RUNS: list[str] = []


def parts(options: Options, say: Say) -> list[Part]:
    def one() -> list[Section]:
        RUNS.append("one")
        say("half way")
        rows = (("KFAC", 12), ("SGD", None), (NASTY, 1.23456))
        table = Table(("method", "steps"), rows, title="T")
        picture = PICTURE | {"wide": True}
        return [Section("One", f"A finding {NASTY}", (NASTY,), (picture,), (table,))]

    def two() -> list[Section]:
        RUNS.append("two")
        if options.seed == 13 and RUNS.count("two") == 1:
            raise KeyboardInterrupt
        return [Section("Two")]

    return [Part("first", one), Part("second", two, 3.0)]


TOY = Experiment("toy", f"A toy {NASTY}", "It shows the frame.", lambda o: [("x", NASTY)], parts)


@pytest.fixture(autouse=True)
def fresh() -> None:
    RUNS.clear()


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Experiment]:
    monkeypatch.setattr(lpfl.experiments, "EXPERIMENTS", {"toy": TOY})
    return {"toy": TOY}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": "huge"}, "scale='huge', needs one of"),
        ({"seeds": 1}, "seeds=1, needs >= 2"),
        ({"seed": -1}, "seed=-1, needs an integer >= 0"),
        ({"device": "tpu"}, "device='tpu', needs cpu or cuda"),
    ],
)
def test_bad_options_are_refused(change: dict[str, int | str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Options(**change)  # type: ignore[arg-type]


def test_an_interrupt_keeps_the_finished_sections() -> None:
    assert [s.title for s in TOY.run(Options()).sections] == ["One", "Two"]
    RUNS.clear()
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
    assert sorted(path.name for path in folder.iterdir()) == ["toy.csv", "toy.html", "toy.json"]
    assert "part 2 of 2, second; about" in err
    assert json.loads(out) == json.loads((folder / "toy.json").read_text())
    assert "half way" in err


def test_an_interrupted_command_says_so(
    toys: Mapping[str, Experiment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment", "toy", "--seed", "13", "--out", str(tmp_path)]) == 130
    assert "1 finished sections kept" in capsys.readouterr().err
    assert "Incomplete" in (tmp_path / "toy.html").read_text()


def test_an_unfinished_run_is_gone_on_with(
    toys: Mapping[str, Experiment], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["experiment", "toy", "--seed", "13", "--out", str(tmp_path)]
    assert main(command) == 130
    assert main(command) == 2
    assert "--resume goes on with it" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert RUNS == ["one", "two", "two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy.csv", "toy.html", "toy.json"]
    resumed = result_from_json(json.loads((tmp_path / "toy.json").read_text()))
    whole = TOY.run(Options(seed=13), versions=resumed.versions)
    assert resumed.complete
    of_file, of_run = (json.loads(as_text(result))["sections"] for result in (resumed, whole))
    assert of_file == of_run
    assert main([*command, "--resume"]) == 2
    assert "nothing to resume" in capsys.readouterr().err


def test_a_line_that_was_cut_off_is_run_again(
    toys: Mapping[str, Experiment], tmp_path: Path
) -> None:
    command = ["experiment", "toy", "--seed", "13", "--out", str(tmp_path)]
    main(command)
    journal = tmp_path / "toy.parts.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    assert main([*command, "--resume"]) == 0
    assert RUNS == ["one", "two", "one", "two"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"seed":13', '"seed":14'), "was begun with options"),
        (lambda text: text.replace('"torch"', '"tor"'), "was begun with versions"),
        (lambda text: "[1]\n", "is no journal"),
        (lambda text: text.replace('"sections"', '"x"'), "is no journal"),
        (lambda text: "{", "holds no finished line"),
    ],
)
def test_a_journal_of_another_run_is_refused(
    toys: Mapping[str, Experiment],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[str], str],
    message: str,
) -> None:
    command = ["experiment", "toy", "--seed", "13", "--out", str(tmp_path)]
    main(command)
    journal = tmp_path / "toy.parts.jsonl"
    journal.write_text(change(journal.read_text()))
    assert main([*command, "--resume"]) == 2
    assert message in capsys.readouterr().err
    assert journal.exists()


def test_an_earlier_result_moves_aside(toys: Mapping[str, Experiment], tmp_path: Path) -> None:
    command = ["experiment", "toy", "--out", str(tmp_path)]
    assert main(command) == 0
    before = (tmp_path / "toy.json").read_text()
    assert main(command) == 0
    (aside,) = (tmp_path / "earlier").iterdir()
    assert (aside / "toy.json").read_text() == before
    assert sorted(path.name for path in aside.iterdir()) == ["toy.csv", "toy.html", "toy.json"]


def test_a_long_part_says_how_far_it_is() -> None:
    lines: list[str] = []
    draw = told(lambda step: step, num_steps=4, say=lines.append, subject="race", every=0.0)
    assert [draw(step) for step in range(4)] == [0, 1, 2, 3]
    assert lines[0].startswith("race: step 1 of 4, about ")
    assert [duration(s) for s in (40, 720, 9000)] == ["40 s", "12 min", "2.5 h"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fig9"], "experiment='fig9', needs one of"),
        (["toy", "--scale", "big"], "scale='big'"),
        (["toy", "--device", "cuda:99"], "device='cuda:99', needs a"),
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
