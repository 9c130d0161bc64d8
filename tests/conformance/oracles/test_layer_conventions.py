"""Conventions of layer-wise methods are named; a stale factor is another method."""

from dataclasses import replace

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.own import own_specs
from tests.conformance import toy_kfac

ONLY_EARLIER = {"average takes": "only earlier batches"}
CONVENTIONS = [
    ({"averaging": 0.7}, Outcome.CONVENTION, {"average": "from zero, bias corrected"}),
    ({"averaging": 0.7, "includes_current": False}, Outcome.VARIANT, ONLY_EARLIER),
    ({"factor_every": 3}, Outcome.CONVENTION, {}),
    ({"factor_every": 2, "averaging": 0.5}, Outcome.CONVENTION, {}),
    ({"kl_clip": 1e-3}, Outcome.CONVENTION, {}),
    ({"graft": "sgd"}, Outcome.VARIANT, {"graft": "to the length of the gradient, per layer"}),
    (
        {"damping_kind": "pi", "output_damping": 0.0},
        Outcome.CONVENTION,
        {"damping": "its root, split by mean eigenvalues"},
    ),
    (
        {"averaging": 0.5, "momentum": 0.5, "momentum_kind": "nesterov", "graft": "sgd"},
        Outcome.VARIANT,
        {"momentum": "nesterov", "graft": "to the length of the gradient, per layer"},
    ),
]


def only(spec: OptimizerSpec, check: str = "def.trajectory") -> CheckResult:
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    (result,) = (r for r in report.results if r.check == check)
    return result


def toy(kind: type) -> OptimizerSpec:
    return OptimizerSpec(
        kind.__name__, kind, claims=frozenset({"kfac"}), needs=frozenset({"model"})
    )


class SparselyRenewed(toy_kfac.Kfac):
    """The factors of every second batch, which no option says."""

    count = 0

    def used(self):
        self.count += 1
        if self.count % 2:
            self.kept = self.pairs
        return self.kept


class Transposed(toy_kfac.Kfac):
    """The inverse of the transposed Cholesky factor's product, L'L in place of LL'."""

    def inverse(self, A, damping):
        L = super().inverse(A, damping).inverse()
        C = L.cholesky()
        return (C.mT @ C).inverse()


@pytest.mark.parametrize(("options", "outcome", "named"), CONVENTIONS)
def test_a_convention_of_kfac_is_named(options, outcome, named):
    spec = own_specs()["kfac"]
    result = only(replace(spec, options={**spec.options, **options}))
    assert result.outcome is outcome
    assert named.items() <= result.convention.items()


def test_factors_of_earlier_batches_are_told_apart_from_an_average():
    spec = own_specs()["kfac"]
    options = {**spec.options, "averaging": 0.7, "includes_current": False}
    average = only(replace(spec, options=options), "theory.same-batch")
    assert average.outcome is Outcome.VARIANT
    result = only(toy(toy_kfac.StaleKfac))
    assert result.outcome is Outcome.DEVIATES
    assert "the batch before" in result.message


def test_factors_kept_for_two_steps_are_renewed_that_seldom():
    result = only(toy(SparselyRenewed))
    assert result.outcome in (Outcome.CONVENTION, Outcome.VARIANT)
    assert result.details["hidden"]["period"] == 2


def test_an_optimizer_that_holds_no_bias_leaves_it_alone():
    result = only(toy(toy_kfac.Kfac))
    assert (result.outcome, result.convention) == (Outcome.VARIANT, {"bias": "left alone"})


@pytest.mark.parametrize(
    "kind", [toy_kfac.DiagonalKfac, toy_kfac.RootKfac, toy_kfac.DeafKfac, Transposed]
)
def test_a_layer_wise_accusation_comes_with_a_program_that_was_run(kind):
    result = only(toy(kind))
    assert result.outcome is Outcome.DEVIATES
    assert "lpfl" not in result.snippet
    assert result.snippet.rstrip().rpartition("\n")[2].startswith("# prints: step")


def test_kfac_without_its_output_factor_is_named():
    spec = own_specs()["kfac"]
    result = only(replace(spec, options={**spec.options, "output_factor": "identity"}))
    assert result.outcome is Outcome.DEVIATES
    assert "exactly FOOF" in result.message


@pytest.mark.parametrize(
    ("kind", "words", "powers"),
    [
        ("OneRootKfac", "square root of the input factor's inverse alone", (0.5, 0)),
        ("OutputRootKfac", "square root of the output factor's inverse alone", (0, 0.5)),
        ("InputRootKfac", "square root of the input factor's inverse, the output", (0.5, 1)),
    ],
)
def test_a_root_of_one_factor_is_named_with_and_without_a_claim(kind, words, powers):
    result = only(toy(getattr(toy_kfac, kind)))
    assert result.outcome is Outcome.DEVIATES
    assert words in result.message
    spec = replace(toy(getattr(toy_kfac, kind)), claims=frozenset())
    (result,) = check_optimizer(spec, on_fail=None, checks=["def.supports"]).results
    on_inputs, on_outputs = powers
    assert f"input moment to the power {on_inputs:g} " in result.message
    assert f"output moment to the power {on_outputs:g}," in result.message


@pytest.mark.parametrize("kind", ["MeanSampledKfac", "SmallMeanSampledKfac", "PrivateMeanKfac"])
@pytest.mark.parametrize("claim", ["kfac", "kfac-sampled"])
def test_the_outer_product_of_a_mean_of_samples_is_no_fisher(kind, claim):
    result = only(replace(toy(getattr(toy_kfac, kind)), claims=frozenset({claim})))
    assert result.outcome is Outcome.DEVIATES
    assert "has rank one" in result.message
    assert "# prints: step 1" in result.snippet


@pytest.mark.parametrize("kind", ["SampledKfac", "PrivateKfac"])
@pytest.mark.parametrize("claim", ["kfac", "kfac-sampled"])
def test_the_mean_of_outer_products_of_samples_is_one(kind, claim):
    result = only(replace(toy(getattr(toy_kfac, kind)), claims=frozenset({claim})))
    assert result.outcome is (Outcome.VARIANT if claim == "kfac" else Outcome.CONFORMS)


def test_our_own_sampled_factor_is_seen_to_be_sampled_and_the_exact_one_not():
    spec = replace(own_specs()["kfac"], claims=frozenset({"kfac-sampled"}))
    assert "not sampled" in only(spec).message
    sampled = replace(spec, options={**spec.options, "output_factor": "sampled"})
    assert only(sampled).outcome is Outcome.CONFORMS
