"""Long runs, sparse gradients, late buffers and groups: wrong optimizers beside right ones."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.agreement import Pair, agree
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory
from tests.conformance import faulty_long as faulty
from tests.conformance.faulty_small import Adam, Sgd


def told(factory, check, needs=()):
    spec = OptimizerSpec("s", factory, needs=frozenset(needs))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    accused = [r for r in report.results if str(r.outcome) in ("limit", "deviates")]
    assert all(r.snippet for r in accused)
    return str(report.outcome(check)), " ".join(r.message for r in report.results)


@pytest.mark.parametrize(
    ("check", "wrong", "right", "outcome", "words"),
    [
        ("api.growth", faulty.OneMinusTwice, faulty.Bets, "deviates", "leave all bounds"),
        ("api.grads-kept", faulty.WritesDecay, faulty.DecaysBeside, "limit", "foreach=True, weig"),
        ("api.sparse", faulty.ForgetsMaximum, faulty.RowsOfMaximum, "limit", "amsgrad=True"),
        ("api.sparse", faulty.NeedsRows, faulty.RowsOfMaximum, "limit", "without entries raises"),
        ("api.late", faulty.DampensLateOnes, faulty.Dampened, "limit", "dampening=0.9"),
        ("api.determinism", faulty.TunesOnWeights, Sgd, "deviates", "has not met"),
    ],
)
def test_the_wrong_one_is_found_and_the_right_one_is_not(check, wrong, right, outcome, words):
    assert told(right, check)[0] == "conforms"
    found, message = told(wrong, check)
    assert found == outcome
    assert words in message


def test_steps_that_do_not_grow_are_not_told_to():
    assert told(Adam, "api.growth")[0] == "conforms"


def test_what_is_told_of_sparse_gradients_is_a_variant():
    assert told(faulty.SaysItForgets, "api.sparse")[0] == "documented variant"


def test_a_group_may_have_its_rate_as_a_number():
    needs = ("tensor_lr",)
    assert told(faulty.RateInTensor, "api.groups", needs)[0] == "cannot be driven here"
    found, message = told(faulty.NumbersStayNumbers, "api.groups", needs)
    assert found == "limit"
    assert "as a number raises RuntimeError" in message


def test_a_difference_that_does_not_come_again_is_left_open():
    subject, calls = Subject(OptimizerSpec("s", Sgd)), []

    def once(start, gradients):
        calls.append(len(gradients))
        run = subject.run(start, gradients)
        if len(calls) > 6:
            return run
        return Trajectory([run.values[0], *([2.0 * v for v in row] for row in run.values[1:])])

    pair = Pair(check="api.instances", says="another time", plain=subject.run, other=once)
    answer = agree(subject, pair, [(6, 4)], 4)
    assert answer.outcome is Outcome.INCONCLUSIVE
    assert "not reproducible" in answer.message
