"""The command line as a user meets it: exit codes, files, messages."""

import json
import math
import shutil
import signal
import subprocess
import sys
import time

import pytest

from lpfl.cli import main
from lpfl.results.store import read_results
from lpfl.verify.registry import CHECKS


def run(*arguments: str) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A results folder of two quick claims, made once."""
    folder = tmp_path_factory.mktemp("made")
    assert run("verify", "--claims", "LR-03,LR-06", "--out", folder, "--jobs", 1) == 0
    return folder


@pytest.fixture
def verified(made, tmp_path):
    """A copy of it."""
    return shutil.copytree(made, tmp_path / "out")


def test_verify_writes_results_and_page(tmp_path, capsys):
    verified = tmp_path
    assert run("verify", "--claims", "LR-03,LR-06", "--out", verified, "--jobs", 1) == 0
    results = read_results(verified / "results.jsonl")
    assert results.complete
    assert set(results.claims) == {"LR-03", "LR-06"}
    assert all(claim["verdict"] == "confirmed" for claim in results.claims.values())
    assert "Content-Security-Policy" in (verified / "index.html").read_text()
    out, err = capsys.readouterr()
    assert "LR-03" in out
    assert "confirmed" in out
    assert "[2/2]" in err


def test_a_second_run_keeps_the_first(verified):
    before = (verified / "results.jsonl").read_bytes()
    assert run("verify", "--claims", "LR-06", "--out", verified) == 0
    (kept,) = verified.glob("earlier/*/results.jsonl")
    assert kept.read_bytes() == before


def test_same_plan_same_numbers_on_any_number_of_processes(tmp_path):
    """Every draw agrees; what is left is the order of floating-point sums."""
    pair = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        assert run("verify", "--claims", "LR-06,LR-11", "--out", folder, "--jobs", jobs) == 0
        pair.append(read_results(folder / "results.jsonl"))
    for claim_id in ("LR-06", "LR-11"):
        a, b = ([o for o in results.observations if o["claim"] == claim_id] for results in pair)
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert (x["scenario"], x["part"], x["outcome"]) == (
                y["scenario"],
                y["part"],
                y["outcome"],
            )
            assert math.isclose(x["statistic"], y["statistic"], rel_tol=1e-6, abs_tol=1e-3)


def test_json_goes_to_stdout(tmp_path, capsys):
    assert run("verify", "--claims", "LR-06", "--out", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["claim"] == "LR-06"


def test_one_scenario_can_be_replayed(verified, tmp_path):
    """The worst scenario of a run gives the same numbers alone."""
    claim = read_results(verified / "results.jsonl").claims["LR-03"]
    scenario = json.dumps(claim["worst"]["scenario"])
    assert run("verify", "--claims", "LR-03", "--scenario", scenario, "--out", tmp_path / "x") == 0
    again = read_results(tmp_path / "x" / "results.jsonl").claims["LR-03"]
    assert again["margin"] == claim["margin"]
    assert again["scenarios"] == 1


def test_report_gate_baseline_compare(verified, tmp_path, capsys):
    results, baseline = verified / "results.jsonl", tmp_path / "baseline.json"
    assert run("gate", results, "--baseline", baseline) == 4
    assert run("baseline", results, "--out", baseline) == 0
    assert run("gate", results, "--baseline", baseline, "--junit", tmp_path / "j.xml") == 0
    assert "testsuite" in (tmp_path / "j.xml").read_text()
    assert run("report", results, "--out", tmp_path / "page.html") == 0
    assert "LR-03" in (tmp_path / "page.html").read_text()
    capsys.readouterr()
    assert run("compare", results, results) == 0
    assert "No claim changed" in capsys.readouterr().out


def test_gate_fails_on_a_worse_margin(verified, tmp_path):
    results, baseline = verified / "results.jsonl", tmp_path / "baseline.json"
    assert run("baseline", results, "--out", baseline) == 0
    better = json.loads(baseline.read_text())
    better["claims"]["LR-03"]["margin"] += 0.5
    baseline.write_text(json.dumps(better))
    assert run("gate", results, "--baseline", baseline) == 0  # rounding of another machine
    better["claims"]["LR-03"]["statistic"] /= 20.0
    baseline.write_text(json.dumps(better))
    assert run("gate", results, "--baseline", baseline) == 1


def test_claims_lists_and_shows(capsys):
    assert run("claims") == 0
    out = capsys.readouterr().out
    assert all(claim_id in out for claim_id in CHECKS)
    assert run("claims", "LR-08", "--json") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "bound"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "--claims", "LR-99"], "claims='LR-99' matches none of"),
        (["verify", "--claims", "LR-03,nothing"], "claims='nothing' matches none of"),
        (["verify", "--claims", ""], "claims='' matches none of"),
        (["verify", "--profile", "fast"], "profile='fast', needs one of"),
        (["verify", "--device", "tpu"], "device='tpu', needs cpu or cuda"),
        (["verify", "--dtype", "float16"], "dtype='float16', needs one of"),
        (["verify", "--seed", "-1"], "seed=-1, needs an integer >= 0"),
        (["verify", "--jobs", "0"], "jobs=0, needs >= 1"),
        (["verify", "--claims", "LR-03", "--scenario", "{"], "scenario is not JSON"),
        (["verify", "--claims", "LR-0*", "--scenario", "{}"], "a scenario needs one claim"),
        (["verify", "--claims", "LR-03", "--scenario", "{}"], "scenario lacks"),
        (["claims", "LR-99"], "claim='LR-99', needs one of"),
        (["report", "/nothing/here.jsonl"], "cannot be read"),
        (["gate", "/nothing/here.jsonl"], "cannot be read"),
        (["verify", "--claims", "LR-06", "--out", "/proc/lpfl"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, words, capsys, tmp_path):
    if "--out" not in arguments and arguments[0] == "verify":
        arguments = [*arguments, "--out", str(tmp_path)]
    assert run(*arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_cuda_without_a_gpu_is_named(capsys, tmp_path):
    import torch

    expected = 0 if torch.cuda.is_available() else 2
    assert run("verify", "--claims", "LR-06", "--device", "cuda", "--out", tmp_path) == expected
    assert expected == 0 or "needs a CUDA GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "got no header line"),
        (b"hello\n", ":1:"),
        (b'{"type":"header","schema_version":99}\n', "schema_version"),
        (b"\x00\xff\x00\n", ":1:"),
    ],
)
def test_a_foreign_results_file_is_named(content, words, tmp_path, capsys):
    path = tmp_path / "foreign.jsonl"
    path.write_bytes(content)
    assert run("report", path, "--out", tmp_path / "page.html") == 2
    err = capsys.readouterr().err
    assert words in err
    assert not (tmp_path / "page.html").exists()


def test_a_truncated_results_file_still_makes_a_page(verified, tmp_path):
    content = (verified / "results.jsonl").read_bytes()
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(content[: int(len(content) * 0.7)])
    assert run("report", cut, "--out", tmp_path / "page.html") == 0
    assert "cut off" in (tmp_path / "page.html").read_text()


def test_a_scenario_outside_the_domain_is_refused(capsys, tmp_path):
    """n < d, where KFAC needs the sample covariance inverted."""
    anchor = {**CHECKS["LR-03"].space.anchors[0].as_json(), "batch_size": 50}
    code = run("verify", "--claims", "LR-03", "--scenario", json.dumps(anchor), "--out", tmp_path)
    assert code == 2
    assert "needs an integer in" in capsys.readouterr().err


def test_interrupt_keeps_what_is_done(tmp_path):
    """Ctrl-C after the first claims: records stay, the page is written, exit code 130."""
    command = [sys.executable, "-m", "lpfl.cli", "verify",
               "--claims", "LR-06,LR-16", "--jobs", "1", "--out", str(tmp_path)]  # fmt: skip
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell has inherited an ignored interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    assert "LR-06" in process.stderr.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "1 of 2 claims kept" in err
    results = read_results(tmp_path / "results.jsonl")
    assert list(results.claims) == ["LR-06"]
    assert (tmp_path / "index.html").exists()


def test_help_is_light():
    """``lpfl --help`` loads nothing heavy."""
    code = (
        "import sys; from lpfl.cli import build_parser; build_parser().format_help();"
        "print([m for m in ('torch', 'sympy', 'numpy', 'scipy', 'hypothesis') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
