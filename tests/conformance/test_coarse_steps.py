"""Many small steps in bfloat16: what is told not to be lost, and what chance and rounding may."""

import pytest
import torch

from lpfl.conformance.checks.coarse.small_steps import AMONG, FAR, _rated, _shares
from lpfl.conformance.checks.coarse.told import kept, options
from lpfl.conformance.spec import resolve
from lpfl.conformance.subject import Subject
from tests.conformance import faulty_coarse as faulty
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.twin_answers import judged, require_apart

CHECK, SHAPE = "api.small-steps", [(16, 32)]
PAIRS = [
    (faulty.ByChance, faulty.FewRandomBits, "to one side"),
    (faulty.SumsUp, faulty.Overwrites, "not to be lost"),
    (faulty.Copies, faulty.CopiesUntilFine, "behind one in float32"),
]


@pytest.mark.parametrize(("right", "wrong", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(right, wrong, words):
    require_apart(CHECK, right, wrong, "numerics", words)


PLAIN = [
    torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD, torch.optim.RMSprop, torch.optim.NAdam,
    torch.optim.RAdam, torch.optim.Adagrad, torch.optim.Adadelta, torch.optim.Adafactor,
    torch.optim.Muon, faulty.Decays,
]  # fmt: skip


@pytest.mark.parametrize("kind", PLAIN)
def test_who_promises_nothing_may_lose_small_steps(kind):
    assert judged(kind, CHECK)[0] == "conforms"


def shares(kind, seed):
    subject = Subject(resolve(kind), seed=seed)
    base = _rated(subject, SHAPE, {})
    return [_shares(subject, SHAPE, base, few) for few in AMONG.values()]


@pytest.mark.parametrize("seed", range(6))
def test_the_bounds_are_far_from_what_the_right_ones_do(seed):
    for kind in (faulty.ByChance, faulty.SumsUp, faulty.Copies):
        found = shares(kind, seed)
        assert None not in found
        assert all(s.within((0.85, 1.15)) for s in found), found
    assert all(s.within((-0.01, 0.01)) for s in shares(torch.optim.AdamW, seed))
    assert not any(s.within(FAR) for s in shares(faulty.FewRandomBits, seed))


@pytest.mark.parametrize(
    ("kind", "told"),
    [(faulty.ByChance, True), (faulty.SumsUp, True), (faulty.Copies, True), (faulty.Decays, False)],
)
def test_what_is_told_by_default(kind, told):
    assert kept(Subject(resolve(kind))) is told


def test_words_against_it_and_words_about_state_are_no_promise():
    class Plain(torch.optim.SGD):
        """No Kahan summation. Moments are rounded by stochastic rounding. It may keep copies."""

    assert not kept(Subject(resolve(Plain)))


def test_what_is_told_of_float16_alone_is_no_promise():
    class Half(torch.optim.SGD):
        """Master weights are kept beside float16 weights."""

    class Both(torch.optim.SGD):
        """Master weights are kept beside float16 and bfloat16 weights."""

    assert [kept(Subject(resolve(kind))) for kind in (Half, Both)] == [False, True]


def test_an_option_is_switched_on():
    class Optional(torch.optim.SGD):
        """Kahan summation, if kahan_sum."""

        def __init__(self, params, lr=0.1, kahan_sum=None):
            super().__init__(params, lr=lr)

    subject = Subject(resolve(Optional))
    assert (options(subject), kept(subject)) == ([{"kahan_sum": True}], False)


class ByDifference(PerParameter, lr=0.01):
    """Steps by a small difference of a number that is kept, of which few bits leave another."""

    def update(self, p, g, state, group):
        kept = state.setdefault("kept", torch.full_like(p, 1.002))
        p -= group["lr"] * g * ((1.00205 - kept.float()) / 0.00005).to(p.dtype)


def test_what_rounding_of_the_state_does_to_weights_in_float32_too_is_not_accused():
    subject = Subject(resolve(ByDifference))
    base = _rated(subject, SHAPE, {})
    assert not _shares(subject, SHAPE, base, (1,)).within(FAR)
    assert judged(ByDifference, CHECK)[0] == "conforms"
