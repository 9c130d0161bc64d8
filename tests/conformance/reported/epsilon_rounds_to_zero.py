"""Adam whose denominator is formed in float16, where eps = 1e-8 is zero: 0/0 at zero gradients."""

import torch

from tests.conformance.reported.per_parameter import PerParameter, corrected, moments

CLAIMS = {"adam"}
CAUGHT_BY = {"api.float16": "numerics"}


class Adam(PerParameter, lr=0.01, betas=(0.9, 0.999), eps=1e-08):
    def inside(self, p):
        return torch.promote_types(p.dtype, torch.float32)

    def update(self, p, g, state, group):
        m, v = corrected(*moments(p, g, state, group, dtype=self.inside(p)), group)
        p -= (group["lr"] * m / (v.sqrt() + group["eps"])).to(p.dtype)


class Narrow(Adam):
    def inside(self, p):
        return p.dtype


def wrong(params):
    return Narrow(params)


def right(params):
    return Adam(params)
