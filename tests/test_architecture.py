"""The house rules, read off the syntax trees."""

import ast
from collections import Counter
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


def imported(tree: ast.AST, *, top_level: bool = False) -> set[str]:
    """Return the full names of imported modules, everywhere or at module level only."""
    nodes = tree.body if top_level and isinstance(tree, ast.Module) else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sources("theory"), ids=relative)
def test_theory_predicts_without_running(path):
    """theory imports neither torch nor lpfl."""
    packages = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
    assert not packages & FORBIDDEN_IN_THEORY


@pytest.mark.parametrize("path", sources("lpfl"), ids=relative)
def test_runs_do_not_know_the_predictions(path):
    """Models, optimizers, measurements and decisions never import theory."""
    if relative(path).startswith(MEETS_THEORY):
        return
    packages = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))}
    assert "theory" not in packages


@pytest.mark.parametrize("path", sources("lpfl"), ids=relative)
def test_models_do_not_know_the_verification(path):
    """Nothing below lpfl.verify is imported from models, optimizers, measurements."""
    name = relative(path)
    if name.startswith((*MEETS_THEORY, "lpfl/cli.py", "lpfl/results/compare.py")):
        return
    assert not any(module.startswith("lpfl.verify") for module in
                   imported(ast.parse(path.read_text())))  # fmt: skip


@pytest.mark.parametrize("name", [*LIGHT, *(relative(p) for p in sources("lpfl/commands"))])
def test_start_up_is_light(name):
    """What every pytest run and ``lpfl --help`` load imports nothing heavy at module level."""
    tree = ast.parse((ROOT / name).read_text())
    packages = {module.split(".")[0] for module in imported(tree, top_level=True)}
    assert not packages & HEAVY


@pytest.mark.parametrize("path", sources("lpfl"), ids=relative)
def test_randomness_is_born_in_seeding(path):
    """No generator is created or seeded outside lpfl/seeding.py."""
    if relative(path) == "lpfl/seeding.py" or relative(path).startswith(SEEDS_OTHERS):
        return
    calls = [
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert not set(calls) & BIRTHPLACES


@pytest.mark.parametrize("path", sources("lpfl", "theory"), ids=relative)
def test_nothing_outside_is_executed(path):
    """No eval, exec, pickle or sympify of text."""
    tree = ast.parse(path.read_text())
    names = {node.func.id for node in ast.walk(tree)
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    allowed = {"exec"} if relative(path) in RUNS_OWN_CODE else set()
    assert not names & {"eval", "exec", "parse_expr"} - allowed
    if relative(path) not in PICKLES:
        assert not imported(tree) & {"pickle", "marshal", "shelve"}


def test_every_claim_has_a_check_and_every_check_a_claim():
    assert list(CHECKS) == list(CLAIMS)


@pytest.mark.parametrize("claim_id", list(CHECKS))
def test_every_check_has_two_planted_faults(claim_id):
    assert Counter(fault.claim for fault in all_faults())[claim_id] >= 2


@pytest.mark.parametrize("path", sources("lpfl", "theory", "tests"), ids=relative)
def test_files_stay_small(path):
    assert len(path.read_text().splitlines()) <= 300


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
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {name if name in known else node.module for name in inside}
    return names & known.keys()
