"""inv.fingerprint: exact for the methods it must be, felt where it must be, and what damping is."""

from dataclasses import replace

import pytest
import torch

from lpfl.conformance.claims import METHODS, PROPERTIES, known_words, promise_of
from lpfl.conformance.learning.fingerprint import World, deviation
from lpfl.conformance.learning.inner_rounding import precision
from lpfl.conformance.learning.transforms import TRANSFORMS, draw_transform
from lpfl.conformance.outcomes import Outcome, worst
from lpfl.conformance.registry import all_checks
from lpfl.conformance.running import run_check
from lpfl.conformance.spec import OptimizerSpec, resolve
from lpfl.conformance.subject import Subject
from tests.conformance import toy_kfac
from tests.conformance.invariance import whitening

WIDE, TALL = World((4, 9)), World((9, 5))


def claimed(name: str, *claims: str) -> Subject:
    spec = resolve(f"torch.optim:{name}")
    return Subject(replace(spec, claims=frozenset(claims)), quick=True)


def toy(kind: type, *claims: str, model: bool = False) -> Subject:
    needs = frozenset({"model"} if model else ())
    spec = OptimizerSpec(name=kind.__name__, factory=kind, claims=frozenset(claims), needs=needs)
    return Subject(resolve(spec), quick=True)


def answers(subject: Subject, check_id: str = "inv.fingerprint") -> list:
    return run_check(all_checks()[check_id], subject)


def outcome(subject: Subject, check_id: str = "inv.fingerprint") -> Outcome:
    return worst(a.outcome for a in answers(subject, check_id))


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_transforms_are_what_they_are_called(kind):
    A = draw_transform(kind, 5, torch.Generator().manual_seed(3))
    values = torch.linalg.svdvals(A)
    unit = torch.ones(5, dtype=torch.float64)
    if kind in ("rotation", "permutation"):
        assert torch.allclose(A @ A.mT, torch.eye(5, dtype=torch.float64))
    if kind == "permutation":
        assert bool(((A == 0) | (A == 1)).all())
        assert not torch.equal(A, torch.eye(5, dtype=torch.float64))
    if kind == "scale":
        assert torch.equal(A, 2 * torch.eye(5, dtype=torch.float64))
    if kind in ("diagonal", "general"):
        assert torch.allclose(values[[0, -1]], torch.tensor([2.0, 0.5]).double())
        assert not torch.allclose(values, unit)


def test_sgd_is_exact_under_rotation_and_feels_scale():
    subject = claimed("SGD")
    assert deviation(subject, WIDE, "inputs", "rotation") < 1e-12
    assert deviation(subject, WIDE, "inputs", "scale") > 0.3
    assert precision(subject, WIDE).bound < 1e-8


def test_adam_fails_rotation_and_passes_permutation():
    subject = claimed("Adam")
    assert deviation(subject, WIDE, "inputs", "rotation") > 0.2
    assert deviation(subject, WIDE, "inputs", "permutation") < 1e-12


def test_the_tolerance_of_muon_is_measured_as_that_of_bfloat16():
    subject = claimed("Muon")
    found = precision(subject, WIDE)
    assert found.level == 2e-2
    assert 5e-3 < found.bound < 0.1
    assert 1e-4 < deviation(subject, WIDE, "inputs", "rotation") < found.bound


def test_whitening_is_unchanged_by_any_invertible_map_and_damping_is_felt():
    for kind in TRANSFORMS:
        assert deviation(toy(whitening.Whitened), TALL, "inputs", kind) < 1e-8
    assert deviation(toy(whitening.Damped), TALL, "inputs", "general") > 0.05


@pytest.mark.parametrize(
    ("name", "claims"),
    [("SGD", {"sgd"}), ("Adam", {"adam"}), ("Muon", {"muon"}), ("Adagrad", {"adagrad"})],
)
def test_torch_keeps_what_its_names_promise(name, claims):
    assert outcome(claimed(name, *claims)) is Outcome.CONFORMS


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("Adam", "rotation-equivariant"),
        ("Adam", "muon"),
        ("SGD", "adam"),
        ("SGD", "affine-invariant"),
        ("SGD", "loss-scale-invariant"),
        ("SGD", "condition_number free"),
    ],
)
def test_a_wrong_claim_deviates(name, claim):
    assert outcome(claimed(name, claim)) is Outcome.DEVIATES


def test_a_deviation_is_small_proven_and_named():
    (found, *_) = answers(claimed("Adam", "rotation-equivariant"))
    assert found.scenario["transform"] == "rotation"
    assert found.scenario["steps"] <= 6
    assert "from torch.optim import Adam" in found.snippet
    assert "lpfl" not in found.snippet
    assert found.measured > found.bound


@pytest.mark.parametrize("kind", [whitening.Whitened, whitening.Damped, whitening.Fixed])
def test_damping_is_a_convention_and_not_a_defect(kind):
    assert outcome(toy(kind, "affine-invariant")) in (Outcome.CONFORMS, Outcome.CONVENTION)


@pytest.mark.parametrize("kind", [whitening.Diagonal, whitening.Root, whitening.DampedLate])
def test_broken_whitening_deviates(kind):
    assert outcome(toy(kind, "affine-invariant")) is Outcome.DEVIATES


def test_kfac_keeps_its_promise_up_to_damping():
    assert outcome(toy(toy_kfac.Kfac, "kfac", model=True)) is Outcome.CONVENTION


@pytest.mark.parametrize(
    "kind", [toy_kfac.DiagonalKfac, toy_kfac.RootKfac, toy_kfac.DampedLateKfac, toy_kfac.DeafKfac]
)
def test_broken_kfac_deviates(kind):
    assert outcome(toy(kind, "kfac", model=True)) is Outcome.DEVIATES


def test_without_claims_it_says_what_holds():
    (found,) = answers(claimed("SGD"))
    assert found.outcome is Outcome.CONFORMS
    assert "rotation-equivariant" in found.details["supports"]
    assert "loss-scale-invariant" not in found.details["supports"]


def test_every_word_says_what_it_promises():
    assert known_words() == frozenset(PROPERTIES) | frozenset(METHODS)
    assert all(promise_of(word).says for word in known_words())
    assert promise_of("KFAC") is METHODS["kfac"]
    assert promise_of("a word that nobody knows") is None
