"""Adam with one step counter per group: a parameter that joins late is corrected as an old one."""

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

CLAIMS = {"adam"}
CAUGHT_BY = {"api.late": "limit"}


class Adam(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-08):
    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        m, v = corrected(m, v, self.count(t, group), group)
        p -= group["lr"] * m / (v.sqrt() + group["eps"])

    def count(self, own, group):
        return own


class Together(Adam):
    def step(self, closure=None):
        for group in self.param_groups:
            group["all_steps"] = group.get("all_steps", 0) + 1
        return super().step(closure)

    def count(self, own, group):
        return group["all_steps"]


def wrong(params):
    return Together(params)


def right(params):
    return Adam(params)
