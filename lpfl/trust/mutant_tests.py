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
FAILED = {1: "failed", 2: "failed", 3: "failed", 0: "passed"}


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
    package.
    """
    last = module.rpartition(".")[2]
    package = module.rpartition(".")[0]
    symbol = function.partition(".")[0]
    both: list[str] = []
    one: list[str] = []
    for path, text in _test_files().items():
        from_package = rf"from {re.escape(package)} import [^\n]*\b{last}\b"
        if module in text or re.search(from_package, text):
            named = bool(symbol) and re.search(rf"\b{re.escape(symbol)}\b", text)
            (both if named else one).append(path)
        elif symbol and len(symbol) > 5 and re.search(rf"\b{re.escape(symbol)}\b", text):
            one.append(path)
    return sorted(both) + sorted(one)


@cache
def _test_files() -> dict[str, str]:
    root = source_root()
    files = sorted((root / "tests").rglob("test_*.py"))
    kept = [p for p in files if p.relative_to(root).parts[1] not in LEFT_OUT]
    return {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in kept}


def try_tests(name: str, files: str, seconds: int) -> Record:
    """Run test files (paths and commas) on a mutant in this process, up to the first failure.

    suite: failed (the mutant is seen), passed, or unfinished. by: the test that failed.
    """
    import pytest

    from lpfl.trust.limits import OutOfTime, processor_time
    from lpfl.trust.mutants import alive

    if not files:
        return {"suite": "no tests", "by": ""}
    os.chdir(source_root())
    seen = _FirstFailure()
    options = ["-x", "-q", "-m", "not theory", "-p", "no:cacheprovider", "-p", "no:randomly"]
    try:
        with processor_time(seconds), contextlib.redirect_stdout(io.StringIO()), alive(name):
            code = int(pytest.main([*options, *files.split(",")], plugins=[seen]))
    except OutOfTime:
        return {"suite": "unfinished", "by": ""}
    except Exception as error:
        return {"suite": "failed", "by": f"at import: {type(error).__name__}"}
    return {"suite": FAILED.get(code, "no tests"), "by": seen.name}


class _FirstFailure:
    """Remembers the first test that failed."""

    def __init__(self) -> None:
        self.name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Called by pytest for each phase of each test."""
        if report.failed and not self.name:
            self.name = str(report.nodeid)
