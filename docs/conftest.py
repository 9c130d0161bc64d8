"""Every example in the documentation is a test: python as it stands, and `$ lpfl` commands.

The lines below a command are what it prints; `...` stands for any text, as in doctest.
"""

import contextlib
import doctest
import io
import os
import shlex
import tempfile
from pathlib import Path

from sybil import Sybil
from sybil.example import NotEvaluated
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from lpfl.cli import main

PROMPT = "$ "


def run_commands(example):
    """Run each command of a console block in this process; compare what it prints."""
    commands, wanted = [], []
    for line in example.parsed.splitlines():
        if line.startswith(PROMPT):
            commands.append(line.removeprefix(PROMPT))
            wanted.append([])
        else:
            wanted[-1].append(line)
    for command, lines in zip(commands, wanted, strict=True):
        name, *words = shlex.split(command)
        assert name == "lpfl", f"only lpfl is run here, not {name!r}"
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = main(words)
        text = "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"
        expected = "\n".join(lines) + "\n"
        same = doctest.OutputChecker().check_output(
            expected, text, doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        )
        assert code in (0, None), f"{command}: exit code {code}\n{text}"
        assert same, f"{command} printed\n{text}\nneeds\n{expected}"


def after_its_page(document):
    """A page's examples build on each other, and the test run may spread them over processes."""
    document.push_evaluator(run_those_before)
    return ()


def run_those_before(example):
    """Run what stands before the example on its page and has not run in this process."""
    begun = example.namespace["_begun"]
    begun.add(example.start)
    for other in example.document.examples():
        if other.start < example.start and other.start not in begun:
            other.evaluate()
    raise NotEvaluated


def enter_folder(namespace):
    """Run the examples of a page in a folder of their own."""
    namespace["_back"], namespace["_folder"] = Path.cwd(), tempfile.TemporaryDirectory()
    namespace["_begun"] = set()
    os.chdir(namespace["_folder"].name)


def leave_folder(namespace):
    """Go back, and delete what the examples wrote."""
    os.chdir(namespace["_back"])
    namespace["_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[after_its_page, PythonCodeBlockParser(), CodeBlockParser("console", run_commands)],
    patterns=["tutorials/*.md", "verdicts.md", "guides/*.md"],
    setup=enter_folder,
    teardown=leave_folder,
).pytest()
