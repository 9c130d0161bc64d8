"""A claim that contradicts itself or the notation cannot be built."""

import dataclasses

import pytest
import sympy as sp

from theory import CLAIMS
from theory.core.claim import Assumption, Claim, Kind, collect
from theory.linear_representation.notation import NOTATION, F, G, H, d, eta, k, kappa, lam, sigma

EXAMPLE = {"step_size": 0.1, "input_dim": 4, "rank": 2}


def build(**changes: object) -> Claim:
    values: dict[str, object] = {
        "id": "LR-99",
        "title": "a title",
        "says": "in words",
        "kind": Kind.BOUND,
        "source": "derived",
        "statement": sp.Le(eta, 1),
        "example": EXAMPLE,
    }
    return Claim(**{**values, **changes})  # type: ignore[arg-type]


def test_a_well_formed_claim_is_built_and_frozen() -> None:
    claim = build()
    assert claim.relations() == {"": sp.Le(eta, 1)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.title = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        claim.example["rank"] = 3  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "LR-1"}, "needs the form"),
        ({"id": "XX-01"}, "needs the form"),
        ({"kind": "theorem"}, "needs one of"),
        ({"says": "  "}, "says is empty"),
        ({"source": ""}, "source is empty"),
        ({"statement": sp.Symbol("eta") * 2}, "not a relation"),
        ({"statement": sp.Le(sp.Symbol("eta"), 1)}, "undeclared symbol eta"),
        ({"statement": sp.Le(sp.Symbol("gamma", real=True), 1)}, "undeclared symbol gamma"),
        ({"statement": sp.Eq(sp.MatrixSymbol("Y", d, d), sp.Identity(d))}, "undeclared symbol Y"),
        ({"statement": sp.Eq(sp.MatrixSymbol("G", d, d), sp.Identity(d))}, "undeclared symbol G"),
        ({"statement": sp.Tuple(sp.Le(eta, 1), sp.Ge(eta, 0)), "parts": ("one",)}, "1 part names"),
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
    assert linear == [f"LR-{number:02d}" for number in range(1, 29)]
    assert all(CLAIMS[claim_id].id == claim_id for claim_id in CLAIMS)


def test_every_scalar_of_a_claim_has_a_row_in_the_table() -> None:
    for claim in CLAIMS.values():
        for relation in claim.relations().values():
            for symbol in relation.atoms(sp.Symbol):
                assert NOTATION[symbol.name].meaning
