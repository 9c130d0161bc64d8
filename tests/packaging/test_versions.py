"""What pyproject.toml asks for, what is pinned, and what CI runs are the same versions."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from lpfl.environment import PACKAGES
from tests.packaging.test_wheel import MINORS

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
WORKFLOW = (ROOT / ".github" / "workflows" / "verify.yml").read_text()
SUPPORTED = [
    last for one in PROJECT["classifiers"] if (last := one.rpartition(" :: ")[2]).startswith("3.")
]


def pinned(file: str) -> dict[str, Version]:
    """Return name -> version of a file of constraints, in which every line pins one package."""
    found: dict[str, Version] = {}
    for line in (ROOT / file).read_text().split():
        requirement = Requirement(line)
        (exact,) = requirement.specifier
        name = canonicalize_name(requirement.name)
        assert exact.operator == "==", line
        assert name not in found, f"{name} twice in {file}"
        found[name] = Version(exact.version)
    return found


def asked(*extras: str) -> list[Requirement]:
    """Return what the package needs, with extras."""
    named = [one for extra in extras for one in PROJECT["optional-dependencies"][extra]]
    return [Requirement(one) for one in [*PROJECT["dependencies"], *named]]


@pytest.mark.parametrize(
    ("file", "extras"),
    [
        ("constraints.txt", ("dev", "docs", "cluster")),
        ("constraints-peers.txt", ("dev", "peers")),
    ],
)
def test_every_dependency_is_pinned_within_its_bounds(file: str, extras: tuple[str, ...]) -> None:
    pins = pinned(file)
    for requirement in asked(*extras):
        name = canonicalize_name(requirement.name)
        assert name in pins, f"{name} is not in {file}"
        assert requirement.specifier.contains(pins[name]), f"{file}: {name}=={pins[name]}"


def test_both_files_pin_the_same_version_of_what_numbers_depend_on() -> None:
    ours, peers = pinned("constraints.txt"), pinned("constraints-peers.txt")
    assert {canonicalize_name(name) for name in PACKAGES} <= set(ours)
    assert {name: ours[name] for name in PACKAGES} == {name: peers[name] for name in PACKAGES}


def test_ci_runs_every_version_of_python_that_is_promised() -> None:
    matrices = [
        re.findall(r'"([\d.]+)"', line)
        for line in re.findall(r"^ +python-version: (\[.*\])$", WORKFLOW, re.MULTILINE)
    ]
    every, ends = matrices
    assert every == SUPPORTED
    assert ends == [SUPPORTED[0], SUPPORTED[-1]]
    assert [f"3.{minor}" for minor in MINORS] == SUPPORTED
    alone = set(re.findall(r'^ +python-version: "([\d.]+)"$', WORKFLOW, re.MULTILINE))
    assert alone == {SUPPORTED[0]}


def test_the_oldest_python_is_one_and_the_same_everywhere() -> None:
    oldest = SUPPORTED[0]
    assert PROJECT["requires-python"] == f">={oldest}"
    assert SpecifierSet(PROJECT["requires-python"]).contains(SUPPORTED[-1])
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    assert PYPROJECT["tool"]["mypy"]["python_version"] == oldest
    assert f"image: python:{oldest}\n" in (ROOT / "docs" / "gitlab.yml").read_text()
    assert f"Python {oldest} or newer" in (ROOT / "README.md").read_text()
