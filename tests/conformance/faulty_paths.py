"""Faults of one path of two: what foreach forgets beside another option, or another group."""

import torch

from tests.conformance.reported.per_parameter import PerParameter


class GoesDown(PerParameter, lr=0.1, maximize=False, foreach=False):
    """With foreach it minimizes, whatever was asked for."""

    def update(self, p, g, state, group):
        up = group["maximize"] and not group["foreach"]
        p -= group["lr"] * (-g if up else g)


class LastRate(PerParameter, lr=0.1, foreach=False):
    """With foreach the parameters of all groups step at the rate of the last one."""

    def update(self, p, g, state, group):
        last = self.param_groups[-1] if group["foreach"] else group
        torch._foreach_add_([p], [g], alpha=-last["lr"])


FAULTS = [
    ("api.paths", GoesDown, (), "deviates"),
    ("api.paths", LastRate, (), "deviates"),
]
"""(check, optimizer, claims, outcome)."""
