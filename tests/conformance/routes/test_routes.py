"""The four ways to have an optimizer judged, what they refuse, and how they end."""

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer, parametrize_optimizer_checks
from lpfl.cli import main
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.report import ConformanceError, Report
from lpfl.conformance.views.junit import to_junit

pytest_plugins = ["pytester"]

TOY = """
import torch
from lpfl import OptimizerSpec


class Right(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)


class WritesRate(Right):
    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] *= 0.9
        return super().step(closure)


def loud(params, lr=0.1):
    return Right(params, lr=lr)


SPEC = OptimizerSpec("toy", WritesRate, expected_failures={"api.keys": "a schedule of its own"})
STALE = OptimizerSpec("stale", Right, expected_failures={"api.keys": "long mended"})
NOTHING = 3
"""


class WritesRate(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)

    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] *= 0.9
        return super().step(closure)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    (tmp_path / "toy_optimizers.py").write_text(TOY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "toy_optimizers"
    sys.modules.pop("toy_optimizers", None)


def test_a_failure_raises_with_the_report():
    with pytest.raises(ConformanceError, match=r"api\.keys: The option 'lr' goes from") as caught:
        check_optimizer(WritesRate, checks=["api.keys"])
    assert caught.value.report.outcome("api.keys") is Outcome.DEVIATES


def test_a_failure_warns():
    with pytest.warns(UserWarning, match=r"WritesRate fails: api\.keys"):
        check_optimizer(WritesRate, checks=["api.keys"], on_fail="warn")


def test_a_lambda_is_judged_too():
    report = check_optimizer(
        lambda params: WritesRate(params, lr=0.3), checks=["api.keys"], on_fail=None
    )
    (result,) = report.failed
    assert "from 0.3" in result.message
    assert "# prints:" in result.snippet


def test_a_snippet_runs_by_itself(tmp_path):
    (result,) = check_optimizer(WritesRate, checks=["api.keys"], on_fail=None).results
    program = tmp_path / "shows.py"
    program.write_text(result.snippet, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.strip() == result.snippet.strip().rpartition("# prints: ")[2]


def test_expected_failures_do_not_fail():
    spec = OptimizerSpec("w", WritesRate, expected_failures={"api.keys": "its own schedule"})
    report = check_optimizer(spec, checks=["api.keys"])
    assert report.failed == []
    assert report.results[0].expected == "its own schedule"


def test_expected_failures_are_strict():
    spec = OptimizerSpec("a", torch.optim.Adam, expected_failures={"api.keys": "long mended"})
    report = check_optimizer(spec, checks=["api.keys"], on_fail=None)
    (result,) = report.failed
    assert result.stale
    assert "long mended" in result.message
    with pytest.raises(ConformanceError):
        check_optimizer(spec, checks=["api.keys"])


def test_without_isolation_the_answers_are_the_same():
    def told(isolated):
        report = check_optimizer(WritesRate, checks=["api"], on_fail=None, isolated=isolated)
        return [(r.check, r.outcome, r.message) for r in report.results]

    assert told(True) == told(False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_fail": "shout"}, "on_fail='shout', needs"),
        ({"checks": ["api.nothing"]}, "checks='api.nothing' selects nothing"),
        ({"checks": "api.keys"}, "checks='api.keys', needs a list"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        check_optimizer(torch.optim.SGD, **arguments)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("torch.optim", "needs the form"),
        ("torch.optim:Nothing", "cannot be imported"),
        ("no_such_package:X", "cannot be imported"),
        (3, "subject=3, needs"),
    ],
)
def test_bad_subjects_are_refused(subject, message):
    with pytest.raises(ValueError, match=message):
        check_optimizer(subject)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"needs": {"magic"}}, r"needs=\['magic'\], known are"),
        ({"claims": "adam"}, "claims='adam', needs a set"),
        ({"tolerances": {"api.keys": 0.0}}, "needs > 0"),
        ({"factory": 3}, "factory=3, needs a callable"),
    ],
)
def test_bad_specs_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        OptimizerSpec(**{"name": "x", "factory": torch.optim.SGD, **fields})


def test_an_unknown_expected_failure_is_refused():
    spec = OptimizerSpec("x", torch.optim.SGD, expected_failures={"api.nothing": "why"})
    with pytest.raises(ValueError, match=r"api\.nothing"):
        check_optimizer(spec)


def test_the_command_ends_as_the_optimizer_does(toy, capsys):
    assert main(["check-optimizer", f"{toy}:Right", "--checks", "api.keys"]) == 0
    assert main(["check-optimizer", f"{toy}:WritesRate", "--checks", "api.keys"]) == 1
    assert main(["check-optimizer", f"{toy}:SPEC", "--checks", "api.keys"]) == 0
    assert main(["check-optimizer", f"{toy}:STALE", "--checks", "api.keys"]) == 1
    assert "EXPECTED FAILURE IS GONE" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["toy_optimizers:NOTHING"],
        ["toy_optimizers:Absent"],
        ["no_such_entry_point"],
        ["toy_optimizers:Right", "--option", "lr"],
        ["toy_optimizers:Right", "--checks", "nothing.*"],
    ],
)
def test_the_command_refuses_bad_input(toy, capsys, arguments):
    assert main(["check-optimizer", *arguments]) == 2
    assert "error:" in capsys.readouterr().err


def test_strict_makes_inconclusive_an_exit_code():
    from lpfl.commands.check_optimizer import exit_code

    open_one = CheckResult(check="api.x", outcome=Outcome.INCONCLUSIVE, message="open.")
    report = Report(OptimizerSpec("x", torch.optim.SGD), [open_one])
    assert exit_code([report], strict=False) == 0
    assert exit_code([report], strict=True) == 3


def test_the_command_writes_json_junit_and_a_page(toy, tmp_path, capsys):
    arguments = ["--json", "r.json", "--junit", "r.xml", "--html", "r.html", "--option", "lr=0.25"]
    checks = ["--checks", "api.keys"]
    assert main(["check-optimizer", f"{toy}:WritesRate", *checks, *arguments]) == 1
    read = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert read["options"] == {"lr": 0.25}
    assert read["failed"] == ["api.keys"]
    suite = ET.parse(tmp_path / "r.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert "api.keys" in (tmp_path / "r.html").read_text(encoding="utf-8")
    capsys.readouterr()


def test_pytest_judges_without_a_test_file(pytester):
    pytester.makepyfile(toy_optimizers=TOY)
    done = pytester.runpytest_subprocess(
        "--lpfl-optimizer",
        "toy_optimizers:WritesRate",
        "-k",
        "api.keys or api.order and not switches",
    )
    done.assert_outcomes(failed=1, passed=1, deselected=pytest_deselected(done))
    done.stdout.fnmatch_lines(["*DEVIATES*api.keys*"])


def pytest_deselected(done):
    return done.parseoutcomes().get("deselected", 0)


def test_pytest_reads_the_ini_key(pytester):
    pytester.makepyfile(toy_optimizers=TOY)
    pytester.makeini("[pytest]\nlpfl_optimizers =\n    toy_optimizers:SPEC\n")
    done = pytester.runpytest_subprocess("-k", "api.keys or api.mode")
    found = done.parseoutcomes()
    assert (found["xfailed"], found["skipped"]) == (1, 1)


def test_pytest_refuses_a_bad_address(pytester):
    done = pytester.runpytest_subprocess("--lpfl-optimizer", "nothing:AtAll")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*nothing:AtAll*cannot be imported*"])


@parametrize_optimizer_checks([torch.optim.SGD, torch.optim.Adam], checks=["api.keys", "api.order"])
def test_parametrized(check):
    check()


def test_parametrized_checks_fail_with_the_report():
    mark = parametrize_optimizer_checks([WritesRate], checks=["api.keys"])
    (case,) = mark.args[1]
    with pytest.raises(pytest.fail.Exception, match="The option 'lr' goes from"):
        case.values[0]()


def test_importing_lpfl_imports_nothing_heavy():
    program = (
        "import sys, lpfl, lpfl.pytest_plugin, lpfl.cli\n"
        "print(sorted({'torch', 'hypothesis', 'numpy', 'sympy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "[]"


def test_texts_of_a_subject_are_made_harmless():
    nasty = "<script>alert(1)</script>\x1b[31m\u202e"
    answer = CheckResult(
        check="api.x", outcome=Outcome.DEVIATES, message=nasty, snippet=nasty, scenario={"a": nasty}
    )
    report = Report(OptimizerSpec(nasty, torch.optim.SGD), [answer])
    assert "\x1b" not in report.text()
    assert "\u202e" not in report.text()
    page = report.html()
    assert "<script>" not in page
    assert "\x1b" not in page
    root = ET.fromstring(to_junit([report]))
    assert root[0][0][0].get("type") == "deviates"
    assert json.loads(report.as_json())["results"][0]["message"] == nasty
    assert report._repr_html_().strip().startswith("<div")


def test_theory_comes_first():
    api = CheckResult(check="api.x", outcome=Outcome.DEVIATES, message="The gap is 1.")
    theory = CheckResult(
        check="theory.x", outcome=Outcome.CONFORMS, message="m.", feature="It learns the subspace."
    )
    text = Report(OptimizerSpec("x", torch.optim.SGD), [api, theory]).text()
    assert text.index("It learns the subspace.") < text.index("The gap is 1.")
