"""What the functions of mixed, averaged and powered factors refuse."""

import math

import pytest

from theory.core.spectrum import Spectrum
from theory.single_index import (
    average_alignment,
    ceiling,
    exponent_alignment,
    mixture_alignment,
)

TWO = Spectrum.two_atom(0.5)
GOOD = {"spectrum": TWO, "aspect": 0.5, "c1": 0.6, "residual_var": 0.2}


@pytest.mark.parametrize(
    ("function", "change", "message"),
    [
        (mixture_alignment, {"damping": 0.1}, "needs shares, or u and g"),
        (mixture_alignment, {"damping": 0.1, "u": 0.5}, "needs shares, or u and g"),
        (mixture_alignment, {"damping": 0.1, "u": 1.5, "g": 3.0}, "u=1.5, needs <= 1"),
        (mixture_alignment, {"damping": 0.1, "u": 0.9, "g": 0.1}, "g=0.1, needs >= u"),
        (mixture_alignment, {"damping": 0.1, "shares": [1.0], "u": 0.5}, "need None"),
        (mixture_alignment, {"damping": 0.1, "shares": [-1.0]}, r"shares\[0\]=-1.0"),
        (mixture_alignment, {"damping": 0.1, "shares": [0.0]}, "sum to 0.0"),
        (mixture_alignment, {"damping": 0.1, "shares": []}, "has shape"),
        (mixture_alignment, {"damping": 0.1, "shares": [1, 1], "aspects": [0.5]}, "has shape"),
        (mixture_alignment, {"damping": 0.1, "shares": [1], "aspects": [0.4]}, r"aspects\[0\]=0.4"),
        (mixture_alignment, {"damping": -0.1, "shares": [1.0]}, "damping=-0.1"),
        (mixture_alignment, {"damping": math.nan, "shares": [1.0]}, "damping=nan"),
        (mixture_alignment, {"damping": 0.0, "shares": [1.0], "aspect": 1.5}, "needs > 1"),
        (mixture_alignment, {"damping": 0.1, "shares": [1.0], "weight": "euclid"}, "weight="),
        (ceiling, {"weight": "euclid"}, "weight='euclid'"),
        (ceiling, {"aspect": 0.0}, "aspect=0.0"),
        (average_alignment, {"decay": 1.0}, "decay=1.0"),
        (average_alignment, {"decay": -0.1}, "decay=-0.1"),
        (average_alignment, {"decay": 0.5, "steps": 0}, "steps=0"),
        (average_alignment, {"decay": 0.5, "steps": 1.5}, "steps=1.5"),
        (average_alignment, {"decay": 0.5, "inverse_every": 0}, "inverse_every=0"),
        (average_alignment, {"decay": 0.5, "factor_every": 0}, "factor_every=0"),
        (average_alignment, {"decay": 0.0, "aspect": 1.5}, "rows over dimension"),
        (exponent_alignment, {"exponent": math.inf}, "exponent=inf"),
        (exponent_alignment, {"exponent": 0.5, "factor": "other"}, "factor='other'"),
        (exponent_alignment, {"exponent": 0.5, "damping": -1.0}, "damping=-1.0"),
        (exponent_alignment, {"exponent": 0.5, "aspect": 1.0}, "aspect=1.0"),
        (exponent_alignment, {"exponent": 0.5, "spectrum": [1.0]}, "needs a theory.Spectrum"),
    ],
)
def test_refusals(function, change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(**{**GOOD, **change})
