"""A name of the theory costs the module that it is written in, and not all statements."""

import subprocess
import sys

import theory
from theory import linear_representation, single_index

JUDGE = """
import sys
from lpfl.conformance.registry import all_checks
all_checks()
modules = ("theory.linear_representation.rates.local_rate", "theory.claims")
print(*(name in sys.modules for name in modules))
"""


def test_the_judge_builds_no_statement_that_it_does_not_use():
    run = [sys.executable, "-c", JUDGE]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "True False\n"


def test_every_public_name_is_there_and_is_no_module():
    for package in (theory, linear_representation, single_index):
        for name in package.__all__:
            assert type(getattr(package, name)).__name__ != "module", f"{package.__name__}.{name}"
        assert set(package.__all__) <= set(dir(package))
