"""Formulas: the letters look as in the paper, brackets stretch, nothing is inline style."""

from xml.etree import ElementTree as ET

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from lpfl.report.formulas import letter, letter_mathml, pieces, to_latex, to_mathml
from tests.report.samples import BOUND, CATALOGUE, IDENTITY
from theory.claims import CLAIMS
from theory.linear_representation import notation as sym


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("G^*", r"G_{\star}"),
        ("Sigmahat", r"\hat{\Sigma}"),
        ("nabla_G", r"\nabla_{G}"),
        ("P_perp", r"P_{\perp}"),
        ("T_+", "T_{+}"),
        ("lambda", r"\lambda"),
        ("lambda_max", r"\lambda_{\max}"),
        ("phi", r"\phi"),
        ("varphi", r"\varphi"),
        ("ell", r"\ell"),
        ("v_ij", "v_{ij}"),
        ("F_ls", r"F_{\mathrm{ls}}"),
        ("Delta_0", r"\Delta_{0}"),
        ("a^2_k", "a_{k}^{2}"),
        ("c1", "c_{1}"),
        ("F^+", "F^{+}"),
        ("E_G_+", "E_{G+}"),
        ("E_2'", r"E_{2}^{\prime}"),
        ("w'", r"w^{\prime}"),
    ],
)
def test_letters(name: str, latex: str) -> None:
    assert letter(name) == latex


def test_a_statement_is_written_as_in_the_paper() -> None:
    assert to_latex(IDENTITY.relations()["step"]) == (
        r"G_{+} P_{\perp} = \left(1 - \eta\right) G P_{\perp} + "
        r"\eta \left(F^{\top} F\right)^{-1} F^{\top} N \hat{\Sigma}^{-1} P_{\perp}"
    )


@pytest.mark.parametrize(
    ("expression", "latex"),
    [
        (sym.G - sym.eta * sym.grad_G, r"G - \eta \nabla_{G}"),
        (-sym.G, "- G"),
        ((1 - sym.eta) * sym.G, r"\left(1 - \eta\right) G"),
        (sym.T_next.T - 2 * sym.T.T, r"T_{+}^{\top} - 2 T^{\top}"),
        (sym.G_star.T * sym.G_star, r"G_{\star}^{\top} G_{\star}"),
        (sym.Sigma.T.I, r"\Sigma^{-\top}"),
        (sym.F_plus.T, r"{F^{+}}^{\top}"),
        (sp.Function("sh")(sym.k, sym.h), r"\mathrm{sh}\left(k, h\right)"),
        (sp.Identity(sym.d) - sym.Sigma, r"I - \Sigma"),
        (sp.Trace(sym.Sigma), r"\mathrm{tr}\left(\Sigma\right)"),
        (sp.tan(sym.theta) ** 2, r"\tan^{2}\,\theta"),
        (1 - sym.eta * sym.b_cone, r"1 - b \eta"),
        (sp.Function("E_b")(sym.h) ** 2, r"\mathbb{E}_{b}\left[h\right]^{2}"),
        (sp.Function("E")(1 - sym.h), r"\mathbb{E}\left[1 - h\right]"),
        (sym.phi - sp.acos(sym.theta), r"\phi - \arccos\left(\theta\right)"),
        (sp.Max(0, 1 - sym.h), r"\max\left(0, 1 - h\right)"),
    ],
)
def test_expressions(expression: sp.Basic, latex: str) -> None:
    assert to_latex(expression) == latex


@pytest.mark.parametrize("claim", [*CATALOGUE.values(), *CLAIMS.values()], ids=lambda c: c.id)
def test_every_claim_is_well_formed_mathml_without_inline_style(claim: object) -> None:
    formulas = [piece for r in claim.relations().values() for piece in pieces(r)]  # type: ignore[attr-defined]
    formulas += [to_mathml(e) for e in claim.definitions.values()]  # type: ignore[attr-defined]
    for formula in formulas:
        root = ET.fromstring(formula)
        assert root.tag == "math"
        assert not any("style" in element.attrib for element in root.iter())
        assert "\\" not in "".join(root.itertext())  # no LaTeX command is left unread


def test_brackets_and_leading_signs_are_left_to_the_browser() -> None:
    root = ET.fromstring(to_mathml((sym.F.T * sym.F).I))
    brackets = [e for e in root.iter("mo") if e.text in ("(", ")")]
    assert [b.attrib for b in brackets] == [{}, {}]
    long = ((1 - sym.eta) * (1 + sym.eta) * (2 - sym.eta) * (3 - sym.eta)) ** 2
    minus = ET.fromstring(pieces(sp.Eq(sym.h, 1 - long, evaluate=False))[1])
    assert (minus[0].text, minus[0].get("form")) == ("−", "infix")
    joined = ET.fromstring(pieces(sp.Eq(sym.h, 1 - sym.eta, evaluate=False))[0])
    assert "".join(joined.itertext()) == "h=1−η"
    subtracted = pieces(sp.Eq(sym.h, sym.eta - 1, evaluate=False))[0]
    assert "<mo>−</mo><mn>1</mn>" in subtracted
    assert not any("form" in e.attrib for e in joined.iter())


def letters(formula: str) -> str:
    """The text of a formula without the signs that stand between its letters."""
    return "".join("".join(ET.fromstring(formula).itertext()).split())


def test_a_relation_breaks_before_its_sign_and_its_terms() -> None:
    texts = [letters(piece) for piece in pieces(IDENTITY.relations()["step"])]
    assert texts == ["G+P⟂=(1−η)GP⟂", "+η(F⊤F)−1F⊤NΣ^−1P⟂"]
    assert letters(pieces(BOUND.relations()["contraction"])[0]).startswith("tanθ+≤")


def test_a_long_product_breaks_between_factors_and_loses_none() -> None:
    product = sp.MatMul(*[(sym.Sigma + sym.lam * sp.Identity(sym.d)).I, sym.Sigma_hat] * 9)
    relation = sp.Eq(product, sym.Sigma, evaluate=False)
    texts = [letters(piece) for piece in pieces(relation)]
    assert len(texts) > 2
    assert "".join(texts) == letters(to_mathml(relation))


@given(st.text(max_size=12))
def test_any_name_gives_well_formed_mathml(name: str) -> None:
    ET.fromstring(letter_mathml("x" + name))
