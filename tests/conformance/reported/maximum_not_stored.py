"""AMSGrad whose foreach path forgets the running maximum and so is Adam."""

import torch

from tests.conformance.reported.per_parameter import PerParameter, moments

CLAIMS = {"amsgrad"}
CAUGHT_BY = {"api.paths": "deviates", "def.degenerates": "deviates"}


class AmsGrad(PerParameter, lr=0.01, betas=(0.9, 0.9), eps=1e-08, foreach=True):
    stores = True

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        top = state.setdefault("top", torch.zeros_like(p))
        if not group["foreach"] or self.stores:
            torch.maximum(top, v, out=top)
        else:
            top = torch._foreach_maximum([top], [v])[0]
        b1, b2 = group["betas"]
        root = (top / (1 - b2**t)).sqrt() + group["eps"]
        p -= group["lr"] / (1 - b1**t) * m / root


class Forgetful(AmsGrad):
    stores = False


def wrong(params, **options):
    return Forgetful(params, **options)


def right(params, **options):
    return AmsGrad(params, **options)
