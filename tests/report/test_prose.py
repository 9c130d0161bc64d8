"""Sentences: indices low, exponents high, sums unbroken, everything escaped."""

import re

import pytest

from lpfl.report.prose import part_words, prose, typeset
from theory.claims import CLAIMS
from theory.core.claim import Claim
from theory.core.notation import NOTATION, Notation


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("F_ls is best", "F<sub>ls</sub> is best"),
        ("F⋆G⋆ and P⊥", "F<sub>⋆</sub>G<sub>⋆</sub> and P<sub>⊥</sub>"),
        ("κ_Hκ_s", "κ<sub>H</sub>κ<sub>s</sub>"),
        ("[x]^-2 and n^α", "[x]<sup>−2</sup> and n<sup>α</sup>"),
        ("λ^(1 − r)", "λ<sup>1\N{NO-BREAK SPACE}−\N{NO-BREAK SPACE}r</sup>"),
        ("<b> & x", "&lt;b&gt; &amp; x"),
        ("a dash - stays", "a dash - stays"),
    ],
)
def test_prose(text: str, html: str) -> None:
    assert prose(text) == html


@pytest.mark.parametrize(
    ("plain", "printed"),
    [
        ("sine 1e-4, times h <= 2", "sine 10⁻⁴, times h ≤ 2"),
        ("4.089e-05 and 1e+04, but 1e0", "4.089×10⁻⁵ and 10⁴, but 1"),
        ("1.1 eta g k/n^2", "1.1 η g k/n²"),
        ("n - d - 1, 1 - step size, (a) - b", "n − d − 1, 1 − step size, (a) − b"),
        ("seen -0.468 ± 0.027", "seen −0.468 ± 0.027"),
        ("E y^2/c_1^2", "E y²/c₁²"),
        ("the fastest - a dash - stays, as do x-axis, 2-3 and lpfl-1", None),
        ("kfac_2, beta_1x, d^(2/3), 1e5x, v1e5 and sigma(x)", None),
    ],
)
def test_plain_texts_get_the_signs_of_print(plain: str, printed: str | None) -> None:
    assert typeset(plain) == (plain if printed is None else printed)


def test_names_of_parts_are_words() -> None:
    assert part_words("kfac_head_gauge") == "KFAC head gauge"
    assert part_words("gauss_newton") == "Gauss-Newton"
    assert part_words("bad_head") == "bad head"


SPELT_OUT = re.compile(
    r"\b(eta|beta|lambda|lam|kappa|sigma|Sigma|phi|theta|alpha|delta|sqrt)\b|<=|>=|\*|\^-| \(x\) "
)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=lambda c: c.id)
def test_no_sentence_spells_out_a_letter(claim: Claim) -> None:
    for text in (claim.title, claim.says, *(a.text for a in claim.assumptions)):
        assert SPELT_OUT.search(text) is None


@pytest.mark.parametrize("entry", NOTATION.values(), ids=lambda e: e.code_name)
def test_no_meaning_spells_out_a_letter(entry: Notation) -> None:
    assert SPELT_OUT.search(entry.meaning) is None


def test_a_name_of_the_code_has_no_index() -> None:
    assert prose("sign_sgd is sP_s") == "sign_sgd is sP<sub>s</sub>"
