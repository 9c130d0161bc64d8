"""Groups that torch allows: wrong optimizers beside right ones."""

import pytest
import torch

from tests.conformance import faulty_groups as faulty
from tests.conformance.faulty_small import Adam, Sgd
from tests.conformance.twin_answers import judged, require_apart

ID = "api.group-contract"


@pytest.mark.parametrize(
    ("wrong", "outcome", "words"),
    [
        (faulty.EndsAtFrozen, "deviates", "beside a first one without any gradient"),
        (faulty.ZeroIsTheDefault, "limit", "with momentum=0.0 beside the default 0.9"),
        (faulty.LooksAtTheFirst, "limit", "raises IndexError"),
        (faulty.ListsItsRows, "limit", "as one tensor, without a list, raises ValueError"),
        (faulty.KnowsItsKeys, "limit", "raises AssertionError"),
        (faulty.AsksForEachGroup, "limit", "Two groups take 8 evaluations"),
    ],
)
def test_a_group_that_torch_allows_is_told(wrong, outcome, words):
    require_apart(ID, faulty.Momentum, wrong, outcome, words)


def test_a_refusal_in_words_is_a_variant():
    assert judged(faulty.SaysItsKeys, ID)[0] == "documented variant"


@pytest.mark.parametrize(
    "kind",
    [Sgd, Adam, torch.optim.SGD, torch.optim.AdamW, torch.optim.Adadelta, torch.optim.Rprop],
)
def test_right_optimizers_conform(kind):
    assert judged(kind, ID)[0] == "conforms"


class Coupled(Sgd):
    """One length of all gradients."""

    def step(self, closure=None):
        held = [p.grad for group in self.param_groups for p in group["params"]]
        self.size = sum(g.square().sum() for g in held if g is not None).sqrt()
        return super().step(closure)

    def update(self, p, g, state, group):
        p -= group["lr"] * g / self.size


class Fixed(faulty.Momentum):
    """Its groups have no momentum of their own, which is told where options are read."""

    def run(self, group):
        super().run({**group, "momentum": self.defaults["momentum"]})


class OneGroup(faulty.Momentum):
    """It has one group."""

    def add_param_group(self, group):
        if self.param_groups:
            raise ValueError("only one group is supported")
        super().add_param_group(group)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Coupled, "conforms"), (Fixed, "conforms"), (OneGroup, "conforms")],
)
def test_what_is_told_elsewhere_or_intended_is_left_alone(kind, outcome):
    assert judged(kind, ID)[0] == outcome


def test_a_switch_of_a_group_and_the_rate_of_a_second_one_are_read():
    words = "signs=True given in the group"
    require_apart("api.groups", faulty.Signs, faulty.SignsForAll, "limit", words)
    words = "the rate of a group is not read"
    right, wrong = faulty.SharesItsLength, faulty.FirstRateForAll
    require_apart("api.groups", right, wrong, "deviates", words)


def test_a_clip_that_is_switched_on_bears_a_step_without_gradients():
    words = "with max_grad_norm=0.5, raises RuntimeError"
    require_apart("api.no-gradient", faulty.ClipsAll, faulty.ClipsNothing, "limit", words)
