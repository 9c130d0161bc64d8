"""Every program of docs/findings_optimizers.md still shows what the page says."""

import ast
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

pytestmark = pytest.mark.peers

PAGE = Path(__file__).parents[3] / "docs" / "findings_optimizers.md"
PRELUDE, *_ = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
FINDINGS = dict(
    re.findall(
        r"^### (.*?)\n.*?```python\n(.*?)```",
        PAGE.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)
NAMED = re.compile(r"([a-z][\w-]*) (\d[\w.]*)")


def missing(title):
    """Return the packages a title names that are not installed in that version."""
    found = []
    for package, wanted in NAMED.findall(title):
        try:
            if version(package).partition("+")[0] != wanted:
                found.append(f"{package} {wanted}")
        except PackageNotFoundError:
            found.append(f"{package} {wanted}")
    return found


def test_every_finding_names_a_version_and_ends_in_an_assertion():
    assert len(FINDINGS) >= 25
    for title, program in FINDINGS.items():
        assert NAMED.search(title), title
        last = ast.parse(program).body[-1]
        assert any(isinstance(node, ast.Assert) for node in ast.walk(last)), title


@pytest.mark.parametrize("title", FINDINGS)
def test_finding_shows(title):
    if missing(title):
        pytest.skip(f"not installed: {', '.join(missing(title))}")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + FINDINGS[title]],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr[-800:]
