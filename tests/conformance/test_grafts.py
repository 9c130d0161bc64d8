"""Grafts of Shampoo by option and by heart, Nesterov's momentum: right ones and wrong ones."""

from enum import IntEnum

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter


class Shampoo(PerParameter, lr=0.05, betas=(0.9, 0.99), eps=1e-4, graft="none"):
    """Shampoo on both sides of a matrix, grafted to "sgd", "adagrad", "rmsprop" or "adam"."""

    def update(self, p, g, s, o):
        s["t"] = s.get("t", 0) + 1
        b1, _ = o["betas"]
        s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
        u = self.direction(g, s["m"] / (1 - b1 ** s["t"]), s, o)
        length = self.length(o["graft"], g, s, o)
        p -= o["lr"] * (u if length is None else u * length / u.norm().clamp(min=1e-30))

    def direction(self, g, mean, s, o):
        G = g.flatten(1) if g.ndim > 1 else g.reshape(-1, 1)
        u = mean.reshape(G.shape)
        for side, square in (("L", G @ G.T), ("R", G.T @ G)):
            s[side] = o["betas"][1] * s.get(side, 0.0) + (1 - o["betas"][1]) * square
            values, Q = torch.linalg.eigh(s[side] / (1 - o["betas"][1] ** s["t"]))
            root = (Q * (values.clamp(min=0) + o["eps"]) ** -0.25) @ Q.T
            u = root @ u if side == "L" else u @ root
        return u.reshape(g.shape)

    def length(self, graft, g, s, o):
        b1, b2 = o["betas"]
        if graft == "sgd":
            return g.norm()
        if graft == "adagrad":
            s["sum"] = s.get("sum", 0.0) + g * g
            return (g / (s["sum"].sqrt() + 1e-12)).norm()
        if graft in ("rmsprop", "adam"):
            s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
            v, m = s["v"], g
            if graft == "adam":
                v, m = v / (1 - b2 ** s["t"]), s["m"] / (1 - b1 ** s["t"])
            return (m / (v.sqrt() + 1e-12)).norm()
        return None


class Kind(IntEnum):
    NONE = 0
    SGD = 1
    RMSPROP = 3


class Numbered(Shampoo, graft=Kind.SGD):
    """The graft is a member of an enumeration."""

    def length(self, graft, g, s, o):
        return super().length(Kind(graft).name.lower(), g, s, o)


class NumberedWrongly(Numbered):
    """The numbers of two methods are exchanged."""

    def length(self, graft, g, s, o):
        return super().length({Kind.SGD: Kind.RMSPROP, Kind.RMSPROP: Kind.SGD}[graft], g, s, o)


class GradientForAdam(Shampoo):
    """Steps as long as the gradient where those of "adam" are asked for."""

    def length(self, graft, g, s, o):
        return super().length("sgd" if graft == "adam" else graft, g, s, o)


class SumForAverage(Shampoo):
    """The squares of "rmsprop" are summed."""

    def length(self, graft, g, s, o):
        return super().length("adagrad" if graft == "rmsprop" else graft, g, s, o)


class Together(Shampoo):
    """One factor brings the steps to the length of "sgd"."""

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else closure()
        (o,) = self.param_groups
        seen = [p for p in o["params"] if p.grad is not None]
        before = [p.clone() for p in seen]
        for p in seen:
            self.update(p, p.grad, self.state[p], {**o, "graft": "none"})
        moves = [p - b for p, b in zip(seen, before, strict=True)]
        if o["graft"] == "sgd" and moves:
            size = lambda xs: sum(float(x.square().sum()) for x in xs) ** 0.5  # noqa: E731
            factor = o["lr"] * size([p.grad for p in seen]) / max(size(moves), 1e-30)
            for p, b, u in zip(seen, before, moves, strict=True):
                p.copy_(b + factor * u)
        return loss


class TurnedOver(Shampoo):
    """The ratio of lengths is turned over for "adagrad"."""

    def update(self, p, g, s, o):
        old = p.clone()
        super().update(p, g, s, {**o, "graft": "none"})
        length = self.length(o["graft"], g, s, o)
        if length is not None:
            size = ((p - old) / o["lr"]).norm()
            ratio = size / length if o["graft"] == "adagrad" else length / size
            p.copy_(old + ratio.nan_to_num(1.0) * (p - old))


class Odd(Shampoo):
    """The square root of the length of "adam"."""

    def length(self, graft, g, s, o):
        found = super().length(graft, g, s, o)
        return found.sqrt() if graft == "adam" else found


def judged(kind, check, **options):
    spec = OptimizerSpec("s", kind, claims=frozenset({"shampoo"}), options=options)
    report = check_optimizer(spec, on_fail=None, checks=[check], quick=True)
    return report.outcome(check), " ".join(r.message for r in report.results), report.results


@pytest.mark.parametrize("kind", [Shampoo, Numbered])
def test_right_grafts_have_the_lengths_of_their_names(kind):
    outcome, said, results = judged(kind, "def.graft")
    assert outcome is Outcome.CONFORMS, said
    assert len(results) == (4 if kind is Shampoo else 2)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (GradientForAdam, "with graft='adam' steps are as long as sgd's, not as adam's"),
        (SumForAverage, "with graft='rmsprop' steps are as long as adagrad's, not as rmsprop's"),
        (NumberedWrongly, "with graft=3 steps are as long as sgd's, not as rmsprop's"),
        (Together, "of all weights together"),
        (TurnedOver, "is the factor, not its inverse"),
    ],
)
def test_a_wrong_length_is_named(kind, words):
    outcome, said, results = judged(kind, "def.graft")
    assert (outcome, words in said.lower()) == (Outcome.DEVIATES, True), said
    assert all(r.snippet for r in results if r.outcome is Outcome.DEVIATES)


def test_lengths_of_no_known_form_are_not_accused():
    outcome, said, _ = judged(Odd, "def.graft")
    assert outcome is Outcome.INCONCLUSIVE, said


class ByHeart(Shampoo):
    """Always grafted to one method, which no option names."""

    method = "adam"

    def __init__(self, params, lr=0.05, betas=(0.9, 0.99), eps=1e-4):
        PerParameter.__init__(self, params, **{"lr": lr, "betas": betas, "eps": eps}, graft=None)
        for group in self.param_groups:
            group.pop("graft")

    def update(self, p, g, s, o):
        super().update(p, g, s, {**o, "graft": self.method})


class ByHeartToAdaGrad(ByHeart):
    method = "adagrad"


class ByHeartTwice(ByHeart):
    """The length of the second step on is that of the one before."""

    def length(self, graft, g, s, o):
        now = super().length(graft, g, s, o)
        s["last"], before = now, s.get("last", now)
        return before


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (ByHeart, Outcome.VARIANT, "graft: to the length of RMSprop's step, bias corrected"),
        (ByHeartToAdaGrad, Outcome.VARIANT, "shampoo-grafted"),
        (ByHeartTwice, Outcome.DEVIATES, "shampoo"),
    ],
)
def test_a_graft_without_an_option_is_a_form_of_shampoo(kind, outcome, words):
    found, said, _ = judged(kind, "def.trajectory")
    assert (found, words in said) == (outcome, True), said
