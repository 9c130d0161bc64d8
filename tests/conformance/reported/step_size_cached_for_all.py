"""RAdam that caches the whole step size by step: the second group gets the first one's rate."""

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

CLAIMS = {"radam"}
CAUGHT_BY = {"api.groups": "deviates"}


def rectification(t, b2):
    """Return the factor on the adaptive step, None while the variance is not tractable."""
    most = 2 / (1 - b2) - 1
    now = most - 2 * t * b2**t / (1 - b2**t)
    if now <= 5:
        return None
    return ((now - 4) * (now - 2) * most / ((most - 4) * (most - 2) * now)) ** 0.5


class RAdam(PerParameter, lr=0.01, betas=(0.9, 0.9), eps=1e-08):
    def plan(self, t, group):
        factor = rectification(t, group["betas"][1])
        return factor is not None, group["lr"] * (1.0 if factor is None else factor)

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        adaptive, rate = self.plan(t, group)
        m, v = corrected(m, v, t, group)
        p -= rate * (m / (v.sqrt() + group["eps"]) if adaptive else m)


class Cached(RAdam):
    def plan(self, t, group):
        known = self.__dict__.setdefault("plans", {})
        if t not in known:
            known[t] = super().plan(t, group)
        return known[t]


def wrong(params):
    return Cached(params)


def right(params):
    return RAdam(params)
