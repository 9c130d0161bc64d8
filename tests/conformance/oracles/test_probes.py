"""Options are moved to values of which none stands for another."""

import itertools

import pytest

from lpfl.conformance.definition.option_names import PROBES
from lpfl.conformance.oracles import oracles
from lpfl.conformance.oracles.layerwise import LAYER_ORACLES

REFERENCES = [*oracles().values(), *LAYER_ORACLES]


@pytest.mark.parametrize("oracle", REFERENCES, ids=lambda oracle: oracle.claim)
def test_no_two_options_of_a_method_are_moved_to_one_value(oracle):
    table = {**PROBES, **oracle.probes, **oracle.fixed}
    moved = {n: table[n] for n in oracle.options if isinstance(table.get(n), float)}
    pairs = itertools.combinations(sorted(moved), 2)
    same = [(a, b) for a, b in pairs if abs(moved[a] - moved[b]) < 1e-9]
    other = [
        (a, b) for a, b in itertools.combinations(moved, 2) if abs(moved[a] + moved[b] - 1) < 1e-9
    ]
    assert same + other == []
