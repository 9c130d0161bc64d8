"""Mutants: where they are, that they come alive, and what they are seen by."""

import json
import subprocess
import sys

import pytest

from lpfl.cli import main
from lpfl.trust.coverage import executed, exercising, nearness
from lpfl.trust.limits import OutOfTime, processor_time
from lpfl.trust.mutant_tests import tests_of as files_of
from lpfl.trust.mutants import alive, counts, sample, try_mutant
from lpfl.trust.mutation import mutants_in

SOURCE = '''
"""Not 1 of these."""
LIMIT: int = 3


class Rule:
    rate: float = 0.5

    def step(self, W, g):
        if self.rate <= 0:
            raise ValueError(f"rate={self.rate + 1}")
        return W - self.rate * g.mT
'''


def names(tmp_path, source: str) -> dict[str, bool]:
    path = tmp_path / "sample.py"
    path.write_text(source)
    return {mutant.name: mutant.guard for mutant in mutants_in("m", path)}


def test_what_is_changed(tmp_path):
    """Comparisons, arithmetic, terms, constants, transposes; no messages, no docstrings."""
    assert names(tmp_path, SOURCE) == {
        "m:: 3 -> 4": False,
        "m:Rule.: 0.5 -> 1.0": False,
        "m:Rule.step: self.rate <= 0 -> self.rate < 0": True,
        "m:Rule.step: 0 -> 1": True,
        "m:Rule.step: W - self.rate * g.mT -> W + self.rate * g.mT": False,
        "m:Rule.step: W - self.rate * g.mT -> W": False,
        "m:Rule.step: self.rate * g.mT -> self.rate / g.mT": False,
        "m:Rule.step: self.rate * g.mT -> self.rate": False,
        "m:Rule.step: g.mT -> g": False,
    }


def test_equal_changes_are_numbered(tmp_path):
    assert list(names(tmp_path, "a = 1\nb = 1\n")) == ["m:: 1 -> 2", "m:: 1 -> 2 #1"]


def test_a_larger_sample_holds_the_smaller_one():
    every = [str(number) for number in range(100)]
    assert sample(every, 20, 0)[:10] == sample(every, 10, 0)
    assert sample(every, 10, 0) != sample(every, 10, 1)


TESTS = "tests/optim/test_steps.py"
ASCENT = "lpfl.optim.sgd:sgd_step: W - step_size * grad -> W + step_size * grad"


def test_a_mutant_comes_alive_and_is_refuted():
    import torch

    from lpfl.optim import sgd

    W, g = torch.ones(1, 1), torch.ones(1, 1)
    with alive(ASCENT):
        assert sgd.sgd_step(W, g, step_size=0.5).item() == 1.5
    assert sgd.sgd_step(W, g, step_size=0.5).item() == 0.5
    with pytest.raises(ValueError, match="has no such place"), alive("lpfl.optim.sgd:f: a -> b"):
        pass
    found = try_mutant(ASCENT, "OP-01", 1, 60)
    assert (found["outcome"], found["claim"]) == ("refuted", "OP-01")


def test_a_change_without_claims_is_not_seen():
    assert try_mutant(ASCENT, "", 1, 60)["outcome"] == "unreached"


def test_a_claim_enters_what_it_runs_and_the_cheapest_comes_first():
    record = executed("OP-01", 1)
    assert "lpfl.optim.sgd:sgd_step" in record["functions"]
    cheap = {"functions": ["lpfl.optim.sgd:sgd_step"], "seconds": [0.0, 0.0]}
    known = {"OP-01": {**record, "seconds": [1.0, 1.0]}, "LR-11": cheap}
    assert exercising("lpfl.optim.sgd", "sgd_step", known, ["OP-01"]) == ["LR-11", "OP-01"]
    assert exercising("lpfl.optim.sgd", "other", known, ["OP-01"]) == ["OP-01"]


def test_the_claim_stated_nearest_to_a_change_comes_first():
    place = "theory.linear_representation.rates.momentum"
    costs = {"LR-38": 9.0, "LR-01": 1.0, "OP-01": 0.0}
    known = {claim: {"functions": [], "seconds": [s, s]} for claim, s in costs.items()}
    assert exercising(place, "", known, list(costs)) == ["LR-38", "LR-01", "OP-01"]
    assert nearness(place, "theory.linear_representation.transfer") == 2


def test_time_that_is_over_ends_the_work():
    def forever() -> None:
        while True:
            pass

    with pytest.raises(OutOfTime), processor_time(0.05):
        forever()


def test_the_tests_of_a_module_are_found():
    files = files_of("lpfl.decide.means", "equivalence")
    assert any(file.endswith("test_decide.py") for file in files)
    assert not any(file.startswith("tests/faults") for file in files)


def test_equivalent_changes_are_not_counted():
    records = [
        {"id": "a", "outcome": "refuted"},
        {"id": "b", "outcome": "survived", "suite": "failed"},
        {"id": "c", "outcome": "unfinished", "suite": "passed"},
        {"id": "d", "outcome": "survived", "suite": "passed"},
    ]
    found = counts(records, {"d": "the same number"})
    assert (found["mutants"], found["equivalent"]) == (3, 1)
    assert (found["killed_by_verify"], found["killed_by_verify_or_tests"]) == (1, 2)
    assert found["survivors"] == ["c"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--count", "0"], "count=0, needs >= 1"),
        (["--in", "lpfl.nowhere"], "in='lpfl.nowhere', needs a module"),
        (["--equivalent", "none.json"], "equivalent=none.json cannot be read"),
    ],
)
def test_bad_input_is_one_line(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["mutants", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_list_of_reasons_holds_reasons(tmp_path, capsys):
    path = tmp_path / "EQUIVALENT.json"
    path.write_text(json.dumps({"a change": ""}))
    assert main(["mutants", "--out", str(tmp_path)]) == 2
    assert "needs an object of names and reasons" in capsys.readouterr().err


ON_TESTS = """
from lpfl.trust.mutant_tests import try_tests

for name, files in {tasks!r}:
    found = try_tests(name, files, 120)
    print(found["suite"], found["by"])
"""


def test_the_tests_see_a_change_and_nothing_without_one():
    """In a process of its own, as the command does: the code to be changed is imported first."""
    missing = "tests/optim/no_such_file.py"
    tasks = [("", TESTS), (ASCENT, TESTS), ("", missing), ("lpfl.optim.sgd:: 1 -> 2", "")]
    done = subprocess.run(
        [sys.executable, "-c", ON_TESTS.format(tasks=tasks)], capture_output=True, text=True
    )
    passed, failed, missing, none = done.stdout.splitlines()
    assert passed == "passed "
    assert failed.startswith(f"failed {TESTS}::")
    assert missing.startswith("no answer")
    assert none == "no tests "


def test_a_module_without_tests_of_its_own_takes_those_around_it():
    around = files_of("theory.single_index.variants", "")
    assert around
    assert files_of("theory.single_index.variants.no_such_module", "f") == around
