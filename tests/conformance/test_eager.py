"""What a subject compiles runs as it was written: no compiler is waited for, or blamed on it."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter


def never(graph, inputs):
    raise RuntimeError("this backend compiles nothing")


@torch.compile(backend=never, fullgraph=True)
def moved(p, g, lr):
    return p - lr * g


class Compiled(PerParameter, lr=0.01):
    """Gradient descent whose update is compiled."""

    def update(self, p, g, state, group):
        p.copy_(moved(p, g, group["lr"]))


def test_alone_it_is_compiled():
    p = torch.nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    with pytest.raises(Exception, match="compiles nothing"):
        Compiled([p]).step()


def test_judged_it_is_not():
    spec = OptimizerSpec("compiled", Compiled, claims={"sgd"})
    report = check_optimizer(spec, checks=["def.trajectory", "api.determinism"], on_fail=None)
    assert [str(r.outcome) for r in report.results] == ["conforms", "conforms"]
