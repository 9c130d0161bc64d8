"""Models that share, tie, freeze or vary their layers: hooks that forget it are named."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.own import own_specs
from tests.conformance import fair_layers
from tests.conformance.layers import toys, toys_of_forward, toys_of_groups, toys_of_inputs

ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}


def named(kind):
    modules = (toys, toys_of_inputs, toys_of_groups, toys_of_forward)
    return next(getattr(m, kind) for m in modules if hasattr(m, kind))


def judged(kind, checks=("layer",), claims=("kfac",)):
    spec = OptimizerSpec(kind.__name__, kind, claims=frozenset(claims), needs={"model"})
    return check_optimizer(spec, on_fail=None, quick=True, checks=list(checks))


@pytest.mark.parametrize("kind", [toys.Uses, toys_of_inputs.Joined])
def test_one_that_counts_every_use_is_acquitted(kind):
    report = judged(kind)
    assert [r.message for r in report.results if r.outcome in ACCUSES] == []
    assert {r.check for r in report.results if r.outcome is Outcome.CONFORMS} == {
        "layer.autocast", "layer.copied", "layer.eval", "layer.frozen", "layer.in-place",
        "layer.kinds", "layer.looked-at", "layer.micro-batches", "layer.no-rows", "layer.patches",
        "layer.recomputed", "layer.rewritten", "layer.rows", "layer.shared", "layer.skipped",
        "layer.tied", "layer.unused",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "check", "outcome", "words"),
    [
        ("LastUse", "layer.shared", Outcome.LIMIT, "counts less, or not at all"),
        ("LastUse", "layer.tied", Outcome.LIMIT, "counts less, or not at all"),
        ("MovedPerLayer", "layer.tied", Outcome.LIMIT, "times that of one use"),
        ("SlopeOfTheLastUse", "layer.shared", Outcome.LIMIT, "times that of one use"),
        ("WatchesFrozen", "layer.frozen", Outcome.LIMIT, "raises RuntimeError"),
        ("DecaysFrozen", "layer.frozen", Outcome.LIMIT, "relative move of the frozen weight"),
        ("OldSlopes", "layer.frozen", Outcome.LIMIT, "frozen later"),
        ("MovesFrozenBias", "layer.frozen", Outcome.LIMIT, "bias alone is frozen"),
        ("RatesByCount", "layer.frozen", Outcome.DEVIATES, "gap of the other layers"),
        ("NoStride", "layer.patches", Outcome.DEVIATES, "stride is its kernel"),
        ("NoPadding", "layer.patches", Outcome.DEVIATES, "padding and stride"),
        ("OneGroup", "layer.patches", Outcome.DEVIATES, "two groups"),
        ("NoDilation", "layer.patches", Outcome.DEVIATES, "with dilation"),
        ("PaddingAsWritten", "layer.patches", Outcome.CONVENTION, 'padding="same" raises'),
        ("CountsFrozen", "layer.groups", Outcome.DEVIATES, "of which the first is frozen"),
        ("BiasPerPlace", "layer.rewritten", Outcome.DEVIATES, "an input that is always 1"),
        ("FirstMember", "layer.rewritten", Outcome.DEVIATES, "members of a sequence"),
        ("InOrder", "layer.rewritten", Outcome.DEVIATES, "registered in the order"),
        ("LooksUpAll", "layer.unused", Outcome.LIMIT, "never called raises KeyError"),
        ("LooksUpAll", "layer.kinds", Outcome.LIMIT, "an attention"),
        ("DecaysFrozen", "layer.unused", Outcome.LIMIT, "in the steps that do not call it"),
        ("OldSlopes", "layer.unused", Outcome.LIMIT, "called in the first step only"),
        ("LooksUpCalled", "layer.unused", Outcome.LIMIT, "ignore raises KeyError"),
        ("NeverAdded", "layer.unused", Outcome.LIMIT, "is 0 in the steps that call it too"),
        ("RatesByCount", "layer.unused", Outcome.DEVIATES, "of the way of the other layers"),
        ("FullHooks", "layer.in-place", Outcome.CONVENTION, "raises RuntimeError"),
        ("SpeaksOfInPlace", "layer.in-place", Outcome.VARIANT, "speaks of it"),
        ("KeepsOutputs", "layer.in-place", Outcome.LIMIT, "gap between a layer whose output"),
        ("KeepsOutputs", "layer.recomputed", Outcome.VARIANT, "is incompatible with .grad()"),
        ("CountsEveryCall", "layer.recomputed", Outcome.LIMIT, "use_reentrant=False"),
        ("HearsAll", "layer.looked-at", Outcome.LIMIT, "under torch.no_grad()"),
        ("HearsLast", "layer.looked-at", Outcome.LIMIT, "between their pass and backward()"),
        (
            "TakesEmpty",
            "layer.no-rows",
            Outcome.CONVENTION,
            "are not finite; where it is not called",
        ),
        ("PositionalOnly", "layer.kinds", Outcome.CONVENTION, "(input=) raises IndexError"),
        ("StepsWeightsAlone", "layer.kinds", Outcome.CONVENTION, "first.parametrizations"),
        ("BeginsInCopies", "layer.copied", Outcome.LIMIT, "raises AttributeError"),
        ("HearsCopies", "layer.copied", Outcome.LIMIT, "called with gradients"),
        ("Trains", "layer.eval", Outcome.LIMIT, "kept in eval mode"),
        ("FactorsAsSeen", "layer.autocast", Outcome.LIMIT, "raises RuntimeError"),
        ("Overflows", "layer.autocast", Outcome.LIMIT, "are not finite"),
        ("MeanOverMembers", "layer.members", Outcome.LIMIT, "it has an input factor of R rows"),
        ("FirstMember", "layer.members", Outcome.LIMIT, "No known rule"),
        ("PlainOnSequences", "layer.members", Outcome.VARIANT, "plain gradient"),
        ("OneRow", "layer.members", Outcome.CONVENTION, "output factor of one row"),
        ("Uses", "layer.members", Outcome.CONVENTION, "output factor times R^-1"),
        ("Uses", "layer.places", Outcome.CONVENTION, "output factor times R^-1"),
        ("DampsByPlaces", "layer.places", Outcome.LIMIT, "that of damping times R^-1"),
        ("GroupOfEach", "layer.tied", Outcome.CONVENTION, "more than one parameter group"),
        ("PerLayer", "layer.tied", Outcome.VARIANT, "more than one parameter group"),
        ("HearsAllOnPurpose", "layer.looked-at", Outcome.VARIANT, "speaks of it"),
        ("HoldsAll", "layer.kinds", Outcome.LIMIT, "exactly 0"),
        ("Stumbles", "layer.kinds", Outcome.LIMIT, "raises"),
    ],
)
def test_a_forgotten_use_is_named_with_a_program_that_was_run(kind, check, outcome, words):
    found = [r for r in judged(named(kind), [check]).results if r.outcome is outcome]
    assert any(words in r.message for r in found), [r.message for r in found]
    for result in found if outcome in ACCUSES else ():
        assert "lpfl" not in result.snippet
        assert result.snippet.rstrip().rpartition("\n")[2].startswith("# prints:")


def test_square_layers_are_looked_at_too():
    right, wrong = (
        judged(kind, ["def.trajectory"], ["foof"]).results[0]
        for kind in (fair_layers.Foof, fair_layers.OutputsOfSquares)
    )
    assert right.outcome not in ACCUSES, right.message
    assert wrong.outcome is Outcome.DEVIATES
    assert "not two square layers" in wrong.message


def test_a_group_for_each_layer_is_no_finding():
    report = judged(toys_of_groups.PerLayer, ["layer"])
    assert [r.message for r in report.results if r.outcome in ACCUSES] == []
    assert report.outcome("layer.groups") is Outcome.CONFORMS


def test_rates_by_the_place_of_a_layer_are_no_finding_where_the_groups_state_them():
    def by_depth(model, lr=0.01):
        layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        rates = [lr * 0.8**i for i in reversed(range(len(layers)))]
        groups = [{"params": m.parameters(), "lr": r} for m, r in zip(layers, rates, strict=True)]
        return torch.optim.AdamW(groups, lr=lr)

    report = judged(by_depth, ["layer.frozen"], claims=())
    assert [r.message for r in report.results if r.outcome in ACCUSES] == []


def test_layers_refused_in_words_are_no_finding():
    report = judged(toys.Refuses, ["layer.kinds", "layer.patches"])
    assert [r.message for r in report.results if r.outcome in ACCUSES] == []
    assert any("is not supported" in r.message for r in report.results)


def test_an_optimizer_of_parameters_is_not_asked():
    assert check_optimizer("torch.optim:AdamW", checks=["layer"]).results == []


@pytest.mark.parametrize("name", ["foof", "kfac"])
def test_our_own_count_every_use_or_refuse_it_in_words(name):
    report = check_optimizer(own_specs()[name], on_fail=None, quick=True, checks=["layer"])
    assert [r.message for r in report.results if r.outcome in ACCUSES] == []
    assert any("called twice in one forward pass" in r.message for r in report.results)
