"""The pytest plugin, in this project and in a foreign one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lpfl.results.store import read_results

ROOT = Path(__file__).resolve().parents[2]


def pytest_in(folder: Path, *arguments: str, path: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def test_a_foreign_project_pays_nothing(tmp_path):
    """Collecting a project that does not use lpfl imports neither torch nor sympy."""
    (tmp_path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    heavy = ('torch', 'sympy', 'numpy', 'scipy', 'lpfl.verify')\n"
        "    print('loaded:', [name for name in heavy if name in sys.modules])\n"
    )
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    assert 1 + 1 == 2\n")
    run = pytest_in(tmp_path, "--collect-only", "-q", "-s")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "loaded: []" in run.stdout


def test_report_option_writes_results_and_page(tmp_path):
    """Two claims under two workers end in one results file and one page."""
    page = tmp_path / "page.html"
    run = pytest_in(ROOT, "tests/theory", "-q", "-n", "2", "-k", "LR-03 or LR-06",
                    "--lpfl-report", str(page))  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    results = read_results(tmp_path / "page.html.jsonl")
    assert set(results.claims) == {"LR-03", "LR-06"}
    assert results.complete
    assert "LR-06" in page.read_text()


def test_a_refutation_says_how_to_reproduce(tmp_path):
    """With a fault planted, the test fails and prints a command with the shrunk scenario."""
    (tmp_path / "planting.py").write_text(
        "from lpfl.verify.registry import all_faults\n"
        "from lpfl.verify.planting import planted\n"
        "fault = next(f for f in all_faults() if f.name == 'LR-03: half a step')\n"
        "alive = planted(fault)\n"
        "alive.__enter__()\n"
    )
    run = pytest_in(ROOT, "tests/theory", "-q", "-k", "LR-03", "-p", "planting",
                    path=f"{tmp_path}:{ROOT}")  # fmt: skip
    assert run.returncode == 1
    assert "LR-03 is refuted in part 'step: run'" in run.stdout
    assert "lpfl verify --claims LR-03 --scenario '{" in run.stdout
    assert "}' --seed 0" in run.stdout


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("device", "tpu", "device='tpu', needs cpu or cuda"),
        ("dtype", "float16", "dtype='float16', needs one of"),
        ("profile", "fast", "profile='fast', needs one of"),
        ("profile", "", "profile='', needs one of"),
        ("seed", "-1", "seed=-1, needs an integer >= 0"),
        ("seed", "one", "invalid int value"),
        ("report", "", "report='', needs the path of a file"),
        ("report", ".", "report=. is a folder"),
        ("report", "none/page.html", "needs a folder that exists"),
        ("report", "a" * 300, "cannot be written: File name too long"),
        ("report", "a" * 246, "cannot be written: File name too long"),
        ("report", "test_nothing.py", "is there and no page"),
        ("claims", "XX-*", "claims='XX-*' matches none of"),
    ],
)
def test_an_odd_option_is_one_usage_error(option, value, said, tmp_path):
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    assert 1 + 1 == 2\n")
    run = pytest_in(tmp_path, f"--lpfl-{option}={value}", path=str(ROOT))
    assert run.returncode == 4
    assert said in run.stderr
    assert "passed" not in run.stdout


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_an_address_that_cannot_be_imported_is_one_line(workers, tmp_path):
    """With workers too, which would end in an internal error; and the line orders nothing."""
    (tmp_path / "odd.py").write_text("raise ValueError('a\\n::error::forged \\x1b[31m')\n")
    run = pytest_in(tmp_path, "--lpfl-optimizer=odd:X", *workers, path=str(ROOT))
    assert run.returncode == 4, run.stdout
    (line,) = run.stderr.strip().splitlines()
    assert "address='odd:X' cannot be imported: ValueError: a ::error::forged" in line
    assert "\x1b" not in line
    assert "passed" not in run.stdout


def test_the_root_folder_holds_the_optimizer(tmp_path):
    """Pytest was started elsewhere; ini keys mean the folder of their file."""
    (tmp_path / "mine.py").write_text("import torch\n\nclass Own(torch.optim.SGD):\n    pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nlpfl_optimizers = mine:Own\n")
    run = pytest_in(tmp_path.parent, str(tmp_path), "--co", "-q", "-k", "def.scale", path=str(ROOT))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "lpfl[mine:Own]::def.scale" in run.stdout


def test_claims_are_tests_without_a_test_file(tmp_path):
    """In a foreign project; an earlier page is kept aside, and the new one is named."""
    for _ in range(2):
        run = pytest_in(tmp_path, "--lpfl-claims", "lr-0[46]", "-m", "theory", "--lpfl-report",
                        "page.html", path=str(ROOT))  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        assert "2 passed" in run.stdout
        assert "lpfl: page: page.html" in run.stdout
    assert set(read_results(tmp_path / "page.html.jsonl").claims) == {"LR-04", "LR-06"}
    assert len(list(tmp_path.glob("earlier/*/page.html.jsonl"))) == 1


def test_no_theory_test_is_explained(tmp_path):
    run = pytest_in(tmp_path, "-m", "theory", path=str(ROOT))
    assert run.returncode == 5
    assert "--lpfl-claims '*' collects the claims" in run.stdout


@pytest.mark.parametrize("asked", ["--lpfl-claims=LR-06", "--lpfl-optimizer=torch.optim:SGD"])
def test_a_theory_package_of_the_project_is_named(tmp_path, asked):
    """It is found first under ``python -m pytest``; the project's own tests go on working."""
    (tmp_path / "theory").mkdir()
    (tmp_path / "theory" / "__init__.py").write_text("OWN = True\n")
    (tmp_path / "test_own.py").write_text("def test_own():\n    import theory\n    theory.OWN\n")
    assert pytest_in(tmp_path, "-q", path=str(ROOT)).returncode == 0
    run = pytest_in(tmp_path, asked, path=str(ROOT))
    assert run.returncode == 4, run.stdout + run.stderr
    assert "theory is" in run.stderr
    assert "shadows the package that lpfl brings" in run.stderr
    assert "Traceback" not in run.stdout + run.stderr
