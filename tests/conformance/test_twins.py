"""Invented twins: each mistake is found by its check, and without it nothing is found."""

import importlib

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.definition.option_names import PROBES
from lpfl.conformance.oracles import oracles
from lpfl.conformance.outcomes import Outcome

NAMES = (
    "adam",
    "simple",
    "interface",
    "matrices",
    "rates",
    "layers",
    "numbers",
    "sampled",
    "kron",
    "mixed",
)
MODULES = [importlib.import_module(f"tests.conformance.twins.{name}") for name in NAMES]
TWINS = [
    pytest.param(module.METHODS[twin.method], twin, id=f"{twin.method}: {twin.fault}")
    for module in MODULES
    for twin in module.TWINS
]
RIGHT = [
    pytest.param(method, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in MODULES
    for name, method in module.METHODS.items()
]
ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}
NOT_MOVED = {
    "mars": {"vector_weight_decay"},
    "muon": set(),
    "normuon": {"ns_a", "ns_b", "ns_c", "row_eps"},
    "normuon-row-eps": {"ns_a", "ns_b", "ns_c"},
    "scion": {"ns_a", "ns_b", "ns_c", "vector_eps"},
}
"""Options of references that no setting moves: sizes, and numbers that no one sets."""


def judged(method, fault, checks):
    spec = OptimizerSpec(fault or "right", method.twin(fault), claims=method.claims)
    return check_optimizer(spec, on_fail=None, checks=checks, quick=True)


@pytest.mark.parametrize(("method", "twin"), TWINS)
def test_the_mistake_is_found(method, twin):
    report = judged(method, twin.fault, list(twin.caught_by))
    found = {check_id: str(report.outcome(check_id)) for check_id in twin.caught_by}
    assert found == dict(twin.caught_by), [r.message for r in report.results]
    bare = [(r.check, r.details) for r in report.results if r.outcome in ACCUSES and not r.snippet]
    assert bare == []


@pytest.mark.parametrize("method", RIGHT)
def test_without_a_mistake_nothing_is_found(method):
    report = judged(method, "", ["api", "def"])
    assert [(r.check, r.message) for r in report.results if r.outcome in ACCUSES] == []


@pytest.mark.parametrize("claim", oracles())
def test_every_option_of_a_reference_is_moved(claim):
    oracle = oracles()[claim]
    moved = {*PROBES, *oracle.probes, *oracle.fixed, *(n for own in oracle.asides for n in own)}
    numbers = {name for name, value in oracle.options.items() if not isinstance(value, bool)}
    assert numbers - moved == NOT_MOVED.get(claim, set())
