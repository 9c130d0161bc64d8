"""What documentation tells of another rule for vectors, and of few bits for large weights."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.oracles import divided
from tests.conformance.faulty_coarse import Decays
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

PARTS = ("matrices", "vectors")


def trajectories(kind, *claims, quick=True):
    spec = OptimizerSpec("s", kind, claims=frozenset(claims))
    report = check_optimizer(spec, on_fail=None, checks=["def.trajectory"], quick=quick)
    return [(str(r.outcome), r.message) for r in report.results]


class Mars(PerParameter):
    """MARS for weights of two and more axes, AdamW with betas_1d for vectors."""

    own_corrections = True

    def __init__(self, params, lr=3e-3, betas=(0.95, 0.99), eps=1e-8, betas_1d=(0.9, 0.95)):
        self.of_method = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "betas_1d": betas_1d,
            "gamma": 0.025,
        }
        super().__init__(params)

    def update(self, p, g, state, group):
        vector = {**group, "betas": group["betas_1d"]} if p.ndim < 2 else group
        if p.ndim > 1:
            beta = group["betas"][0]
            seen = g + group["gamma"] * beta / (1 - beta) * (g - state.get("last", g))
            state["last"] = g.clone()
            g = seen / seen.norm().clamp(min=1.0)
        m, v = corrected(*moments(p, g, state, vector), vector if self.own_corrections else group)
        p.sub_(m / (v.sqrt() + group["eps"]), alpha=group["lr"])


class CorrectsByMatrices(Mars):
    """Its vectors have the bias corrections of matrices."""

    own_corrections = False


def test_two_claims_are_divided_where_one_may_hand_vectors_to_the_other():
    both = frozenset({"mars", "adamw"})
    assert divided(both) == (frozenset({"mars"}), frozenset({"adamw"}))
    assert divided(frozenset({"mars", "lion"})) == (frozenset({"mars", "lion"}), frozenset())
    assert divided(frozenset({"mars"})) == (frozenset({"mars"}), frozenset())


def test_each_claim_is_held_against_its_own_weights():
    answers = trajectories(Mars, "mars", "adamw")
    assert [outcome for outcome, _ in answers] == ["conforms", "conforms"], answers
    outcomes = dict(zip(PARTS, trajectories(CorrectsByMatrices, "mars", "adamw"), strict=True))
    assert outcomes["matrices"][0] == "conforms", outcomes
    assert outcomes["vectors"][0] == "deviates", outcomes
    assert outcomes["vectors"][1].startswith("Vectors and numbers alone")


def rounded(self, p, g, state, group):
    """Step as AdamW; the first moments of large weights are then rounded."""
    Decays.update(self, p, g, state, group)
    if p.numel() > 4096:
        top = state["m"].abs().max() / 127
        state["m"].copy_((state["m"] / top).round().clamp(self.least) * top)


class EightBits(Decays):
    """AdamW; first moments of more than 4096 entries are kept in 8 bits."""

    least, update = -127, rounded


class EightBitsOfNothing(EightBits):
    """Codes without a sign."""

    least = 0


@pytest.mark.parametrize(
    ("kind", "outcome"), [(EightBits, "documented variant"), (EightBitsOfNothing, "deviates")]
)
def test_few_bits_of_large_weights_are_a_variant_where_they_are_told(kind, outcome):
    ((found, said),) = trajectories(kind, "adamw", quick=False)
    assert found == outcome, said


def test_few_bits_of_which_nothing_is_told_are_none():
    class Silent(Decays):
        least, update = -127, rounded

    ((found, said),) = trajectories(Silent, "adamw", quick=False)
    assert found == "deviates", said


def test_torchs_own_is_what_it_was():
    assert trajectories(torch.optim.AdamW, "adamw")[0][0] == "conforms"
