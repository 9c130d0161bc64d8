"""Nesterov's momentum of Shampoo and SOAP: right ones in some forms, and wrong ones."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter


class Shampoo(PerParameter, lr=0.05, eps=1e-3, momentum=0.9, nesterov=False):
    """Sums on every axis; momentum of the step."""

    weight = 1.0

    def update(self, p, g, s, o):
        G = step = g.reshape(1) if g.ndim == 0 else g
        for i in range(G.ndim):
            wide = G.movedim(i, 0).reshape(G.shape[i], -1)
            s[i] = s.get(i, o["eps"] * torch.eye(len(wide), dtype=g.dtype)) + wide @ wide.T
            values, Q = torch.linalg.eigh(s[i])
            root = (Q * values.clamp(min=1e-30) ** (-0.5 / G.ndim)) @ Q.T
            step = torch.tensordot(root, step, dims=([1], [i])).movedim(0, i)
        s["b"] = o["momentum"] * s.get("b", 0.0) + self.share(o) * step
        step = self.ahead(step, s["b"], G, o) if o["nesterov"] else s["b"]
        p -= o["lr"] * step.reshape(p.shape)

    def share(self, o):
        return 1.0

    def ahead(self, step, b, G, o):
        return self.share(o) * step + o["momentum"] * b


class OnByDefault(Shampoo, nesterov=True):
    pass


class Averaged(Shampoo):
    def share(self, o):
        return 1 - o["momentum"]


class PlainGradient(Shampoo):
    """The part that looks ahead is not preconditioned."""

    def ahead(self, step, b, G, o):
        return G + o["momentum"] * b


class Soap(PerParameter, lr=3e-3, betas=(0.9, 0.95), eps=1e-8, nesterov=False):
    """SOAP with exact eigenvectors from the first step on; vectors and numbers as by Adam."""

    def update(self, p, g, s, o):
        b1, b2 = o["betas"]
        t = s["t"] = s.get("t", 0) + 1
        bases = []
        for i in range(g.ndim if g.ndim > 1 else 0):
            wide = g.movedim(i, 0).reshape(g.shape[i], -1)
            s[i] = b2 * s.get(i, 0.0) + (1 - b2) * wide @ wide.T
            bases.append(torch.linalg.eigh(s[i]).eigenvectors.flip(1))
        s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * self.turn(g, bases).square()
        mean = s["m"] / (1 - b1**t)
        if o["nesterov"]:
            mean = self.ahead(s["m"], g, b1, t)
        second = (s["v"] / (1 - b2**t)).sqrt() + o["eps"]
        back = [Q.T for Q in bases]
        p -= o["lr"] * self.turn(self.turn(mean, bases) / second, back)

    def turn(self, x, bases):
        for i, Q in enumerate(bases):
            x = torch.tensordot(Q.T, x, dims=([1], [i])).movedim(0, i)
        return x

    def ahead(self, m, g, b1, t):
        return (b1 * m + (1 - b1) * g) / (1 - b1**t)


class SoapAsNadam(Soap):
    def ahead(self, m, g, b1, t):
        return b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)


class SoapAhead(Soap):
    """The average is taken once more, without the gradient."""

    def ahead(self, m, g, b1, t):
        return (b1 * m + (1 - b1) * m) * b1 / (1 - b1**t)


@pytest.mark.parametrize(
    ("kind", "claim", "outcome", "words"),
    [
        (Shampoo, "shampoo", "conforms up to a convention", "momentum: of the step, sum"),
        (OnByDefault, "shampoo", "conforms up to a convention", "momentum: of the step, sum"),
        (Averaged, "shampoo", "conforms", "Every step is shampoo's"),
        (PlainGradient, "shampoo", "deviates", "nesterov = True"),
        (Soap, "soap", "documented variant", "Every step is soap's"),
        (SoapAsNadam, "soap", "documented variant", "corrected as in NAdam"),
        (SoapAhead, "soap", "deviates", "nesterov = True"),
    ],
)
def test_the_form_of_nesterov_is_named(kind, claim, outcome, words):
    spec = OptimizerSpec("s", kind, claims=frozenset({claim}))
    report = check_optimizer(spec, on_fail=None, checks=["def.trajectory"], quick=True)
    said = " ".join(r.message for r in report.results)
    assert (str(report.outcome("def.trajectory")), words in said) == (outcome, True), said
