"""A package of somebody else brings a pack with one claim: verified, tested, gated; or broken."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from lpfl.results.baseline import make_baseline
from lpfl.results.gate import gate
from lpfl.results.store import read_results
from lpfl.verify.registry import load

ROOT = Path(__file__).resolve().parent.parent

EXAMPLE = ROOT / "docs" / "examples" / "foreign_pack"
ENTRY_POINTS = "[lpfl.claims]\nforeign = foreign_theory:PACK\nbroken = foreign_broken:PACK\n"


@pytest.fixture(name="site")
def installed_package(tmp_path: Path) -> Path:
    """A folder like site-packages, with one good and one broken entry point."""
    site = tmp_path / "site"
    info = site / "foreign-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    for module in EXAMPLE.glob("*.py"):
        shutil.copy(module, site)
    (site / "foreign_broken.py").write_text("raise RuntimeError('needs <b>a</b> licence')\n")
    return site


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}
    return subprocess.run(
        [sys.executable, *words],
        cwd=site,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_foreign_claim_is_verified_and_a_broken_pack_is_a_row(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(site, "-m", "lpfl.cli", "verify", "--claims", "FOR-*", "--out", str(out))
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert rows["FOR-01"].endswith("confirmed")
    assert rows["broken"].endswith("not loaded")
    assert "pack broken could not be loaded: RuntimeError: needs <b>a</b> licence" in done.stderr
    page = (out / "index.html").read_text()
    assert "A foreign pack" in page
    assert "needs &lt;b&gt;a&lt;/b&gt; licence" in page
    results = read_results(out / "results.jsonl")
    assert results.claims["FOR-01"]["parts"]["left_over"]["outcome"] == "confirmed"
    assert gate(results, make_baseline(results)).exit_code == 0
    strict = run(
        site, "-m", "lpfl.cli", "verify", "--claims", "FOR-*", "--out", str(out), "--strict"
    )
    assert strict.returncode == 3


def test_a_foreign_claim_is_a_test_and_its_faults_are_refuted(site: Path) -> None:
    quiet = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "FOR-01")
    for folder, passed in (("theory", "1 passed"), ("faults", "2 passed")):
        done = run(site, *quiet, str(ROOT / "tests" / folder))
        assert passed in done.stdout, done.stdout + done.stderr


def test_claims_lists_the_foreign_pack(site: Path) -> None:
    listed = run(site, "-m", "lpfl.cli", "claims", "--json")
    assert "FOR-01" in [claim["id"] for claim in json.loads(listed.stdout)]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such_module:PACK", "ModuleNotFoundError"),
        ("json:dumps", "needs a Pack"),
        ("theory.linear_representation:PACK", "prefix LR is taken"),
    ],
)
def test_whatever_is_wrong_with_a_pack_is_said(value: str, said: str) -> None:
    registry = load([EntryPoint("odd", value, "lpfl.claims")])
    assert said in registry.broken[0].error
    assert "LR-01" in registry.checks
