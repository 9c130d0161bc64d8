"""A run that is killed loses nothing that it wrote, and ends as if it never had been killed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lpfl.cli import main
from lpfl.results.store import read_results

PROGRAM = Path(__file__).with_name("kill_and_resume.py")
CLAIMS = "LR-03,LR-04,LR-05,LR-06,LR-13,LR-14,LR-15,LR-18"
TIMES = ("seconds", "started")


def without_times(path: Path) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in TIMES} for line in lines]


@pytest.fixture(name="whole", scope="module")
def uninterrupted_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    assert main(["verify", "--claims", CLAIMS, "--out", str(out), "--jobs", "1"]) == 0
    return out / "results.jsonl"


def test_fifty_kills_at_random_moments(whole: Path, tmp_path: Path) -> None:
    """Every file is readable after every kill; every finished run equals the uninterrupted one."""
    command = [sys.executable, str(PROGRAM), str(tmp_path), CLAIMS, "50", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    finished = sorted(tmp_path.glob("*/results.jsonl"))
    assert len(finished) == int(done.stdout) + 1
    for path in finished:
        assert without_times(path) == without_times(whole)


def test_any_cut_of_the_file_is_resumed(whole: Path, tmp_path: Path) -> None:
    """A kill inside a write leaves part of a block of lines: the claim is evaluated again."""
    content = whole.read_bytes()
    for number, share in enumerate((0.03, 0.4, 0.83, 0.999)):
        path = tmp_path / str(number) / "results.jsonl"
        path.parent.mkdir()
        path.write_bytes(content[: int(share * len(content))])
        before = dict(read_results(path).claims)
        assert main(["verify", "--resume", "--out", str(path.parent), "--jobs", "1"]) == 0
        assert without_times(path) == without_times(whole)
        after = read_results(path).claims
        assert all(after[name] == claim for name, claim in before.items()), "evaluated twice"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--seed", "3"], "its seed is 0, this run has 3"),
        (["--profile", "ci"], "its profile is 'quick', this run has 'ci'"),
        (["--claims", "LR-03"], "its claims is"),
        (["--scenario", "{}"], "resume and scenario exclude each other"),
    ],
)
def test_another_run_is_not_resumed(
    more: list[str], words: str, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = whole.read_bytes()
    assert main(["verify", "--resume", "--out", str(whole.parent), *more]) == 2
    assert words in capsys.readouterr().err
    assert whole.read_bytes() == before


def test_nothing_to_resume_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--resume", "--out", str(tmp_path / "none")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "cannot be read" in line
