"""The unit tests on a mutant that verification did not see."""

import contextlib
import io
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

Record = dict[str, Any]
LEFT_OUT = ("faults", "theory", "trust", "runs")  # verification itself, and what edits code
# pytest's exit codes; 2 is a file that could not be collected, others say nothing of the code
ANSWERS = {0: "passed", 1: "failed", 2: "failed", 5: "no tests"}
# The project's own modules are imported before pytest, too late to rewrite their assertions.
OPTIONS = (
    *("-x", "-q", "--assert=plain", "-m", "not theory"),
    *("-p", "no:cacheprovider", "-p", "no:randomly"),
)


def source_root() -> Path:
    """Return the folder of a source checkout; raise ValueError if there are no tests in it."""
    import lpfl

    root = Path(str(lpfl.__file__)).parents[1]
    if not (root / "tests").is_dir():
        raise ValueError(f"tests={root / 'tests'} is not there, needs a source checkout")
    return root


def tests_of(module: str, function: str) -> list[str]:
    """Return the test files that name the module and the function, else the module alone.

    A method is looked for by its class; a module by its full name or in an import from its
    package. Where no file does, those of the package around it are taken, and so on.
    """
    symbol = function.partition(".")[0]
    while "." in module:
        both, one = _naming(module, symbol)
        if both or one:
            return both + one
        module, symbol = module.rpartition(".")[0], ""
    return []


def _naming(module: str, symbol: str) -> tuple[list[str], list[str]]:
    """Return the test files that name module and symbol, and those that name one of the two."""
    package, _, last = module.rpartition(".")
    both: list[str] = []
    one: list[str] = []
    for path, text in _test_files().items():
        from_package = rf"from {re.escape(package)} import [^\n]*\b{last}\b"
        if module in text or re.search(from_package, text):
            named = bool(symbol) and re.search(rf"\b{re.escape(symbol)}\b", text)
            (both if named else one).append(path)
        elif symbol and len(symbol) > 5 and re.search(rf"\b{re.escape(symbol)}\b", text):
            one.append(path)
    return sorted(both), sorted(one)


@cache
def _test_files() -> dict[str, str]:
    root = source_root()
    files = sorted((root / "tests").rglob("test_*.py"))
    kept = [p for p in files if p.relative_to(root).parts[1] not in LEFT_OUT]
    return {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in kept}


def try_tests(name: str, files: str, seconds: int) -> Record:
    """Run test files (paths and commas) on a mutant in this process, up to the first failure.

    name: "" leaves the code as it is. suite: failed (the mutant is seen), passed, unfinished, or
    "no answer" if pytest itself gave up. by: the test, or the file, that failed.
    """
    import pytest

    from lpfl.trust.limits import OutOfTime, processor_time
    from lpfl.trust.mutants import alive

    if not files:
        return {"suite": "no tests", "by": ""}
    os.chdir(source_root())
    seen = _FirstFailure()
    with contextlib.ExitStack() as stack:
        try:
            if name:
                stack.enter_context(alive(name))
        except Exception as error:
            return {"suite": "failed", "by": f"at import: {type(error).__name__}"}
        try:
            with processor_time(seconds), contextlib.redirect_stdout(io.StringIO()):
                code = int(pytest.main([*OPTIONS, *files.split(",")], plugins=[seen]))
        except OutOfTime:
            return {"suite": "unfinished", "by": ""}
        except Exception as error:
            return {"suite": "no answer", "by": f"{type(error).__name__}: {error}"[:200]}
    return {"suite": ANSWERS.get(code, "no answer"), "by": seen.name}


def alone(by: str) -> str:
    """Return what to run to see whether a failed test fails without a mutant too."""
    return by.partition("[")[0]


class _FirstFailure:
    """Remembers the first test that failed, or the first file that could not be collected."""

    def __init__(self) -> None:
        self.name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Called by pytest for each phase of each test."""
        if report.failed and not self.name:
            self.name = str(report.nodeid)

    def pytest_collectreport(self, report: Any) -> None:
        """Called by pytest for each file and class that it collects."""
        if report.failed and not self.name:
            self.name = str(report.nodeid)
