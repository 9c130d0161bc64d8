"""Rules on the first layer of a network: the first direction is that of the preconditioners."""

from functools import partial

import pytest
import torch

from lpfl import precondition
from lpfl.linalg.algebra import second_moment
from lpfl.optim.adam import Adam
from lpfl.optim.drive import first_direction
from lpfl.optim.foof import Foof
from lpfl.optim.kfac import Kfac
from lpfl.optim.muon import Muon
from lpfl.optim.rule import MatrixRule
from lpfl.optim.sgd import Sgd
from lpfl.optim.shampoo import Shampoo
from lpfl.problems.linear_representation import Batch, Weights
from tests.optim.cases import relative

FIRST = [
    (Sgd(step_size=0.3), precondition.sgd),
    (Adam(epsilon=0.0), precondition.adam_first),
    (Adam(epsilon=0.1), partial(precondition.adam_first, epsilon=0.1)),
    (Muon(), precondition.polar),
    (Muon(newton_schulz_steps=5), precondition.newton_schulz),
    (Shampoo(), precondition.shampoo_first),
    (Kfac(damping=0.2), partial(precondition.kfac, damping=0.2)),
    (Foof(damping=0.2), partial(precondition.kfac, damping=0.2)),
]


@pytest.mark.parametrize(("rule", "known"), FIRST, ids=lambda value: getattr(value, "name", ""))
def test_a_rule_starts_as_its_preconditioner(rule: MatrixRule, known) -> None:
    generator = torch.Generator().manual_seed(0)
    gradient = torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    inputs = torch.randn(2, 30, 6, generator=generator, dtype=torch.float64)
    direction = first_direction(rule)(gradient, inputs)
    assert relative(direction, known(gradient, inputs)) < 1e-9


def test_a_given_factor_replaces_the_second_moment_of_the_inputs() -> None:
    stream = torch.Generator().manual_seed(1)
    gradient, inputs, other = (
        torch.randn(shape, generator=stream, dtype=torch.float64)
        for shape in ((2, 3, 4), (2, 9, 4), (2, 7, 4))
    )
    rule = Kfac(damping=0.1)
    factor = second_moment(other)
    found = first_direction(rule, factor=factor)(gradient, inputs)
    assert torch.equal(found, first_direction(rule)(gradient, other))


def test_by_default_only_the_representation_has_an_output_factor():
    """The head's outputs are those of the model: their factor is the identity."""
    weights = Weights(torch.randn(2, 4, 3), torch.randn(2, 3, 5))
    batch = Batch(torch.eye(5).expand(2, 5, 5), torch.zeros(2, 4, 5))
    rule = Sgd(step_size=0.1)
    F = weights.head
    assert torch.equal(rule.outputs("representation", weights, batch, ()), F.mT @ F)
    assert rule.outputs("head", weights, batch, ()) is None
