"""The house rules, read off the syntax trees."""

import ast
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from lpfl.verify.registry import CHECKS, all_faults
from theory.claims import CLAIMS

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN_IN_THEORY = {"torch", "lpfl", "hypothesis", "pytest"}
MEETS_THEORY = ("lpfl/verify/", "lpfl/experiments/", "lpfl/report/", "lpfl/commands/",
                "lpfl/explain/", "lpfl/conformance/checks/theory/", "lpfl/pytest_plugin.py",
                "lpfl/trust/", "lpfl/sweep/")  # fmt: skip
LIGHT = ("lpfl/cli.py", "lpfl/__init__.py", "lpfl/pytest_plugin.py")
HEAVY = {"torch", "hypothesis", "sympy", "numpy", "scipy"}
# Optimizers of other people draw from the global generators, so their judge seeds those.
SEEDS_OTHERS = "lpfl/conformance/"
# Programs that the project wrote itself: an edited module, a snippet run before it is printed.
RUNS_OWN_CODE = {"lpfl/verify/planting.py", "lpfl/conformance/snippets.py"}
# Whether an optimizer can be pickled is what this check asks.
PICKLES = {"lpfl/conformance/checks/copies.py"}
LARGEST_FOLDER = 24
BIRTHPLACES = {"manual_seed", "default_rng", "Generator", "RandomState", "seed"}


def sources(*folders: str) -> list[Path]:
    """Return the Python files below the folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file, which is read once."""
    return ast.parse(path.read_text())


def imported(tree: ast.Module, *, top_level: bool = False) -> set[str]:
    """Return the full names of imported modules, everywhere or at module level only."""
    names: set[str] = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def packages_of(path: Path, *, top_level: bool = False) -> set[str]:
    """Return the packages that a file imports from."""
    return {name.split(".")[0] for name in imported(tree_of(path), top_level=top_level)}


def called(path: Path) -> list[ast.expr]:
    return [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]


def methods_called(path: Path) -> set[str]:
    return {call.attr for call in called(path) if isinstance(call, ast.Attribute)}


def functions_called(path: Path) -> set[str]:
    return {call.id for call in called(path) if isinstance(call, ast.Name)}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_theory_predicts_without_running():
    """theory imports neither torch nor lpfl."""
    assert [p for p in sources("theory") if packages_of(p) & FORBIDDEN_IN_THEORY] == []


def test_runs_do_not_know_the_predictions():
    """Models, optimizers, measurements and decisions never import theory."""
    below = [path for path in sources("lpfl") if not relative(path).startswith(MEETS_THEORY)]
    assert [path for path in below if "theory" in packages_of(path)] == []


def test_models_do_not_know_the_verification():
    """Nothing below lpfl.verify is imported from models, optimizers, measurements."""
    above = (*MEETS_THEORY, "lpfl/cli.py", "lpfl/results/compare.py")
    below = [path for path in sources("lpfl") if not relative(path).startswith(above)]
    knowing = [p for p in below if any(m.startswith("lpfl.verify") for m in imported(tree_of(p)))]
    assert knowing == []


def test_start_up_is_light():
    """What every pytest run and ``lpfl --help`` load imports nothing heavy at module level."""
    loaded = [*(ROOT / name for name in LIGHT), *sources("lpfl/commands")]
    assert [path for path in loaded if packages_of(path, top_level=True) & HEAVY] == []


def test_randomness_is_born_in_seeding():
    """No generator is created or seeded outside lpfl/seeding.py."""
    ours = ("lpfl/seeding.py", SEEDS_OTHERS)
    others = [path for path in sources("lpfl") if not relative(path).startswith(ours)]
    assert [path for path in others if methods_called(path) & BIRTHPLACES] == []


def test_nothing_outside_is_executed():
    """No eval, exec, pickle or sympify of text."""
    for path in sources("lpfl", "theory"):
        allowed = {"exec"} if relative(path) in RUNS_OWN_CODE else set()
        assert not functions_called(path) & {"eval", "exec", "parse_expr"} - allowed, path
        if relative(path) not in PICKLES:
            assert not imported(tree_of(path)) & {"pickle", "marshal", "shelve"}, path


def test_every_claim_has_a_check_and_every_check_a_claim():
    assert list(CHECKS) == list(CLAIMS)


@pytest.mark.parametrize("claim_id", list(CHECKS))
def test_every_check_has_two_planted_faults(claim_id):
    assert Counter(fault.claim for fault in all_faults())[claim_id] >= 2


def test_files_stay_small():
    every = sources("lpfl", "theory", "tests")
    assert [path for path in every if len(path.read_text().splitlines()) > 300] == []


def modules(package: str) -> dict[str, Path]:
    """Return the modules of a package by dotted name."""
    found = {}
    for path in sources(package):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


@pytest.mark.parametrize("package", ["lpfl", "theory"])
def test_folders_stay_small(package):
    """About twenty modules a folder: more of them are two topics."""
    sizes = Counter(relative(path.parent) for path in sources(package))
    assert {folder: size for folder, size in sizes.items() if size > LARGEST_FOLDER} == {}


@pytest.mark.parametrize("package", ["lpfl", "theory"])
def test_no_module_imports_itself_through_others(package):
    """Imports inside functions count; only the lazy public names of lpfl point upwards."""
    known = modules(package)
    edges = {name: needed(path, known) - {name, package} for name, path in known.items()}
    edges[package] = set()
    TopologicalSorter(edges).prepare()


def needed(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a file imports; of a package only what is taken from it."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {name if name in known else node.module for name in inside}
    return names & known.keys()
