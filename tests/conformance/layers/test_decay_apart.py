"""The bound that spares fits: no reading with another decay comes nearer than it says."""

import random

import pytest

from lpfl import OptimizerSpec
from lpfl.conformance.definition import layer_diagnosis
from lpfl.conformance.definition.layer_conventions import LOOSE, LayerComparison
from lpfl.conformance.definition.layer_runs import FITTING
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES
from lpfl.conformance.subject import Subject
from tests.conformance.routes import hooked_kfac

pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook")  # no input has a gradient
(KFAC,) = (oracle for oracle in LAYER_ORACLES if oracle.claim == "kfac")
LOOKED_AT = 200


@pytest.mark.parametrize("kind", ["HookedKfac", "DampingSquared", "DecayIdle"])
def test_no_reading_comes_nearer_than_the_bound(kind):
    spec = OptimizerSpec(kind, getattr(hooked_kfac, kind), claims={"kfac"}, needs={"model"})
    comparison = LayerComparison(Subject(spec), KFAC)
    run = comparison.run(FITTING)
    readings = comparison.readings()
    chosen = random.Random(0).sample(readings, LOOKED_AT)
    bounds = [comparison.least(run, fit) for fit in chosen]
    for fit, bound in zip(chosen, bounds, strict=True):
        assert bound <= comparison.errors(run, fit, 1)[0]
        assert bound <= layer_diagnosis._split(comparison, run, fit, 1).rests[0]
    assert sum(bound > LOOSE for bound in bounds) > LOOKED_AT / 2


def test_a_step_with_a_decay_of_its_own_is_no_farther_than_rounding():
    """The reading that a right optimizer follows has the bound zero, with every decay."""
    spec = OptimizerSpec("right", hooked_kfac.HookedKfac, claims={"kfac"}, needs={"model"})
    comparison = LayerComparison(Subject(spec), KFAC)
    run = comparison.run(FITTING)
    held = comparison.search(run)
    assert held is not None
    assert comparison.least(run, held) == 0.0
