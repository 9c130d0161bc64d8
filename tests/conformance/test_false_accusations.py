"""Right optimizers that look wrong to a careless check: none of them may be accused."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.registry import all_checks
from tests.conformance.faulty_small import Sgd
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments


class Perturbs(PerParameter, lr=0.05):
    """Sharpness-aware: two evaluations of the loss, and a gradient before the first step."""

    @torch.no_grad()
    def step(self, closure):
        held = [(g["lr"], p) for g in self.param_groups for p in g["params"]]
        held = [(lr, p) for lr, p in held if p.grad is not None]
        if not held:
            raise KeyError("gradient")
        away = [0.01 * p.grad for _, p in held]
        for (_, p), a in zip(held, away, strict=True):
            p += a
        with torch.enable_grad():
            loss = closure()
        for (lr, p), a in zip(held, away, strict=True):
            p -= a
            p -= lr * p.grad
        return loss


class Polyak(PerParameter, lr=0.05):
    """The closure may only return a number."""

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * min(1.0, loss) * p.grad
        return loss


class MomentumInGrad(PerParameter, lr=0.05):
    """The momentum lives in p.grad, which is never zeroed."""

    def update(self, p, g, state, group):
        p -= group["lr"] * g.sign()
        g.mul_(0.9)


class Eigenbasis(PerParameter, lr=0.01, eps=1e-8):
    """Adam in the eigenbasis of a rank-deficient statistic, whose null space is free."""

    def update(self, p, g, state, group):
        if p.ndim != 2:
            p -= group["lr"] * g
            return
        S = state.setdefault("S", p.new_zeros(p.shape[1], p.shape[1]))
        S += g.T @ g
        wide = S.to(torch.promote_types(p.dtype, torch.float32))
        Q = torch.linalg.eigh(wide)[1].to(p.dtype)
        v = state.setdefault("v", torch.zeros_like(p))
        turned = g @ Q
        v += turned * turned
        p -= group["lr"] * (turned / (v.sqrt() + group["eps"])) @ Q.T


class RandomProbe(PerParameter, lr=0.05):
    """Draws a vector for each parameter, in memory order."""

    def update(self, p, g, state, group):
        probe = torch.randn_like(p).sign()
        p -= group["lr"] * (g + 0.1 * probe * (g * probe).mean())


class SizeGate(PerParameter, lr=0.01, decay=0.8):
    """Factored only where both sides exceed 16."""

    def update(self, p, g, state, group):
        square = g * g + 1e-30
        if p.ndim == 2 and min(p.shape) > 16:
            rows, columns = square.mean(-1, keepdim=True), square.mean(-2, keepdim=True)
            square = rows * columns / rows.mean()
        v = state.setdefault("v", torch.zeros_like(square))
        v.mul_(group["decay"]).add_(square)
        p -= group["lr"] * g / v.sqrt()


class NoTrustForVectors(PerParameter, lr=0.05):
    """Layer-wise rates for matrices, plain steps for vectors."""

    def update(self, p, g, state, group):
        weight, length = float(p.norm()), float(g.norm())
        trust = 0.1 * weight / length if p.ndim > 1 and min(weight, length) > 0 else 1.0
        p -= group["lr"] * trust * g


class StandsStill(PerParameter, lr=0.01, betas=(0.9, 0.99), eps=1e-8):
    """Takes no step for the first five, as rectified methods may."""

    def update(self, p, g, state, group):
        m, v, t = moments(p, g, state, group)
        m, v = corrected(m, v, t, group)
        if t > 5:
            p -= group["lr"] * m / (v.sqrt() + group["eps"])


class Single(PerParameter, lr=0.05, momentum=0.9):
    """A scalar kept in float32: right, and only good to 1e-8."""

    def update(self, p, g, state, group):
        scalar = state.setdefault("product", torch.ones((), dtype=torch.float32))
        scalar *= group["momentum"]
        p -= group["lr"] * (1 - float(scalar)) * g


class Relative(PerParameter, lr=None):
    """No rate of its own: the step is relative to the weight."""

    def update(self, p, g, state, group):
        size = float(p.pow(2).mean().sqrt())
        p -= 1e-2 * max(size, 1e-3) * g / (g.pow(2).mean().sqrt() + 1e-30)


class Averaged(PerParameter, lr=0.05):
    """Schedule-free: gradients at y, the answer is x; both kept in the parameter by turns."""

    def train(self):
        self._turn(to_training=True)

    def eval(self):
        self._turn(to_training=False)

    @torch.no_grad()
    def _turn(self, *, to_training):
        for group in self.param_groups:
            for p in group["params"] if group.get("train_mode", True) != to_training else ():
                if "z" in self.state[p]:
                    p.lerp_(self.state[p]["z"], 0.1 if to_training else 1 - 1 / 0.9)
            group["train_mode"] = to_training

    def update(self, p, g, state, group):
        z = state.setdefault("z", p.clone())
        state["t"] = state.get("t", 0) + 1
        x = p.lerp(z, 1 - 1 / 0.9)
        z -= group["lr"] * g
        x.lerp_(z, 1 / state["t"])
        p.copy_(x.lerp(z, 0.1))


class DistanceEstimate(torch.optim.Optimizer):
    """One estimate of the distance for all parameters: they influence each other."""

    def __init__(self, params, lr=1.0, d0=1e-6):
        super().__init__(params, {"lr": lr, "d": d0, "d0": d0})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        group = self.param_groups[0]
        held = [p for g in self.param_groups for p in g["params"] if p.grad is not None]
        size = sum(float(p.grad.pow(2).sum()) for p in held)
        group["energy"] = group.get("energy", 0.0) + size
        if group["energy"] == 0:
            return loss
        for p in held:
            total = self.state[p].setdefault("sum", torch.zeros_like(p)).add_(p.grad)
            self.state[p].setdefault("from", p.clone())
            p -= group["lr"] * group["d"] * p.grad / group["energy"] ** 0.5
            del total
        group["d"] = min(1.0, group["d"] * 1.5)
        return loss


class Hooked(torch.optim.Optimizer):
    """Whitens by the inputs of each layer, which it sees through hooks."""

    def __init__(self, model, lr=0.05, damping=0.1):
        layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        super().__init__([{"params": [m.weight]} for m in layers], {"lr": lr, "damping": damping})
        self.inputs = {}
        for m in layers:
            m.register_forward_hook(self.see)

    def see(self, layer, inputs, output):
        self.inputs[layer.weight] = inputs[0].detach()

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    x = self.inputs[p].to(torch.promote_types(p.dtype, torch.float32))
                    A = x.T @ x / len(x) + group["damping"] * torch.eye(x.shape[1], dtype=x.dtype)
                    step = torch.linalg.solve(A, p.grad.to(A.dtype).T).T
                    p -= group["lr"] * step.to(p.dtype)
        return loss


INNOCENT = {
    "two evaluations, gradient first": OptimizerSpec(
        "Perturbs", Perturbs, needs={"closure", "grad_first"}
    ),
    "a closure that returns a number": OptimizerSpec("Polyak", Polyak, needs={"value_closure"}),
    "momentum in p.grad": OptimizerSpec("MomentumInGrad", MomentumInGrad, needs={"keeps_grad"}),
    "free basis of a null space": OptimizerSpec("Eigenbasis", Eigenbasis),
    "random vectors": OptimizerSpec("RandomProbe", RandomProbe),
    "size gate": OptimizerSpec("SizeGate", SizeGate),
    "no trust ratio for vectors": OptimizerSpec("NoTrustForVectors", NoTrustForVectors),
    "stands still at first": OptimizerSpec("StandsStill", StandsStill),
    "a scalar in float32": OptimizerSpec("Single", Single),
    "relative step, lr=None": OptimizerSpec("Relative", Relative),
    "train and eval": OptimizerSpec("Averaged", Averaged),
    "distance estimate": OptimizerSpec("DistanceEstimate", DistanceEstimate),
    "hooks of a model": OptimizerSpec("Hooked", Hooked),
    "tiny rate in bfloat16": OptimizerSpec("tiny", lambda params: Sgd(params, lr=1e-5)),
}


@pytest.mark.parametrize("name", INNOCENT)
def test_nobody_is_accused_falsely(name):
    report = check_optimizer(INNOCENT[name], checks=["api", "def"], on_fail=None)
    accused = [
        f"{r.outcome} {r.check}: {r.message}"
        for r in report.results
        if r.outcome in (Outcome.LIMIT, Outcome.DEVIATES)
    ]
    assert accused == []


@pytest.mark.parametrize("name", INNOCENT)
def test_they_are_driven_nevertheless(name):
    report = check_optimizer(INNOCENT[name], checks=["api.determinism", "api.shapes"])
    assert report.outcome("api.determinism") is Outcome.CONFORMS


def test_checks_that_patch_classes_run_last_and_alone():
    checks = list(all_checks().values())
    assert checks[-1].check_id == "api.copy"
    assert [c.alone for c in checks] == sorted(c.alone for c in checks)


@pytest.mark.parametrize("check_id", ["api.closure", "api.grad-buffer", "api.mode"])
def test_a_method_with_modes_is_read_in_the_same_mode_by_every_drive(check_id):
    report = check_optimizer(Averaged, checks=[check_id], on_fail=None, quick=True)
    assert report.outcome(check_id) is Outcome.CONFORMS


def test_guesses_are_shown():
    report = check_optimizer(Averaged, checks=["api.keys"])
    assert "mode" in report.guessed
    assert "needs mode, because it has the methods train() and eval()" in report.text()


class Rescaled(torch.optim.SGD):
    """Plain gradient descent that keeps a third of the rate it is given."""

    def __init__(self, params, lr: float | torch.Tensor = 0.3):
        super().__init__(params, lr=lr / 3)


def test_a_rate_changed_by_the_constructor_is_given_to_both_runs():
    """The rate of the group, given again, once became a ninth: GrokFastAdamW of a package."""
    report = check_optimizer(Rescaled, on_fail=None, checks=["api.lr-tensor"], quick=True)
    assert report.outcome("api.lr-tensor") is Outcome.CONFORMS


class LetsGo(torch.optim.SGD):
    """Lets its gradients go at the end of a step, and keeps the tensors for the next."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
        self.seen = []

    def step(self, closure=None):
        for old in self.seen:
            old.zero_()
        loss = super().step(closure)
        self.seen = [p.grad for group in self.param_groups for p in group["params"]]
        self.zero_grad(set_to_none=True)
        return loss


def test_a_gradient_that_was_let_go_is_not_refilled():
    """The next backward pass makes a new tensor: SFAdamW of a package."""
    report = check_optimizer(LetsGo, on_fail=None, checks=["api.grad-buffer"], quick=True)
    assert report.outcome("api.grad-buffer") is Outcome.CONFORMS
