"""Large weights, many of them, memory that grows, and what changes in the middle of a run."""

import gc

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.checks.large.objects import inside, living, nodes, set_aside, stored
from tests.conformance import faulty_large as faulty
from tests.conformance import faulty_memory as memory
from tests.conformance.faulty_small import Adam
from tests.conformance.twin_answers import judged

PAIRS = [
    ("api.memory", memory.OneMove, memory.KeepsMoves, "limit", "tensors in memory grows by 2"),
    ("api.memory", Adam, memory.KeepsGradients, "limit", "bytes in memory grows by 116"),
    ("api.memory", memory.SumsNumbers, memory.SumsLosses, "limit", "with a closure"),
    ("api.storage", memory.LowRank, memory.LowRankView, "limit", "with rank=4"),
    ("api.storage", Adam, memory.FromAPool, "limit", "views of more"),
    ("api.storage", Adam, memory.InDouble, "limit", "in float64"),
    ("api.let-go", memory.KnowsTheLast, memory.KnowsAll, "limit", "4 keep their parameters"),
    ("api.turned-layout", memory.InMemoryOrder, memory.InOldOrder, "deviates", "channels_last"),
    ("api.switched-path", memory.CountsOnPaths, memory.CountsAsBegun, "limit", "foreach is set"),
    ("api.switched-path", memory.CountsOnPaths, memory.CountsFromZero, "deviates", "foreach"),
    ("api.cleared-graphs", memory.Detaches, memory.KeepsGraphs, "limit", "hold a graph is 2"),
    ("api.outlier", faulty.RoundsRoots, faulty.SmallBlocks, "numerics", "times as far"),
    ("api.frozen-of-many", Adam, faulty.StacksMany, "deviates", "they move by up to"),
    ("api.pieces", Adam, faulty.ChunksOfLarge, "deviates", "4144 of 69680 entries"),
    ("api.many", Adam, faulty.LaunchesOf320, "deviates", "number 321, 322"),
    ("api.float16-norms", faulty.Cautious, faulty.CountsInHalf, "numerics", "cautious=True"),
    ("api.float16-norms", faulty.NormInFloat, faulty.NormInHalf, "numerics", "in float32 over"),
    ("def.long-sides", faulty.MuonAhead, faulty.MuonOfLongSides, "deviates", "32 x 1100"),
]
CLAIMS = {"api.outlier": ("adam",), "api.pieces": ("adam",), "def.long-sides": ("muon",)}


@pytest.mark.parametrize(("check", "right", "wrong", "outcome", "words"), PAIRS)
def test_the_fault_is_found_and_its_twin_is_not_accused(check, right, wrong, outcome, words):
    claims = CLAIMS.get(check, ())
    assert judged(right, check, claims)[0] == "conforms"
    answer, said, results = judged(wrong, check, claims)
    assert (answer, words in said) == (outcome, True), said
    assert any(r.snippet for r in results), [r.details for r in results]


@pytest.mark.parametrize(
    ("check", "kind", "outcome"),
    [
        ("api.memory", memory.Window, "conforms"),
        ("api.memory", memory.Waits, "inconclusive"),
        ("api.memory", torch.optim.LBFGS, "conforms"),
        ("api.storage", memory.InDoubleAsTold, "documented variant"),
        ("api.outlier", faulty.EightBits, "documented variant"),
        ("api.turned-layout", torch.optim.LBFGS, "inconclusive"),
        ("api.storage", memory.OneVector, "conforms"),
        ("api.cleared-graphs", torch.optim.Adam, "not claimed"),
        ("api.cleared-graphs", memory.AddsUp, "conforms"),
    ],
)
def test_what_is_bounded_told_or_another_matter_is_no_finding(check, kind, outcome):
    assert judged(kind, check, CLAIMS.get(check, ()))[0] == outcome


def test_a_window_that_is_a_default_of_its_own_is_made_short():
    spec = OptimizerSpec("w", lambda params: memory.Window(params, window=30))
    report = check_optimizer(spec, on_fail=None, checks=["api.memory"])
    assert str(report.outcome("api.memory")) == "conforms"


def test_only_objects_made_within_are_counted_and_the_rest_comes_back():
    kept = torch.zeros(3)
    with set_aside():
        assert not any(x is kept for x in living())
        made = [torch.zeros(4), torch.zeros(4)]
        assert sum(x is y for x in living() for y in made) == 2
    assert gc.get_freeze_count() == 0
    assert any(x is kept for x in living())


def test_objects_that_somebody_else_has_frozen_stay_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with set_aside():
            pass
        assert gc.get_freeze_count() == frozen
    finally:
        gc.unfreeze()


def test_memory_is_counted_once_and_graphs_by_their_nodes():
    whole = torch.zeros(10, dtype=torch.float64)
    assert stored([whole, whole[:3], torch.zeros(2, dtype=torch.float64)]) == 96
    weight = torch.ones(2, requires_grad=True)
    assert nodes([whole, (2 * weight).sum()]) == 3


def test_tensors_are_found_in_containers_and_in_objects_within():
    class Held:
        def __init__(self):
            self.own = torch.zeros(1)

    assert len(inside({"a": [torch.zeros(1), (torch.zeros(2),)], "b": Held(), "c": 3})) == 3


def test_tensors_without_memory_that_somebody_holds_are_left_alone():
    with FakeTensorMode():
        held = torch.empty(3)
    outcome, _, results = judged(memory.KeepsGradients, "api.memory")
    assert (outcome, bool(results[0].snippet)) == ("limit", True)
    assert held.numel() == 3
