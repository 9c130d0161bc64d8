"""Numbers in words: four digits, raised exponents, and scenarios flattened."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpfl.report.numerals import flat, short


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (-0.25, "−0.25"),
        (1234567, "1234567"),
        (0.00012345, "1.234×10⁻⁴"),
        (1e-4, "10⁻⁴"),
        (-1e300, "−10³⁰⁰"),
        (99999.9, "10⁵"),
        (12.0, "12"),
    ],
)
def test_numerals(value: float | None, text: str) -> None:
    assert short(value) == text


@given(st.floats(-1e308, 1e308))
def test_a_numeral_reads_back_to_four_digits(value: float) -> None:
    back = short(value).translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-"))
    if "×10" in back:
        back = back.replace("×10", "e")
    elif re.match(r"-?10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]", short(value).replace("−", "-")):
        back = back.replace("10", "1e", 1)
    assert float(back) == pytest.approx(value, rel=6e-4, abs=0)


def test_a_nested_scenario_is_flattened() -> None:
    scenario = {"d": 8, "covariance": {"family": "geometric", "log10": 1.5}, "on": True, "x": {}}
    assert flat(scenario) == [
        ("d", "8"),
        ("covariance.family", "geometric"),
        ("covariance.log10", "1.5"),
        ("on", "yes"),
        ("x", "{}"),
    ]
