"""theory.*: the numbers of the theory are found again, and planted faults are told by them."""

import math
from dataclasses import replace

import pytest

from lpfl import check_optimizer
from lpfl.conformance.checks.theory import alignment as theory_alignment
from lpfl.conformance.checks.theory import condition_number as theory_condition_number
from lpfl.conformance.checks.theory import scale_exponents as theory_scale_exponents
from lpfl.conformance.learning.exponents import Estimate, held, jackknife, together
from lpfl.conformance.learning.local_rates import Task, local_rate
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.spec import resolve
from lpfl.conformance.subject import Subject
from tests.conformance import toy_kfac
from tests.conformance.invariance.test_fingerprint import answers, claimed, outcome, toy

RATE, SCALE, ALIGN = "theory.condition-number", "theory.scale-exponents", "theory.alignment"


def kfac(kind=toy_kfac.Kfac):
    return toy(kind, "kfac", model=True)


def test_the_rate_of_a_power_is_found():
    left = [0.9**t for t in range(30)]
    assert local_rate([left, left]) == pytest.approx(0.1, rel=1e-9)


def test_the_jackknife_of_a_mean_gives_the_values_back():
    values = [1.0, 4.0, 2.0, 7.0]
    found = jackknife(4, lambda chosen: sum(values[i] for i in chosen) / len(chosen))
    assert found.samples == pytest.approx(values)
    assert found.value == pytest.approx(3.5)


def test_a_decision_needs_its_power():
    sharp = Estimate(1.0, tuple(1.0 + 0.001 * (-1) ** i for i in range(8)))
    blunt = Estimate(1.0, tuple(1.0 + 0.5 * (-1) ** i for i in range(8)))
    assert held(sharp, 1.0, margin=0.1, rival=0.5) is Outcome.CONFORMS
    assert held(sharp, 0.5, margin=0.1, rival=0.5) is Outcome.DEVIATES
    assert held(blunt, 1.0, margin=0.1, rival=0.5) is Outcome.INCONCLUSIVE
    assert held(sharp, 1.0, margin=0.1, rival=0.05) is Outcome.INCONCLUSIVE
    assert held(Estimate(math.nan, (math.nan,) * 8), 1.0, margin=0.1, rival=1.0) is (
        Outcome.INCONCLUSIVE
    )
    assert together([]) is Outcome.INCONCLUSIVE


def test_the_theory_gives_the_known_exponents():
    subject = claimed("SGD")
    numbers = {
        m: theory_condition_number.predicted(subject, Task(), m) for m in ("sgd", "kfac", "muon")
    }
    assert numbers["sgd"] == pytest.approx((1, 1), abs=1e-3)
    assert numbers["kfac"] == pytest.approx((0, 0), abs=1e-9)
    assert numbers["muon"] == pytest.approx((1, 0.5), abs=1e-3)
    rows = {m: list(theory_scale_exponents.predicted(m).values()) for m in ("sgd", "kfac", "adam")}
    assert rows["sgd"] == pytest.approx([2, 0, 2, 0], abs=1e-3)
    assert rows["kfac"] == pytest.approx([0, 0, 0, 0], abs=1e-9)
    assert rows["adam"] == pytest.approx([0, -1, 1, 0.5], abs=1e-2)
    assert theory_alignment.predicted("sgd") < theory_alignment.predicted("kfac", damping=0.0)


@pytest.mark.parametrize("check", [RATE, ALIGN, "theory.spike"])
def test_sgd_is_found_to_be_sgd(check):
    assert outcome(claimed("SGD", "sgd"), check) is Outcome.CONFORMS


@pytest.mark.parametrize("check", [RATE, ALIGN])
def test_sgd_is_not_free_of_the_condition_number(check):
    assert outcome(claimed("SGD", "condition-number-free"), check) is Outcome.DEVIATES


def test_adam_is_not_sgd():
    assert outcome(claimed("Adam", "sgd"), SCALE) is Outcome.DEVIATES


@pytest.mark.parametrize("check", [RATE, ALIGN, SCALE, "theory.damping", "theory.same-batch"])
def test_kfac_is_found_to_be_kfac(check):
    assert outcome(kfac(), check) is Outcome.CONFORMS


@pytest.mark.parametrize("kind", [toy_kfac.DiagonalKfac, toy_kfac.RootKfac, toy_kfac.DeafKfac])
def test_faults_of_the_factors_bring_the_condition_number_back(kind):
    assert outcome(kfac(kind), RATE) is Outcome.DEVIATES


def test_a_damping_that_does_nothing_or_the_wrong_thing_is_told():
    assert outcome(kfac(toy_kfac.DeafKfac), "theory.damping") is Outcome.DEVIATES
    assert outcome(kfac(toy_kfac.DampedLateKfac), "theory.damping") is Outcome.DEVIATES


def test_the_factor_of_an_earlier_batch_is_told_from_an_average():
    assert outcome(kfac(toy_kfac.StaleKfac), "theory.same-batch") is Outcome.DEVIATES
    assert outcome(kfac(toy_kfac.AveragedKfac), "theory.same-batch") is Outcome.CONFORMS


def test_the_noise_floor_of_kfac_is_the_theory_s():
    (found,) = answers(kfac(), "theory.floor")
    assert found.measured == pytest.approx(1.0, abs=0.25)
    assert found.outcome in (Outcome.CONFORMS, Outcome.INCONCLUSIVE)


def test_muon_leaves_no_outlier():
    (found,) = answers(claimed("Muon", "muon"), "theory.spike")
    assert found.outcome is Outcome.CONFORMS
    assert not found.details["outlier"]


def test_every_answer_says_what_it_means_for_features():
    for check in (RATE, ALIGN, "theory.spike"):
        assert all(a.feature.endswith(".") for a in answers(claimed("SGD"), check))


@pytest.mark.parametrize("check", [RATE, SCALE, "theory.floor"])
def test_momentum_is_no_departure_from_sgd(check):
    spec = resolve("torch.optim:SGD", options={"momentum": 0.9, "nesterov": True})
    subject = Subject(replace(spec, claims=frozenset({"nesterov"})), quick=True)
    assert outcome(subject, check) is Outcome.CONFORMS


@pytest.mark.parametrize("check", [ALIGN, RATE])
def test_a_deviation_from_the_theory_is_shown_with_torch_alone(check):
    spec = replace(resolve("torch.optim:SGD"), claims=frozenset({"kfac"}), options={"lr": 0.1})
    (result,) = check_optimizer(spec, checks=[check], on_fail=None, quick=True).failed
    assert "lpfl" not in result.snippet
    printed = float(result.snippet.rstrip().rpartition(" ")[2])
    assert min(abs(printed - result.measured), abs(printed - result.measured - 1)) < 1e-6


SHOWN = [
    ("theory.floor", "SGD", {"lr": 0.1}, "kfac"),
    ("theory.spike", "Muon", {}, "sgd"),
    ("theory.same-batch", toy_kfac.StaleKfac, {}, "kfac"),
    ("theory.damping", toy_kfac.DeafKfac, {}, "kfac"),
    ("theory.damping", toy_kfac.DampedLateKfac, {}, "kfac"),
]


@pytest.mark.parametrize(("check", "kind", "options", "claim"), SHOWN)
def test_every_theory_check_shows_what_it_says_with_torch_alone(check, kind, options, claim):
    if isinstance(kind, str):
        spec = replace(resolve(f"torch.optim:{kind}"), claims=frozenset({claim}), options=options)
    else:
        spec = kfac(kind).spec
    (result,) = check_optimizer(spec, checks=[check], on_fail=None).failed
    assert "import lpfl" not in result.snippet
    assert "from lpfl" not in result.snippet
    assert result.snippet.rstrip().rpartition("\n")[2].startswith("# prints: "), result.details
