"""A user's KFAC, right and broken: every route names the fault."""

import json

import pytest

from lpfl import OptimizerSpec, check_optimizer, parametrize_optimizer_checks
from lpfl.cli import main
from lpfl.conformance.outcomes import Outcome
from tests.conformance.routes import hooked_kfac

CHECK = "def.trajectory"
ADDRESS = "tests.conformance.routes.hooked_kfac:SPEC"
MOMENTUM = "momentum: not used"


def judged(kind, *checks):
    spec = OptimizerSpec(kind.__name__, kind, claims={"kfac"}, needs={"model"})
    return check_optimizer(spec, checks=checks, on_fail=None, quick=True)


def test_the_right_one_is_acquitted_and_its_conventions_are_named():
    (result,) = judged(hooked_kfac.HookedKfac, CHECK).results
    assert result.outcome is Outcome.VARIANT
    assert dict(result.convention) == {
        "damping": "its root to each factor",
        "Fisher": "empirical",
        "weight decay": "decoupled, times lr",
        "decayed": "weights alone",
    }


def test_a_convolution_that_stays_where_it_is_is_a_limit():
    (result,) = judged(hooked_kfac.HookedKfac, "inv.convolution").results
    assert result.outcome is Outcome.LIMIT
    assert "exactly 0" in result.message
    assert result.snippet


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("Ascends", "wrong sign: it goes uphill"),
        ("RateSquared", "lr enters squared"),
        ("SecondStepHalved", "step 2 is 0.5 times"),
        ("DampedOutside", "damping added after the inversion"),
        ("DampingSquared", "as if damping were 0.0016, not 0.04"),
        (
            "SplitTurned",
            "split by mean eigenvalues) is split between the two factors the wrong way",
        ),
        (
            "OutputsDampedMore",
            "the input factors are damped by 0.2 and the output factors by 0.4",
        ),
        ("InputsOverWidth", "in layer 1 inputs by 1.2 and outputs by 0.2, not 0.2 and 0.2"),
        ("DampedLessLater", "damping were 0.04, 0.01, 0.01, 0.01, 0.01, 0.01 from step"),
        ("LeftFactorOnly", "inverse: of the output factor alone"),
        ("NeverCorrected", "average: from zero, and never corrected"),
        ("AverageSwapped", "average: weights of old and new swapped"),
        ("MomentumIdle", MOMENTUM),
        ("DecayIdle", "the weight decay is not used"),
        ("OtherSide", "inverse: each factor on the other's side"),
        ("NeverRenewed", "stale, never renewed"),
        ("PlainBias", "bias: the plain gradient; weights: as defined"),
        ("WeightsTwice", "weights: 2 times what is defined; bias: as defined"),
        ("LastLayerPlain", "weights of layer 2, bias of layer 2: the plain gradient"),
        ("InputsCentred", "inputs: about their mean in the input factor"),
        ("Summed", "input factor times: n, a sum over the rows in place of their mean"),
    ],
)
def test_a_broken_step_is_named(kind, reason):
    (result,) = judged(getattr(hooked_kfac, kind), CHECK).results
    assert result.outcome is Outcome.DEVIATES
    assert reason in result.message
    assert result.snippet


def test_factors_renewed_seldom_are_a_convention_and_a_long_period_may_be_meant():
    """A short run shows neither; the first factors alone are a fault only if no option says so."""
    (seldom,) = judged(hooked_kfac.SeldomRenewed, CHECK).results
    assert seldom.outcome is Outcome.VARIANT
    assert "factors renewed every 25 steps" in seldom.message
    (declared,) = judged(hooked_kfac.LongPeriod, CHECK).results
    assert declared.outcome is Outcome.INCONCLUSIVE
    assert "curvature_steps=500 may say so" in declared.message


def test_a_state_that_is_not_saved_is_named():
    report = judged(hooked_kfac.StateOutside, "api.resume")
    (result,) = report.failed
    assert "state_dict() holds no state" in result.message
    assert result.snippet


def test_python_raises_with_the_reason():
    with pytest.raises(AssertionError, match=MOMENTUM):
        check_optimizer(hooked_kfac.SPEC, checks=[CHECK], quick=True)


def test_a_test_file_fails_with_the_reason():
    mark = parametrize_optimizer_checks([hooked_kfac.SPEC], checks=[CHECK], quick=True)
    (case,) = mark.args[1]
    with pytest.raises(pytest.fail.Exception) as caught:
        case.values[0]()
    assert str(caught.value).startswith("deviates: No convention of kfac fits: momentum: not used")


def test_the_command_exits_with_the_reason(tmp_path, capsys):
    path = tmp_path / "report.json"
    code = main(["check-optimizer", ADDRESS, "--quick", "--checks", CHECK, "--json", str(path)])
    assert code == 1
    assert MOMENTUM in " ".join(capsys.readouterr().out.split())
    (result,) = json.loads(path.read_text(encoding="utf-8"))["results"]
    assert MOMENTUM in result["message"]
