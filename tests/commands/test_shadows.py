"""A file of the project that takes the name of a package that lpfl needs: one line names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lpfl.shadows import shadows

ROOT = Path(__file__).resolve().parents[2]
EXIT_CODES = {"pytest": 4, "doctor": 1}
EMPTY = "x = 1\n"
SHADOWS = [
    ("torch.py", EMPTY, ["lpfl", "claims", "LR-06"]),
    ("torch.py", EMPTY, ["lpfl", "check-optimizer", "torch.optim:SGD"]),
    ("torch.py", EMPTY, ["pytest", "-p", "no:cacheprovider", "--lpfl-claims=LR-06"]),
    ("numpy/__init__.py", EMPTY, ["lpfl", "verify", "--claims", "LR-06"]),
    ("sympy.py", "import math\n", ["lpfl", "claims", "damping"]),
    ("fractions.py", "raise NameError('not defined')\n", ["lpfl", "claims", "LR-06"]),
    ("jinja2.py", EMPTY, ["lpfl", "doctor"]),
]


def run_in(folder: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    path = f"{folder}{os.pathsep}{ROOT}"
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("file", "text", "words"), SHADOWS)
def test_the_file_is_named(file: str, text: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    run = run_in(tmp_path, words)
    assert run.returncode == EXIT_CODES.get(words[0], EXIT_CODES.get(words[1], 2))
    said = run.stdout if "doctor" in words else run.stderr.strip()
    (line,) = [line for line in said.splitlines() if "shadows the module" in line]
    name = file.partition("/")[0].removesuffix(".py")
    assert f"{name} is {path}, which shadows the module that lpfl needs; run lpfl from" in line
    assert "Traceback" not in run.stdout + run.stderr
    assert "doctor" in words or run.stderr.strip() == line


def test_an_innocent_file_is_not_accused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else failed; a name of the standard library is blamed only by the error itself."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("random", "mine", "lpfl"):
        (tmp_path / f"{name}.py").write_text(EMPTY)
    (tmp_path / "numpy").mkdir()  # no package: the installed one is found
    assert shadows(TypeError("a fault of ours")) == []
    assert shadows(ImportError("no module named mine", name="mine")) == []
    assert shadows(ImportError("no module named lpfl.none", name="lpfl.none")) == []
    (line,) = shadows(ImportError("cannot import name 'Random'", name="random"))
    assert str(tmp_path / "random.py") in line
