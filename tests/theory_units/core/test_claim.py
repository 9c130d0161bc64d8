"""A claim that contradicts itself or the notation cannot be built."""

import dataclasses

import pytest
import sympy as sp

from theory import CLAIMS
from theory.core.claim import Assumption, Claim, collect
from theory.core.part import Kind, Part
from theory.core.source import Source
from theory.linear_representation.notation import NOTATION, F, G, H, d, eta, k, kappa, lam, sigma

EXAMPLE = {"step_size": 0.1, "input_dim": 4, "rank": 2}


def build(**changes: object) -> Claim:
    values: dict[str, object] = {
        "id": "LR-99",
        "title": "a title",
        "says": "in words",
        "source": Source.derived(),
        "parts": {"limit": Part(Kind.BOUND, sp.Le(eta, 1))},
        "example": EXAMPLE,
    }
    if "relation" in changes:
        changes["parts"] = {"limit": Part(Kind.BOUND, changes.pop("relation"))}  # type: ignore[arg-type]
    return Claim(**{**values, **changes})  # type: ignore[arg-type]


def test_a_well_formed_claim_is_built_and_frozen() -> None:
    claim = build()
    assert claim.relations() == {"limit": sp.Le(eta, 1)}
    assert claim.kind is Kind.BOUND
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.title = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        claim.example["rank"] = 3  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "LR-1"}, "needs the form"),
        ({"id": "X-01"}, "needs the form"),
        ({"parts": {}}, "says nothing"),
        ({"parts": {"": Part(Kind.BOUND, sp.Le(eta, 1))}}, "needs a Part and a name"),
        ({"parts": {"limit": sp.Le(eta, 1)}}, "needs a Part and a name"),
        ({"says": "  "}, "says is empty"),
        ({"source": "derived"}, "needs a Source"),
        ({"relation": sp.Le(sp.Symbol("eta"), 1)}, "undeclared symbol eta"),
        ({"relation": sp.Le(sp.Symbol("wombat", real=True), 1)}, "undeclared symbol wombat"),
        ({"relation": sp.Eq(sp.MatrixSymbol("Y", d, d), sp.Identity(d))}, "undeclared symbol Y"),
        ({"relation": sp.Eq(sp.MatrixSymbol("G", d, d), sp.Identity(d))}, "undeclared symbol G"),
        ({"definitions": {H: G * G.T + sp.Identity(k), sigma: F}}, "another shape"),
        ({"definitions": {H: F * F.T}}, "another shape"),
        ({"definitions": {sp.MatrixSymbol("Y", k, k): G * G.T}}, "undeclared symbol Y"),
        ({"assumptions": (Assumption("up", sp.Symbol("zeta") > 0),)}, "undeclared symbol zeta"),
        ({"assumptions": (Assumption("up", eta > 1),)}, "empty domain"),
        ({"assumptions": (Assumption("no damping", sp.Eq(lam, 0)),)}, "example lacks 'damping'"),
        ({"example": {**EXAMPLE, "step_size": -0.1}}, "step_size=-0.1, needs"),
        ({"example": {**EXAMPLE, "rank": 0}}, "rank=0, needs"),
        ({"example": {**EXAMPLE, "rank": 1.5}}, "rank=1.5, needs"),
    ],
)
def test_an_inconsistent_claim_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_an_assumption_that_can_never_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="empty domain"):
        Assumption("never", sp.And(eta > 1, eta < 0).simplify())


def test_an_assumption_needs_exactly_one_condition() -> None:
    with pytest.raises(ValueError, match="either a relation or a fact"):
        Assumption("nothing")
    with pytest.raises(ValueError, match="either a relation or a fact"):
        Assumption("both", kappa >= 1, fact="input_law", allowed=("gaussian",))
    with pytest.raises(ValueError, match="allows no value"):
        Assumption("no law", fact="input_law")


def test_a_fact_is_compared_with_the_allowed_words() -> None:
    assumption = Assumption("Gaussian input", fact="input_law", allowed=("gaussian",))
    assert assumption.holds({"input_law": "gaussian"})
    assert not assumption.holds({"input_law": "rademacher"})
    with pytest.raises(KeyError):
        assumption.holds({})


def test_violated_names_domains_and_assumptions() -> None:
    claim = build(assumptions=(Assumption("room for a complement", d > k),))
    assert claim.violated(EXAMPLE) == []
    assert claim.violated({**EXAMPLE, "rank": 4}) == ["assumption fails: room for a complement"]
    assert len(claim.violated({**EXAMPLE, "rank": 4, "step_size": -1.0})) == 2


def test_an_id_is_used_once() -> None:
    with pytest.raises(ValueError, match="used twice"):
        collect((build(), build(title="another")))


def test_claims_come_in_paper_order() -> None:
    linear = [claim_id for claim_id in CLAIMS if claim_id.startswith("LR-")]
    assert linear[:28] == [f"LR-{number:02d}" for number in range(1, 29)]
    assert list(CLAIMS) == sorted(CLAIMS)
    assert all(CLAIMS[claim_id].id == claim_id for claim_id in CLAIMS)


def test_every_scalar_of_a_claim_has_a_row_in_the_table() -> None:
    for claim in CLAIMS.values():
        for relation in claim.relations().values():
            for symbol in relation.atoms(sp.Symbol):
                assert NOTATION[symbol.name].meaning


def test_a_part_needs_a_known_kind_and_a_relation() -> None:
    with pytest.raises(ValueError, match="kind='theorem', needs one of"):
        Part("theorem", sp.Le(eta, 1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not a relation"):
        Part(Kind.BOUND, eta * 2)


def test_a_source_says_what_it_points_to() -> None:
    both = Source.seen("eq. (5)") + Source.derived("the rank")
    assert str(both) == "paper, equation seen: eq. (5); derived here: the rank"
    with pytest.raises(ValueError, match="names nothing"):
        Source.attributed(" ")


def test_the_printed_relation_computes() -> None:
    rate = CLAIMS["LR-15"]["kfac"]
    assert rate.number(step_size=0.3) == pytest.approx(0.7)
    assert rate.number(step_size=[0.1, 0.4]).tolist() == pytest.approx([0.9, 0.6])
    with pytest.raises(ValueError, match="needs exactly \\['step_size'\\]"):
        rate.number(step=0.3)
    with pytest.raises(KeyError, match="has no part 'muon'"):
        CLAIMS["LR-15"]["muon"]
