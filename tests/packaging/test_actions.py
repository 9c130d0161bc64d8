"""The ready-made jobs for other repositories, step by step in a scratch folder."""

from pathlib import Path

import pytest

from tests.packaging.steps import action_steps, gitlab_commands, run_in_shell

BASELINE = "a baseline.json"
INPUTS = {"claims": "LR-06", "profile": "quick", "baseline": BASELINE, "optimizer": ""}
CHEAP = [
    ("profile", "quick; touch pwned"),
    ("profile", "$(touch pwned)"),
    ("profile", "`touch pwned`"),
    ("profile", '" && touch pwned && "'),
    ("profile", "--help"),
]
AFTER_LOADING = [
    ("claims", "LR-06\n::error::forged; $(touch pwned)"),
    ("optimizer", "--help"),
    ("optimizer", "$(touch pwned)\n::error::forged"),
]


def variables(step_inputs: dict[str, str], **changes: str) -> dict[str, str]:
    return {name: {**INPUTS, **changes}[of] for name, of in step_inputs.items()}


def test_the_action_asks_for_a_baseline_and_then_passes(tmp_path: Path) -> None:
    verify, gate, _ = action_steps()
    run = run_in_shell(verify.command, tmp_path, variables(verify.inputs))
    assert run.returncode == 0, run.stderr
    first = run_in_shell(gate.command, tmp_path, variables(gate.inputs))
    assert first.returncode == 4
    assert "make it: lpfl baseline RESULTS --out a baseline.json" in first.stdout
    make = f"lpfl baseline reports/latest/results.jsonl --out '{BASELINE}'"
    assert run_in_shell(make, tmp_path, {}).returncode == 0
    second = run_in_shell(gate.command, tmp_path, variables(gate.inputs))
    assert second.returncode == 0, second.stdout + second.stderr
    assert (tmp_path / "reports" / "gate.xml").read_text().startswith("<?xml")


def test_the_gitlab_job_runs(tmp_path: Path) -> None:
    names = {"LPFL_CLAIMS": "LR-06", "LPFL_PROFILE": "quick", "LPFL_BASELINE": BASELINE}
    verify, gate = gitlab_commands()
    assert run_in_shell(verify, tmp_path, names).returncode == 0
    run = run_in_shell(gate, tmp_path, names)
    assert run.returncode == 4
    assert "there is no baseline at a baseline.json" in run.stdout


@pytest.mark.parametrize(("name", "value"), [*CHEAP, *AFTER_LOADING])
def test_an_input_is_a_value_and_never_a_command(name: str, value: str, tmp_path: Path) -> None:
    verify, _, optimizer = action_steps()
    step = optimizer if name == "optimizer" else verify
    run = run_in_shell(step.command, tmp_path, variables(step.inputs, **{name: value}))
    assert run.returncode == 2, (step.name, name, run.stdout, run.stderr)
    assert run.stderr.startswith("lpfl: error: ")
    assert len(run.stderr.splitlines()) == 1
    assert "\n::" not in "\n" + run.stdout + run.stderr
    assert not (tmp_path / "pwned").exists()
