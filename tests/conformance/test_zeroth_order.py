"""Methods that ask for the loss at several points and use no gradient."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer


class TwoPoint(torch.optim.Optimizer):
    """Two evaluations along a normal direction of the global generator; gradients are unused."""

    def __init__(self, params, lr=1e-2, eps=1e-3):
        super().__init__(params, {"lr": lr, "eps": eps})

    @torch.no_grad()
    def step(self, closure):
        held = [(group, p) for group in self.param_groups for p in group["params"]]
        directions = [torch.randn_like(p) for _, p in held]
        values = []
        for sign in (1, -1):
            starts = [p.clone() for _, p in held]
            for (group, p), z in zip(held, directions, strict=True):
                p.add_(z, alpha=sign * group["eps"])
            with torch.enable_grad():
                values.append(float(closure()))
            for (_, p), start in zip(held, starts, strict=True):
                p.copy_(start)
        for (group, p), z in zip(held, directions, strict=True):
            slope = (values[0] - values[1]) / (2 * group["eps"])
            p.sub_(z, alpha=group["lr"] * slope)
        return values[0]


@pytest.mark.parametrize("need", ["closure", "value_closure"])
def test_it_is_not_accused(need):
    spec = OptimizerSpec("two points", TwoPoint, needs={need})
    report = check_optimizer(spec, on_fail=None, quick=True)
    assert [f"{r.check}: {r.message}" for r in report.findings] == []
    assert str(report.outcome("api.lr-read")) == "conforms"
