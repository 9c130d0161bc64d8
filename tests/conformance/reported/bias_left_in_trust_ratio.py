"""LAMB whose moments keep their start-up bias; only weight decay makes it visible."""

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

CLAIMS = {"lamb"}
CAUGHT_BY = {"def.trajectory": "deviates"}


class Lamb(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.1):
    corrects = True

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        if self.corrects:
            m, v = corrected(m, v, t, group)
        step = m / (v.sqrt() + group["eps"]) + group["weight_decay"] * p
        weight, length = float(p.norm()), float(step.norm())
        trust = weight / length if min(weight, length) > 0 else 1.0
        p -= group["lr"] * trust * step


class Biased(Lamb):
    corrects = False


def wrong(params):
    return Biased(params)


def right(params):
    return Lamb(params)
