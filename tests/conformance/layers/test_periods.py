"""Two periods of a layer-wise method, and its clip: right ones are named, wrong ones by cause."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.layers import clipped_kfac, periodic_kfac

pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook")  # no input has a gradient
FROM_ONE = "1, k, 2 k"
PLAIN = "k, 2 k, with plain gradients before"
FACTORS, INVERSES = "factors renewed at steps", "inverses renewed at steps"
EARLIER = "only earlier batches"
FOR_EVER = "the inverses, or the factors, are those of the first step for ever"
RIGHT = [
    ("Periodic", {}, Outcome.CONFORMS),
    ("OtherNames", {}, Outcome.CONFORMS),
    ("CountsFromOne", {FACTORS: FROM_ONE, INVERSES: FROM_ONE}, Outcome.CONVENTION),
    ("InvertsFromOne", {INVERSES: FROM_ONE}, Outcome.CONVENTION),
    ("PlainAtFirst", {FACTORS: PLAIN, INVERSES: PLAIN}, Outcome.VARIANT),
    ("InvertsFresh", {"renewed": "inverses where factors are"}, Outcome.CONVENTION),
    ("InvertsFirst", {"average takes": EARLIER}, Outcome.VARIANT),
    ("InvertsAtTheEnd", {"average takes": f"{EARLIER}, renewed after the step"}, Outcome.VARIANT),
    ("InversesOnly", {"renewed": "inverses only"}, Outcome.CONVENTION),
    ("RefusesUndivided", {}, Outcome.CONFORMS),
    ("StrangePeriod", {"renewed": "inverses only"}, Outcome.CONVENTION),
]
WRONG = [
    ("InvertsAlways", "the inverses are renewed whenever the factors are, whatever TInv is"),
    ("OnePeriod", "the inverses are renewed whenever the factors are, whatever TInv is"),
    ("InvertsOnce", FOR_EVER),
    ("RenewsOnce", FOR_EVER),
    ("RenewsAlways", "the factors are renewed in every step, whatever TCov is"),
    ("Exchanged", "TCov and TInv are exchanged"),
    ("AveragedTwice", "a step that inverts the factors takes its batch in twice"),
    ("AverageSkipped", "a step that inverts the factors leaves its batch out"),
    ("InversesOnlyOnce", "stale, never renewed"),
    ("InversesOnlyAlways", "factors and inverses are renewed in every step, whatever TInv is"),
    ("ClipsEachLayer", "kl_clip, summed over: each layer alone"),
    ("ClipsByTheLastLayer", "kl_clip, summed over: the last layer alone"),
    ("ClipsByTheFirstLayer", "kl_clip, summed over: the first layer alone"),
    ("ClipsWeightsAlone", "kl_clip, summed over: weights alone, without biases"),
    ("ClipsWithoutRoot", "kl_clip, factor: bound over sum, without a root"),
    ("ClipsBySlopes", "kl_clip, factor: of the gradient's product with itself"),
    ("ClipsIdle", "kl_clip is not used"),
    ("ClipsOddly", "kl_clip does not act as the definition says (without it every step fits)"),
]


def judged(name, claim):
    kind = getattr(periodic_kfac, name, None) or getattr(clipped_kfac, name)
    spec = OptimizerSpec(name, kind, claims={claim}, needs={"model"})
    (result,) = check_optimizer(spec, checks=["def.trajectory"], on_fail=None, quick=True).results
    return result


@pytest.mark.parametrize(("name", "convention", "outcome"), RIGHT)
def test_a_right_schedule_is_named(name, convention, outcome):
    result = judged(name, "kfac-empirical")
    assert (result.outcome, dict(result.convention)) == (outcome, convention), result.message


@pytest.mark.parametrize(("name", "words"), WRONG)
def test_a_wrong_schedule_or_clip_is_named_with_a_program(name, words):
    result = judged(name, "kfac-empirical")
    assert result.outcome is Outcome.DEVIATES, result.message
    assert words in result.message
    assert result.snippet.rstrip().rpartition("\n")[2].startswith("# prints: step")


@pytest.mark.parametrize(
    ("name", "outcome", "words"),
    [
        ("Foof", Outcome.CONFORMS, "in 1"),
        ("FoofInvertsAlways", Outcome.DEVIATES, "whatever TInv is"),
        ("FoofClipsEachLayer", Outcome.DEVIATES, "each layer alone"),
    ],
)
def test_foof_has_the_same_periods_and_clip(name, outcome, words):
    result = judged(name, "foof")
    assert result.outcome is outcome, result.message
    assert words in result.message


def test_a_long_period_that_no_one_can_shorten_is_not_held_against_a_method():
    result = judged("FixedLongPeriod", "kfac-empirical")
    assert result.outcome is Outcome.INCONCLUSIVE, result.message
    assert "sides=200 may say so" in result.message


def test_an_option_that_the_reference_does_not_know_is_switched_off_and_said():
    result = judged("Halved", "kfac-empirical")
    assert result.outcome is Outcome.VARIANT
    words = "With halve=False, options beyond the definition that are not judged, every step is"
    assert result.message.startswith(words)
