"""Adam that adds epsilon to the uncorrected root: a known convention, and to be named as one."""

from tests.conformance.reported.per_parameter import PerParameter, moments

CLAIMS = {"adam"}
CAUGHT_BY = {"def.trajectory": "conforms up to a convention"}


class Adam(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-08):
    corrects = True

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        b1, b2 = group["betas"]
        root = (1 - b2**t) ** 0.5
        floor = group["eps"] * (root if self.corrects else 1)
        p -= group["lr"] * root / (1 - b1**t) * m / (v.sqrt() + floor)


class Uncorrected(Adam):
    corrects = False


def wrong(params):
    return Uncorrected(params)


def right(params):
    return Adam(params)
