"""The steps of action.yml and docs/gitlab.yml, read and run as their systems do."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INPUT = re.compile(r"\$\{\{ inputs\.(\w+) \}\}")


@dataclass(frozen=True)
class Step:
    """A step: its name, the input behind each environment variable, and its command."""

    name: str
    inputs: dict[str, str]
    command: str


def action_steps() -> list[Step]:
    """Return the steps of action.yml that use what was installed."""
    text = (ROOT / "action.yml").read_text()
    steps = []
    for block in text.split("    - name: ")[1:]:
        name, _, rest = block.partition("\n")
        environment, _, command = rest.partition("      run:")
        given = re.findall(r"^        (\w+): (.+)$", environment, re.MULTILINE)
        inputs = {variable: found[1] for variable, value in given if (found := INPUT.match(value))}
        steps.append(Step(name, inputs, " ".join(command.removeprefix(" >-").split())))
    return steps[1:]


def gitlab_commands() -> list[str]:
    """Return the commands of docs/gitlab.yml after the installation."""
    text = (ROOT / "docs" / "gitlab.yml").read_text()
    script = text.partition("  script:\n")[2].partition("  artifacts:")[0]
    lines = [" ".join(one.removeprefix(">-").split()) for one in script.split("    - ")[1:]]
    return lines[1:]


def run_in_shell(
    command: str, folder: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub runs ``shell: bash``, with `lpfl` on the path."""
    shim = folder / ".bin" / "lpfl"
    if not shim.exists():
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m lpfl "$@"\n')
        shim.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GITHUB_ACTIONS": "true",
        **variables,
    }
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(
        bash, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
