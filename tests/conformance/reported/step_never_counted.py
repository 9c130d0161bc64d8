"""AdamW that corrects the bias of the first step at every step."""

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

CLAIMS = {"adamw"}
CAUGHT_BY = {"def.trajectory": "deviates"}


class AdamW(PerParameter, lr=0.001, betas=(0.9, 0.95), eps=1e-08, weight_decay=0.01):
    counts = True

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        m, v = corrected(m, v, t if self.counts else 1, group)
        p *= 1 - group["lr"] * group["weight_decay"]
        p -= group["lr"] * m / (v.sqrt() + group["eps"])


class Stuck(AdamW):
    counts = False


def wrong(params):
    return Stuck(params)


def right(params):
    return AdamW(params)
