"""What the docstring says right acquits; the same without it, or with other words, is accused."""

import pytest

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance import right_in_words as toys

REFUSED = [
    (
        toys.NeedsEvery,
        "api.missing",
        "A step in which a parameter has no gradient raises an error.",
    ),
    (
        toys.NeedsEvery,
        "api.no-gradient",
        "Raises a RuntimeError where a parameter has no gradient.",
    ),
    (toys.OneGroup, "api.add-group", "One parameter group: a second one raises a ValueError."),
    (toys.OneGroup, "api.groups", "One parameter group: a second one raises a ValueError."),
    (toys.NotSaved, "api.resume", "It cannot be saved: state_dict() raises a RuntimeError."),
    (toys.NoRateOfZero, "api.lr-zero", "A step at a rate of zero raises a ValueError, call none."),
    (toys.NoRateOfZero, "api.warm-up", "A step with lr = 0 is refused: pause training instead."),
    (toys.NoClosure, "api.closure", "step() takes no closure: one that is given raises an error."),
    (toys.NoZeros, "api.zero-weights", "Weights that are all zero raise a ValueError."),
    (toys.Contiguous, "api.strides", "Gradients that are not contiguous raise a ValueError."),
    (toys.NoNames, "api.named", "Pairs of names and parameters raise a TypeError."),
]
OF_OTHERS = "AdamW. A rate below zero raises a ValueError, a wrong name of an option a TypeError."


def told(kind, words):
    return type(kind.__name__, (kind,), {"__doc__": words})


def outcomes(kind, check, words=None):
    spec = OptimizerSpec("s", told(kind, words) if words else kind)
    answers = check_optimizer(spec, on_fail=None, checks=[check]).results
    return {str(answer.outcome) for answer in answers}


@pytest.mark.parametrize(("kind", "check", "words"), REFUSED)
def test_a_refusal_that_the_docstring_tells_of_is_a_documented_one(kind, check, words):
    answers = outcomes(kind, check, f"AdamW. {words}")
    assert "documented variant" in answers
    assert not answers & {"limit", "deviates"}
    assert "limit" in outcomes(kind, check)
    assert "limit" in outcomes(kind, check, OF_OTHERS)


def test_what_is_told_does_not_excuse_another_kind_of_error():
    words = "AdamW. A parameter without a gradient raises a RuntimeError in every step."
    assert "documented variant" in outcomes(toys.NeedsEvery, "api.missing", words)
    assert "limit" in outcomes(toys.StumblesOverOne, "api.missing", words)


def test_a_class_may_refuse_what_its_base_in_another_file_hands_it():
    assert "documented variant" in outcomes(toys.OneFormat, "api.dtypes")
    assert "limit" in outcomes(toys.StumblesOverFormats, "api.dtypes")


SAID = [
    (
        toys.SoftClip,
        "api.clips",
        "clip_grad (None: off) squashes the gradient by a tanh.",
        "clip_grad (None: off) clamps each entry of the gradient.",
        "deviates",
    ),
    (
        toys.GroupClip,
        "api.clips",
        "clip_norm (None: off) bounds the norm of all gradients of a parameter group together.",
        "clip_norm (None: off) bounds the norm of all gradients together.",
        "deviates",
    ),
    (
        toys.AdamW,
        "api.skipped-steps",
        "A step whose closure returns a loss that is not finite is skipped.",
        "A step with a gradient that is not finite is skipped.",
        "deviates",
    ),
    (
        toys.AdamW,
        "api.skipped-steps",
        "Gradients that are not finite are left as they are.",
        "Gradients that are not finite are left out.",
        "deviates",
    ),
    (
        toys.AdamW,
        "api.skipped-steps",
        "Up to version 1 steps with infinite gradients were skipped.",
        "Steps with infinite gradients are skipped.",
        "deviates",
    ),
    (
        toys.AdamW,
        "api.small-steps",
        "For bfloat16 weights, wrap it in the KahanWrapper.",
        "It adds bfloat16 weights up by Kahan summation.",
        "numerics",
    ),
    (
        toys.AdamW,
        "api.small-steps",
        "It is for the master weights of a loop.",
        "It keeps master weights in float32.",
        "numerics",
    ),
    (
        toys.AdamW,
        "api.small-steps",
        "Stochastic rounding of the weights is a task of the caller.",
        "The weights are written back by stochastic rounding.",
        "numerics",
    ),
    (
        toys.AdamW,
        "api.complex",
        "Complex parameters lie outside its scope.",
        "Complex parameters are welcome.",
        "limit",
    ),
    (
        toys.AdamW,
        "api.complex",
        "For real weights: users of complex parameters hand over torch.view_as_real(p).",
        "For weights: complex parameters are pairs of real ones.",
        "limit",
    ),
    (
        toys.Skips,
        "api.limits",
        "\n\nmax_skips: limit of steps left out in a row, then an error is raised; 0: no limit.",
        "\n\nmax_skips: limit of the change in a step; 0: no limit.",
        "limit",
    ),
    (
        toys.Every,
        "api.lookahead",
        "\n\nk: steps between two reports of the loss, as in the code of Lookahead.",
        "\n\nk: steps between two looks back to the slow weights of Lookahead.",
        "limit",
    ),
]


@pytest.mark.parametrize(("kind", "check", "right", "wrong", "finding"), SAID)
def test_words_by_which_nothing_is_promised(kind, check, right, wrong, finding):
    assert outcomes(kind, check, f"AdamW. {right}") <= {"conforms", "not claimed"}
    assert finding in outcomes(kind, check, f"AdamW. {wrong}")


def test_vectors_that_are_complex_stay_vectors():
    assert "conforms" in outcomes(toys.DecaySplit, "api.complex")
    assert "limit" in outcomes(toys.ByMagnitude, "api.complex")


def test_a_built_in_decay_of_some_weights_is_a_variant():
    assert "documented variant" in outcomes(toys.PartlyDecayed, "api.zero")
    assert "limit" in outcomes(toys.PartlyGrown, "api.zero")
    assert "limit" in outcomes(toys.PartlyPushed, "api.zero")
