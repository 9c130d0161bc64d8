"""For linear layers alone: said by a class whose base is for more, or only denied by it."""

import pytest
from torch import nn

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.fair_layers import Foof


class General(Foof):
    """FOOF for linear layers and convolutions."""


class Alone(General):
    """As the base class, but for linear layers (nn.Linear) alone; all other layers get SGD."""


class Others(General):
    """As the base class, for linear layers alone. Others get SGD, convolutions too."""


class OnlyThese(General):
    """As the base class; only for linear layers: SGD moves a kernel of a convolution."""


class Again(Alone):
    """As the base of the base class: for linear layers and convolutions."""


class NotOnly(Alone):
    """Not only for linear layers, convolutions are in it."""


def judged(kind, check):
    """Return the outcome of a check about an optimizer that claims FOOF."""
    spec = OptimizerSpec("s", kind, claims={"foof"}, needs={"model"})
    return str(check_optimizer(spec, on_fail=None, checks=[check]).outcome(check))


@pytest.mark.parametrize("kind", [Alone, Others, OnlyThese])
def test_the_most_derived_class_sets_convolutions_aside(kind):
    assert judged(kind, "def.trajectory").startswith("conforms")
    assert judged(kind, "inv.convolution") == "documented variant"


@pytest.mark.parametrize("kind", [General, Again, NotOnly])
def test_one_that_is_for_convolutions_too_must_take_them_right(kind):
    assert judged(kind, "def.trajectory") == "deviates"
    assert judged(kind, "inv.convolution") == "deviates"


def test_the_toys_hook_linear_layers_alone():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(2, 1))
    assert [type(m) for m in Alone(model).layers] == [nn.Linear]
