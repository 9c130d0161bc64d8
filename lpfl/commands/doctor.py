"""``lpfl doctor``: is this installation able to run the checks?"""

import argparse
import sys
from typing import Any

from lpfl.commands.parts.frame import add_command
from lpfl.harmless import harmless
from lpfl.shadows import foreign_theory, shadows

SAYS = "say what is installed, what is missing, and the command that mends it"
EPILOG = """\
example:
  lpfl doctor        one line each: fine, or the command that mends it

exit codes: 0 the checks can run; 1 something is missing or in the way"""


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    add_command(commands, "doctor", run, says=SAYS, epilog=EPILOG)


def run(args: argparse.Namespace) -> int:
    """Print versions, devices and counts; exit 1 if something is missing or in the way."""
    print(f"python {sys.version.split()[0]}")
    problems = [*missing_packages(), *foreign_theory()]
    if not problems:
        problems = checks_or_shadows()
    for problem in problems:
        print(f"problem: {problem}")
    return 1 if problems else 0


def missing_packages() -> list[str]:
    """Print the version of each package that lpfl needs; return what is missing and the remedy."""
    from importlib.metadata import PackageNotFoundError, version

    problems = []
    for name in dependencies():
        try:
            print(f"{name} {version(name)}")
        except PackageNotFoundError:
            print(f"{name} missing")
            problems.append(f"{name} is not installed; mend it with: pip install {name}")
    return problems


def dependencies() -> list[str]:
    """Return the names of the packages that lpfl needs to run."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires("lpfl") or []
    except PackageNotFoundError:
        return ["torch", "numpy", "scipy", "sympy", "python-flint", "hypothesis"]
    names = [re.match(r"[A-Za-z0-9_.-]+", line) for line in lines if "extra ==" not in line]
    return [name.group() for name in names if name]


def checks_or_shadows() -> list[str]:
    """Return what is wrong with the claims, or the files that keep them from being imported."""
    try:
        return state_of_checks()
    except Exception as error:
        if problems := shadows(error):
            return problems
        raise


def state_of_checks() -> list[str]:
    """Print devices and counts; return what is wrong with the claims."""
    import torch

    import lpfl.report.page  # noqa: F401  (pages can be made)
    from lpfl.verify.registry import CHECKS, CLAIMS, REGISTRY
    from lpfl.verify.running.environment import device_name

    gpu = device_name("cuda") if torch.cuda.is_available() else "none"
    print(f"gpu: {gpu}; torch threads: {torch.get_num_threads()}")
    print(f"claims: {len(CLAIMS)}, with a check: {len(CHECKS)}")
    unchecked = sorted(set(CLAIMS) - set(CHECKS))
    problems = [f"no check for {', '.join(unchecked)}"] if unchecked else []
    problems += [f"pack {b.name} could not be loaded: {harmless(b.error)}" for b in REGISTRY.broken]
    return problems
