"""Optimizers that looked guilty and are not: each kind of false accusation, once."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome

GUILTY = {Outcome.LIMIT, Outcome.DEVIATES}


class Rule(torch.optim.Optimizer):
    """A toy optimizer: ``update(p, state, group)`` for each parameter with a gradient."""

    def __init__(self, params, lr=0.1, **more):
        super().__init__(params, {"lr": lr, **more})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, self.state[p], group)
        return loss


class WhitenedDecay(Rule):
    """Decay joins the gradient, then both are whitened: single weights may grow."""

    def __init__(self, params, lr=0.1, weight_decay=0.0):
        super().__init__(params, lr, weight_decay=weight_decay)

    def update(self, p, state, group):
        g = p.grad + group["weight_decay"] * p
        if g.ndim == 2:
            left, _, right = torch.linalg.svd(g + 1e-12, full_matrices=False)
            g = left @ right
        p.sub_(group["lr"] * g)


class SingleInside(Rule):
    """The weights are written back in float32."""

    claims = frozenset({"sgd"})

    def update(self, p, state, group):
        p.copy_((p.float() - group["lr"] * p.grad.float()).to(p.dtype))


class InnerEntry(Rule):
    """A group entry that the constructor does not offer."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr, betas=(0.9, 0.99), momentum=0.5)

    def update(self, p, state, group):
        p.sub_(group["lr"] * p.grad)


class OwnGenerator(Rule):
    """Rounds at random from a generator of the class, seeded by the constructor."""

    draws = torch.Generator()

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr)
        self.draws.manual_seed(42)

    def update(self, p, state, group):
        noise = torch.rand(p.shape, generator=self.draws).to(p)
        p.sub_(group["lr"] * p.grad * (0.9 + 0.2 * noise))


class SharedEstimate(Rule):
    """One step size for all, that grows with what all have seen."""

    def __init__(self, params, lr=1.0):
        super().__init__(params, lr)
        self.seen = 1e-6

    def step(self, closure=None):
        self.seen += sum(float(p.grad.norm()) for g in self.param_groups for p in g["params"]
                         if p.grad is not None)  # fmt: skip
        return super().step(closure)

    def update(self, p, state, group):
        p.sub_(group["lr"] * 1e-3 * self.seen * p.grad.sign())


class StepsInMemory(Rule):
    """Momentum of steps, not of gradients: it carries the rates of earlier steps."""

    def update(self, p, state, group):
        velocity = state.setdefault("velocity", torch.zeros_like(p))
        velocity.mul_(0.9).add_(group["lr"] * p.grad)
        p.sub_(velocity)


class OpenRate(Rule):
    """A rate left open is filled in."""

    def __init__(self, params, lr=None):
        super().__init__(params, lr)

    def update(self, p, state, group):
        state["step"] = state.get("step", 0) + 1
        group["lr"] = 0.1 / state["step"] ** 0.5
        p.sub_(group["lr"] * p.grad)


class MovedPoint(Rule):
    """A momentum that only moves the point where the gradient is taken."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, lr, momentum=momentum)

    def train(self):
        self._at(training=True)

    def eval(self):
        self._at(training=False)

    @torch.no_grad()
    def _at(self, *, training):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if state and state["training"] != training:
                    ahead = group["momentum"] * state["last"]
                    p.add_(ahead if training else -ahead)
                    state["training"] = training

    def update(self, p, state, group):
        if not state:
            state.update(last=torch.zeros_like(p), training=True)
        p.sub_(group["momentum"] * state["last"])
        state["last"] = -group["lr"] * p.grad
        p.add_(state["last"] * (1 + group["momentum"]))


class MatricesOnly(Rule):
    """Raises on vectors."""

    def update(self, p, state, group):
        assert p.ndim >= 2
        p.sub_(group["lr"] * p.grad)


class AlongTheSphere(Rule):
    """Leaves out the part of the gradient along the weights."""

    def update(self, p, state, group):
        along = (p.grad * p).sum() / (p * p).sum()
        p.sub_(group["lr"] * (p.grad - along * p + 1e-3 * p.roll(1)))


class SingleOnly(Rule):
    """Raises for matrices in double precision."""

    def update(self, p, state, group):
        if p.ndim < 2:
            p.sub_(group["lr"] * p.grad)
            return
        scale = state.setdefault("scale", torch.ones_like(p, dtype=torch.float32))
        p.sub_(group["lr"] * torch.lerp(p.grad, p.grad * scale, 0.5))
        scale.lerp_(p.grad.abs(), 0.0)


class Curvature(Rule):
    """An average of curvatures by one random probe, as AdaHessian has it."""

    needs = frozenset({"create_graph"})

    def __init__(self, params, lr=0.1, betas=(0.9, 0.99)):
        super().__init__(params, lr, betas=betas)

    def step(self, closure=None):
        held = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        probes = [torch.randint_like(p, 0, 2) * 2 - 1 for p in held]
        bent = torch.autograd.grad([p.grad for p in held], held, grad_outputs=probes)
        self.bent = {p: z * b for p, z, b in zip(held, probes, bent, strict=True)}
        return super().step(closure)

    def update(self, p, state, group):
        b1, b2 = group["betas"]
        t = state["t"] = state.get("t", 0) + 1
        m = state.setdefault("m", torch.zeros_like(p)).lerp_(p.grad.detach(), 1 - b1)
        h = state.setdefault("h", torch.zeros_like(p)).lerp_(self.bent[p].square(), 1 - b2)
        p.sub_(group["lr"] * m / (1 - b1**t) / ((h / (1 - b2**t)).sqrt() + 1e-3))


class Heir(torch.optim.SGD):
    """SGD with momentum; the decay is decoupled: weights shrink by lr * weight_decay."""

    claims = frozenset({"momentum"})

    @torch.no_grad()
    def step(self, closure=None):
        held = [group["weight_decay"] for group in self.param_groups]
        for group, decay in zip(self.param_groups, held, strict=True):
            for p in group["params"]:
                if p.grad is not None:
                    p.mul_(1 - group["lr"] * decay)
            group["weight_decay"] = 0.0
        loss = super().step(closure)
        for group, decay in zip(self.param_groups, held, strict=True):
            group["weight_decay"] = decay
        return loss


class HeirOfHeir(Heir):
    pass


class WeightOfGradient(Rule):
    """Sign of an average in which ``momentum`` weighs the new gradient."""

    def __init__(self, params, lr=0.1, momentum=0.1):
        super().__init__(params, lr, momentum=momentum)

    def update(self, p, state, group):
        m = state.setdefault("m", torch.zeros_like(p)).lerp_(p.grad, group["momentum"])
        p.sub_(group["lr"] * m.sign())


def outcomes(kind, *checks):
    claims = getattr(kind, "claims", frozenset())
    needs = getattr(kind, "needs", frozenset())
    spec = OptimizerSpec(name=kind.__name__, factory=kind, claims=claims, needs=needs)
    report = check_optimizer(spec, on_fail=None, checks=list(checks), isolated=False)
    return {(r.check, r.outcome) for r in report.results}


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (WhitenedDecay, "api.decay"),
        (SingleInside, "api.lr-zero"),
        (SingleInside, "api.zero"),
        (SingleInside, "def.trajectory"),
        (InnerEntry, "api.options"),
        (OwnGenerator, "api.resume"),
        (SharedEstimate, "api.late"),
        (StepsInMemory, "api.lr-zero"),
        (OpenRate, "api.keys"),
        (MovedPoint, "api.options"),
        (AlongTheSphere, "def.descent"),
        (Curvature, "api.options"),
        (WeightOfGradient, "api.zero-options"),
        (HeirOfHeir, "def.trajectory"),
    ],
)
def test_it_is_not_accused(kind, check):
    assert not {o for _, o in outcomes(kind, check)} & GUILTY


@pytest.mark.parametrize(
    ("kind", "check", "others"),
    [
        (MatricesOnly, "api.shapes", ("api.zero", "api.lr-zero", "api.resume", "api.closure")),
        (SingleOnly, "api.dtypes", ("api.zero", "api.missing", "api.add-group", "api.grads-kept")),
    ],
)
def test_one_fault_is_reported_once(kind, check, others):
    found = outcomes(kind, check, *others)
    assert {c for c, o in found if o in GUILTY} == {check}


def test_wrapping_by_torch_itself_is_no_side_effect():
    def compiled_first(params, lr=0.1):
        torch.nn.Module.__init__ = torch.nn.Module.__init__
        import torch._dynamo.mutation_guard as guard

        guard.install_generation_tagging_init()
        return torch.optim.SGD(params, lr=lr)

    spec = OptimizerSpec(name="compiled first", factory=compiled_first)
    report = check_optimizer(spec, on_fail=None, checks=["api.side-effects"])
    assert report.outcome("api.side-effects") is Outcome.CONFORMS
