"""What is built is what a user gets: both packages, their data, and nothing of ours."""

import ast
import email
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lpfl import __version__

ROOT = Path(__file__).resolve().parents[2]
MINORS = (11, 12, 13, 14)
MODULES = [p for package in ("lpfl", "theory") for p in (ROOT / package).rglob("*.py")]


@pytest.fixture(scope="module", name="built")
def build(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build both from the checkout, with the build system that pyproject.toml names."""
    builder = pytest.importorskip("hatchling.build", reason="hatchling comes with the extra `dev`")
    folder = tmp_path_factory.mktemp("dist")
    code = (
        "import sys, hatchling.build as build\n"
        "print(build.build_wheel(sys.argv[1])); print(build.build_sdist(sys.argv[1]))"
    )
    assert builder.build_wheel
    command = [sys.executable, "-c", code, str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    wheel, sdist = run.stdout.split()[-2:]
    return {"wheel": folder / wheel, "sdist": folder / sdist}


def test_the_wheel_holds_both_packages_and_their_data(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = set(wheel.namelist())
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        fields = email.message_from_bytes(wheel.read(metadata))
        entries = wheel.read(metadata.replace("METADATA", "entry_points.txt")).decode()
    expected = {p.relative_to(ROOT).as_posix() for p in MODULES}
    expected |= {"lpfl/py.typed", "theory/py.typed"}
    stubs = (ROOT / "theory").rglob("*.pyi")  # read when a name is first used
    expected |= {p.relative_to(ROOT).as_posix() for p in stubs}
    templates = ROOT / "lpfl" / "report" / "templates"
    expected |= {p.relative_to(ROOT).as_posix() for p in templates.iterdir() if p.is_file()}
    assert expected <= names
    assert {name.split("/")[0] for name in names} == {
        "lpfl",
        "theory",
        f"lpfl-{__version__}.dist-info",
    }
    assert not [name for name in names if "__pycache__" in name]
    assert fields["Version"] == __version__
    assert fields["License-Expression"] == "MIT"
    assert "lpfl = lpfl.cli:main" in entries
    assert "lpfl = lpfl.pytest_plugin" in entries


def test_the_sdist_holds_what_tests_and_verifies(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    kept = {"pyproject.toml", "conftest.py", "constraints.txt", "Makefile", "action.yml"}
    kept |= {"README.md", "LICENSE", "CITATION.cff", "SECURITY.md", "reports/baseline.json"}
    kept |= {"tests/packaging/test_wheel.py", "docs/gitlab.yml", ".github/workflows/verify.yml"}
    assert kept <= names
    assert not [name for name in names if name.startswith(("reports/runs", "reports/latest"))]


@pytest.mark.parametrize("minor", MINORS)
def test_every_module_is_python_that_each_version_reads(minor: int) -> None:
    """The grammar only: what the standard library had is seen in the workflow's matrix."""
    for path in MODULES:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, minor))
