"""Every `lpfl` command of README, docs and workflow is one that the command line understands."""

import re
import shlex
from pathlib import Path

import pytest

from lpfl.cli import build_parser

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
COMMAND = re.compile(r"(?:\$ |\.venv(?:-peers)?/bin/)?(lpfl [a-z].*)")
IN_LINE = re.compile(r"`(lpfl [a-z][^`]*)`")
WORKFLOW = ROOT / ".github" / "workflows" / "verify.yml"
IN_WORKFLOW = re.compile(r"^ *- (?:run: )?(?:\.venv/bin/)?(lpfl [a-z].*)$", re.MULTILINE)
FORM = re.compile(r"[A-Z]{3,}\b|\.\.\.|…|\[")  # a form to fill in, not a command


def commands(page: Path) -> list[str]:
    """Return the commands in the code blocks of a page, and those inside its sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.split(" #")[0] for block in blocks for line in block.splitlines()]
    found = [match[1].strip() for line in lines if (match := COMMAND.fullmatch(line.strip()))]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return found + [one.replace("\n", " ") for one in IN_LINE.findall(prose)]


WRITTEN = [
    pytest.param(command, id=f"{page.name}: {command}"[:90])
    for page in PAGES
    if "generated" not in page.parts
    for command in dict.fromkeys(commands(page))
]

RUN = [re.sub(r"\$\{\{.*?\}\}", "1", one) for one in IN_WORKFLOW.findall(WORKFLOW.read_text())]


def test_there_are_commands() -> None:
    assert len(WRITTEN) > 30
    assert len(RUN) > 6


@pytest.mark.parametrize("command", RUN)
def test_a_command_of_the_workflow_is_understood(command: str) -> None:
    build_parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("command", WRITTEN)
def test_a_written_command_is_understood(command: str) -> None:
    first = re.split(r" && | \| ", command)[0]
    if FORM.search(first):
        first = re.sub(r" [A-Z]{1,}\b| \[.*?\]", " 1", first)
    words = shlex.split(first)[1:]
    parser = build_parser()
    if words == [words[0]]:
        assert words[0] in parser.format_help()
        return
    parser.parse_args(words)
