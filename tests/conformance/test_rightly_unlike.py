"""Right optimizers that differ from the textbook in one legal thing; wrong ones beside them."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.definition.extras import ways
from lpfl.conformance.definition.option_names import Place
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter

ACCUSES = {Outcome.LIMIT, Outcome.DEVIATES}


def accusations(factory, claims, checks=("api", "def"), **options):
    spec = OptimizerSpec("s", factory, claims=frozenset(claims), options=options)
    report = check_optimizer(spec, on_fail=None, quick=True, checks=list(checks))
    return [(r.check, r.message) for r in report.results if r.outcome in ACCUSES]


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_a_beta_of_zero_is_a_value_like_another(kind):
    assert accusations(kind, {kind.__name__.lower()}, betas=(0.0, 0.99)) == []


class OneBeta(torch.optim.Adam):
    """Adam whose first beta is always 0."""

    def __init__(self, params, lr=1e-3, betas=(0.0, 0.99)):
        super().__init__(params, lr=lr, betas=betas)

    def step(self, closure=None):
        for group in self.param_groups:
            group["betas"] = (0.0, group["betas"][1])
        return super().step(closure)


def test_a_beta_that_is_not_used_is_still_seen():
    assert "api.options" in dict(accusations(OneBeta, {"adam"}, checks=["api.options"]))


class Sam(torch.optim.Optimizer):
    """Sharpness-aware minimisation around SGD."""

    def __init__(self, params, lr=0.01, rho=0.05):
        super().__init__(params, {"lr": lr, "rho": rho})

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        every = [(p, g) for g in self.param_groups for p in g["params"] if p.grad is not None]
        norm = torch.stack([p.grad.norm() for p, _ in every]).norm() + 1e-12
        moves = [group["rho"] * p.grad / norm for p, group in every]
        for (p, _), move in zip(every, moves, strict=True):
            p.add_(move)
        with torch.enable_grad():
            closure()
        for (p, group), move in zip(every, moves, strict=True):
            p.sub_(move).sub_(p.grad, alpha=group["lr"])
        return loss


def test_a_method_without_a_reference_may_look_like_its_base():
    spec = OptimizerSpec("s", Sam, claims=frozenset({"sam"}), needs=frozenset({"closure"}))
    report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.degenerates"])
    assert report.outcome("def.degenerates") is Outcome.CONFORMS


class Signum(PerParameter, lr=1e-3, momentum=0.0):
    """The sign of an average that starts as the gradient alone."""

    def update(self, p, g, state, group):
        kept = state.setdefault("m", torch.zeros_like(p))
        p.sub_(kept.lerp_(g, 1 - group["momentum"]).sign(), alpha=group["lr"])


def test_defaults_may_be_a_simple_case_of_the_method():
    assert accusations(Signum, {"signum"}, checks=["def"]) == []


class HalfAdam(PerParameter, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    """Adam whose two moments are stored in bfloat16; the step is computed in full precision."""

    late = 0

    def update(self, p, g, state, group):
        a, b = group["betas"]
        state["t"] = t = state.get("t", 0) + 1
        zero = torch.zeros_like(p)
        m = state.get("m", zero).to(p.dtype) * a + (1 - a) * g
        v = state.get("v", zero).to(p.dtype) * b + (1 - b) * g**2
        state["m"], state["v"] = m.bfloat16(), v.bfloat16()
        root = (v / (1 - b ** (t + self.late))).sqrt() + group["eps"]
        p.sub_(group["lr"] * m / (1 - a**t) / root)


class LateHalfAdam(HalfAdam):
    """The same with the second correction one step ahead."""

    late = 1


def test_what_rounding_the_state_costs_is_numerics_and_no_more():
    def found(kind):
        spec = OptimizerSpec("s", kind, claims=frozenset({"adam"}))
        report = check_optimizer(spec, on_fail=None, quick=True, checks=["def.trajectory"])
        return report.results[0]

    right = found(HalfAdam)
    assert right.outcome is Outcome.NUMERICS
    assert "state kept in bfloat16" in right.message
    assert found(LateHalfAdam).outcome is Outcome.DEVIATES


class Loud(torch.optim.SGD):
    """step(closure) hands back the norm of the gradient."""

    def step(self, closure=None):
        with torch.enable_grad():
            closure and closure()
        super().step()
        return sum(float(p.grad.norm()) for g in self.param_groups for p in g["params"])


def test_another_number_than_the_loss_is_seen():
    (message,) = dict(accusations(Loud, {"sgd"}, checks=["api.closure"])).values()
    assert "and the closure 3: not its loss" in message


class Hybrid(PerParameter, lr=0.02, momentum=0.9, sign_lr=1e-3):
    """Muon with the exact factor for matrices; vectors move by the sign of their gradient."""

    def update(self, p, g, state, group):
        if p.ndim < 2:
            p.sub_(self.sign(g, state), alpha=group["sign_lr"])
            return
        kept = state.setdefault("m", torch.zeros_like(p)).lerp_(g, 1 - group["momentum"])
        U, _, V = torch.linalg.svd(kept.reshape(len(p), -1), full_matrices=False)
        p.sub_((U @ V).reshape(p.shape), alpha=group["lr"])

    def sign(self, g, state):
        return g.sign()


class OldSign(Hybrid):
    """The sign of the gradient before."""

    def sign(self, g, state):
        old = state.get("g", g).sign()
        state["g"] = g.clone()
        return old


def test_the_momentum_of_matrices_is_not_asked_of_vectors():
    claims = {"muon", "signsgd"}
    assert accusations(Hybrid, claims, checks=["def.trajectory"]) == []
    (message,) = dict(accusations(OldSign, claims, checks=["def.trajectory"])).values()
    assert message.startswith("Vectors and numbers alone")


def test_minus_one_stands_for_another_option_and_a_power_is_negative():
    assert Place("shampoo_beta").write(-1.0, 0.7) == 0.7
    assert Place("decay_rate").write(-0.8, 0.7) == -0.7


def test_each_option_is_switched_off_alone_too():
    class Held:
        def default(self, name):
            return 0.5

    tried = list(ways(Held(), ["a", "b", "c", "d"]))
    assert tried[0] == dict.fromkeys("abcd", 0.0)
    assert all({name: 0.0} in tried for name in "abcd")
