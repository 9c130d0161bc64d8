"""Faults that show at an edge alone: far sizes, narrow counters, numbers, complex parameters."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


def judged(factory, check, *claims):
    spec = OptimizerSpec("s", factory, claims=frozenset(claims))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=[check])
    worst = report.outcome(check)
    said = " ".join(r.message for r in report.results if r.outcome is worst)
    shown = all(r.snippet for r in report.results if str(r.outcome) in ("limit", "deviates"))
    return str(worst), said, shown


class AdamW(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, self.seen(g), state, group), group)
        if self.decays(p):
            p.mul_(1 - group["lr"] * group["weight_decay"])
        p.addcdiv_(m, v.sqrt() + group["eps"], value=-group["lr"])

    def seen(self, g):
        return g

    def decays(self, p):
        return True


class ClipsNorm(AdamW):
    def seen(self, g):
        return g * min(1.0, 1e3 / (float(g.norm()) + 1e-12))


class ClipsNormAsSaid(ClipsNorm):
    """AdamW. Gradients whose norm is above 1000 are scaled down to it."""


class ClipsEntries(AdamW):
    def seen(self, g):
        return g.clamp(-1e4, 1e4)


class SkipsTiny(AdamW):
    def update(self, p, g, state, group):
        if float(g.abs().max()) > 1e-6:
            super().update(p, g, state, group)


class ClipsByOption(AdamW, safety=1e3):
    def update(self, p, g, state, group):
        super().update(p, g * min(1.0, group["safety"] / float(g.norm() + 1e-12)), state, group)


class Lamb(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
    least = 0.0

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group), group)
        u = m / (v.sqrt() + group["eps"]) + group["weight_decay"] * p
        w, r = float(p.norm()), float(u.norm())
        p.sub_(u, alpha=group["lr"] * (w / r if w > self.least and r > 0 else 1.0))


class FullMatrixShampoo(PerParameter, lr=0.05, betas=(0.0, 0.99), epsilon=1e-6, weight_decay=0.0):
    """Shampoo with averaged, corrected statistics; vectors have the full matrix.

    Damping is below the rounding of the statistic where gradients are of 1e8.
    """

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        beta, step = group["betas"][1], g + group["weight_decay"] * p
        step = seen = step.reshape(1) if step.ndim == 0 else step
        for axis in range(seen.ndim):
            rows = seen.transpose(0, axis).reshape(seen.shape[axis], -1)
            S = beta * state.get(axis, 0.0) + (1 - beta) * rows @ rows.T
            state[axis] = S
            S = S / (1 - beta ** state["t"]) + group["epsilon"] * torch.eye(len(S)).to(S)
            values, Q = torch.linalg.eigh(S)
            root = Q * values.clamp(min=1e-30) ** (-1 / (2 * seen.ndim)) @ Q.T
            step = torch.tensordot(root, step, ([1], [axis])).movedim(0, axis)
        p.sub_(step.reshape(p.shape), alpha=group["lr"])


class LambDropsTrust(Lamb):
    least = 1e-6


@pytest.mark.parametrize(
    ("factory", "claim", "words"),
    [
        (ClipsNorm, "adamw", "gradients whose norm is above 1e+03 are scaled down to it"),
        (ClipsEntries, "adamw", "entries of gradients beyond 1e+04 are cut off"),
        (SkipsTiny, "adamw", "it stands still where a gradient's norm is below"),
        (LambDropsTrust, "lamb", "where a weight's norm is below"),
    ],
)
def test_what_acts_far_from_one_alone_is_named(factory, claim, words):
    outcome, said, shown = judged(factory, "def.trajectory", claim)
    assert outcome == "deviates"
    assert words in said
    assert shown


@pytest.mark.parametrize(
    ("factory", "claim", "outcome"),
    [
        (AdamW, "adamw", "conforms"),
        (Lamb, "lamb", "conforms"),
        (FullMatrixShampoo, "shampoo", "conforms up to a convention"),
        (ClipsNormAsSaid, "adamw", "documented variant"),
        (ClipsByOption, "adamw", "documented variant"),
    ],
)
def test_what_is_right_far_from_one_said_or_an_option_is_not_accused(factory, claim, outcome):
    assert judged(factory, "def.trajectory", claim)[0] == outcome


def counting(dtype, *, used=True):
    class Counts(AdamW):
        def update(self, p, g, state, group):
            m, v, t = moments(p, g, state, group)
            kept = state.setdefault("kept", torch.zeros((), dtype=dtype or p.dtype)).add_(1)
            m, v = corrected(m, v, float(kept) if used else t, group)
            p.addcdiv_(m, v.sqrt() + group["eps"], value=-group["lr"])

    return Counts


@pytest.mark.parametrize(("dtype", "last"), [(None, 256), (torch.float16, 2048)])
def test_a_counter_that_stands_still_is_named(dtype, last):
    outcome, said, shown = judged(counting(dtype), "api.counters")
    assert outcome == "deviates"
    assert f"'kept' of a bfloat16 run stands at {last}" in said
    assert shown


@pytest.mark.parametrize(
    ("factory", "outcome"),
    [
        (counting(torch.float32), "conforms"),
        (counting(torch.int64), "conforms"),
        (counting(None, used=False), "numerics"),
    ],
)
def test_a_counter_that_counts_or_that_nobody_reads_is_not_accused(factory, outcome):
    assert judged(factory, "api.counters")[0] == outcome


class StandsStill(AdamW):
    """AdamW whose correction is rounded to the format of the weights: to 0 in bfloat16."""

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        one, two = group["betas"]
        second = 1 - torch.tensor(two, dtype=p.dtype) ** t
        p.addcdiv_(m / (1 - one**t), (v / second).sqrt() + group["eps"], value=-group["lr"])


def test_a_run_that_stands_still_for_another_reason_than_spacing_is_a_limit():
    outcome, said, shown = judged(StandsStill, "api.dtypes")
    assert (outcome, shown) == ("limit", True)
    assert "spacings of the format" in said
    assert judged(AdamW, "api.dtypes")[0] == "conforms"


class NumbersUndecayed(AdamW):
    def decays(self, p):
        return p.ndim > 0


class MatricesDecayed(AdamW):
    """AdamW; biases and gains are not decayed."""

    def decays(self, p):
        return p.ndim > 1


class NumbersUndecayedAsSaid(NumbersUndecayed):
    """AdamW; scalar parameters are not decayed."""


class NumbersWithoutMomentum(AdamW):
    def update(self, p, g, state, group):
        at = {**group, "betas": (0.0 if p.ndim == 0 else group["betas"][0], group["betas"][1])}
        super().update(p, g, state, at)


@pytest.mark.parametrize(
    ("factory", "claims", "outcome"),
    [
        (NumbersUndecayed, ("adamw",), "deviates"),
        (NumbersUndecayed, (), "limit"),
        (NumbersWithoutMomentum, ("adamw",), "deviates"),
        (NumbersWithoutMomentum, (), "conforms"),
        (NumbersUndecayedAsSaid, ("adamw",), "documented variant"),
        (MatricesDecayed, ("adamw",), "conforms"),
        (AdamW, ("adamw",), "conforms"),
    ],
)
def test_a_number_moves_as_a_vector_of_one_entry(factory, claims, outcome):
    found, said, shown = judged(factory, "api.shapes", *claims)
    assert found == outcome
    assert shown
    assert found == "conforms" or "unlike a vector of one entry" in said


class Squares(AdamW):
    """Adam, for complex parameters too: one second moment an entry."""

    def update(self, p, g, state, group):
        m, _, t = moments(p, g, state, group)
        b2 = group["betas"][1]
        state["s"] = b2 * state.get("s", 0 * g) + (1 - b2) * self.square(g)
        m, s = corrected(m, state["s"], t, group)
        p.addcdiv_(m, s.sqrt() + group["eps"], value=-group["lr"])

    def square(self, g):
        return g * g


class SquaresOfSize(Squares):
    """Adam, for complex parameters too: one second moment an entry, of the absolute value."""

    def square(self, g):
        return g * g.conj()


class SquaresForReal(Squares):
    """Adam; complex parameters are not supported."""


@pytest.mark.parametrize(
    ("factory", "outcome"),
    [(Squares, "limit"), (SquaresOfSize, "conforms"), (SquaresForReal, "not claimed")],
)
def test_who_speaks_of_complex_parameters_must_step_them_right(factory, outcome):
    found, _, shown = judged(factory, "api.complex")
    assert (found, shown) == (outcome, True)
