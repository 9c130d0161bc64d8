"""Odd uses of every command, as a table: one clear line, exit code 2, and nothing is started."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lpfl.cli import main
from lpfl.results.writer import ResultsWriter
from tests.results.samples import claim_line, header, observation

FILES = {
    "empty": b"",
    "binary": b"\xff\xfe\x00\x01" * 50,
    "deep.json": b"[" * 50_000,
    "nested.json": b'{"a":' * 50_000,
    "nan.json": b"NaN",
    "text": b"x",
    "new\nline": b"x",
    "escape\x1b[31m": b"x",
}
NO_FILES = ["none", "folder", "", "text/inside", "none/inside", "nul\x00byte", "a" * 5000]
BAD_FILES = [*FILES, *NO_FILES]
READERS = [
    ["gate", "{}"],
    ["report", "{}"],
    ["baseline", "{}"],
    ["compare", "{}", "r.jsonl"],
    ["compare", "r.jsonl", "{}"],
    ["explain", "{}"],
    ["verify", "--resume", "--out", "{}"],
]
UNWRITABLE = ["text/inside", "nul\x00byte", "a" * 5000, "", "r.jsonl/inside"]
WRITERS = [
    ["report", "r.jsonl", "--out", "{}"],
    ["baseline", "r.jsonl", "--out", "{}"],
    ["gate", "r.jsonl", "--baseline", "b.json", "--junit", "{}"],
    ["gate", "r.jsonl", "--baseline", "b.json", "--summary", "{}"],
    ["verify", "--claims", "LR-06", "--out", "{}"],
    ["calibrate", "--claims", "LR-06", "--out", "{}"],
    ["faults", "--claims", "LR-06", "--out", "{}"],
    ["explain", "--dim", "4", "--samples", "99", "--picture", "{}"],
    ["check-optimizer", "torch.optim:SGD", "--json", "{}"],
    ["check-optimizer", "torch.optim:SGD", "--junit", "{}"],
]
NUMBERS = ["nan", "inf", "-inf", "-1", "1.5", "abc", "", "1e999", "True", "0x10"]
COUNTS = [
    ["verify", "--jobs={}"],
    ["verify", "--seed={}"],
    ["calibrate", "--runs={}"],
    ["calibrate", "--scenarios={}"],
    ["calibrate", "--jobs={}"],
    ["faults", "--jobs={}"],
    ["faults", "--scenarios={}"],
    ["experiment", "nothing", "--seeds={}"],
    ["explain", "--samples", "99", "--dim={}"],
    ["explain", "--dim", "4", "--samples={}"],
    ["survey", "--subjects", "zz", "--jobs={}"],
    ["check-optimizer", "torch.optim:SGD", "--checks", "zz", "--seed={}"],
]
WORDS = ["", "[", "*[", "lr 08", "XX-1\nx", "\x1b[31m", "..", "None", "%s", "{0}", "\x00"]
NAMES = [
    ["claims", "zz{}"],
    ["verify", "--claims", "zz{}"],
    ["verify", "--profile", "{}"],
    ["verify", "--device", "{}"],
    ["verify", "--dtype", "{}"],
    ["verify", "--claims", "LR-06", "--scenario", "{}"],
    ["gate", "r.jsonl", "--baseline", "b.json", "--claims", "zz{}"],
    ["calibrate", "--claims", "zz{}"],
    ["faults", "--claims", "zz{}"],
    ["experiment", "{}"],
    ["check-optimizer", "{}"],
    ["check-optimizer", "torch.optim:{}"],
    ["check-optimizer", "torch.optim:SGD", "--device", "{}"],
    ["check-optimizer", "torch.optim:SGD", "--claim", "{}"],
    ["check-optimizer", "torch.optim:SGD", "--option", "{}"],
    ["check-optimizer", "torch.optim:SGD", "--checks", "zz{}"],
    ["survey", "--subjects", "zz{}"],
]
LARGE = [["explain", "--dim", "4", "--samples", "99", "--damping", x] for x in ("1e23", "1e308")]


EMPTY = [
    ["report", "r.jsonl", "--data", ""],
    ["report", "r.jsonl", "--runs", ""],
    ["report", "--index", " "],
    ["history", "--runs", ""],
    ["claims", " , "],
    ["check-optimizer", "torch.optim:SGD", "--quick", "--seed=-1"],
    ["check-optimizer", "torch.optim:SGD", "--quick", f"--seed={2**63}"],
    ["report", "r.jsonl", "--repository", "javascript:alert(1)"],
]


def table() -> Iterator[list[str]]:
    for values, commands in (
        (BAD_FILES, READERS),
        (UNWRITABLE, WRITERS),
        (NUMBERS, COUNTS),
        (WORDS, NAMES),
    ):
        for command in commands:
            for value in values:
                yield [word.replace("{}", value) for word in command]
    yield from (*LARGE, *EMPTY)


@pytest.fixture(autouse=True)
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with ResultsWriter(tmp_path / "r.jsonl", header(["LR-08"])) as writer:
        writer.write(observation(), claim_line())
    assert main(["baseline", "r.jsonl", "--out", "b.json"]) == 0
    Path("folder").mkdir()
    for name, content in FILES.items():
        Path(name).write_bytes(content)


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return exit code and stderr; argparse ends the process itself."""
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, capsys.readouterr().err


def test_every_odd_use_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(os.listdir())  # noqa: PTH208
    capsys.readouterr()
    wrong = []
    for words in table():
        code, said = answer(words, capsys)
        errors = [line for line in said.splitlines() if "error: " in line]
        alone = said.startswith("usage: ") or len(said.splitlines()) == 1
        if code != 2 or len(errors) != 1 or not alone or "\x1b" in said:
            wrong.append((code, [word[:40] for word in words], said[-300:]))
    assert wrong == []
    assert [name for name in sorted(os.listdir()) if name not in before] in ([], ["reports"])  # noqa: PTH208


def test_the_table_names_every_command() -> None:
    from lpfl.cli import build_parser

    actions = build_parser()._actions
    (commands,) = [one for one in actions if isinstance(one, argparse._SubParsersAction)]
    shown_elsewhere = {"doctor", "sweep", "mutants"}
    assert set(commands.choices) - shown_elsewhere == {words[0] for words in table()}
