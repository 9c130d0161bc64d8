"""Methods for matrices or layers: beside another rule, with decay, and in the damping they name."""

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from lpfl.conformance.outcomes import Outcome
from tests.conformance.reported.per_parameter import PerParameter, corrected, moments, orthogonal
from tests.conformance.toy_kfac import Kfac


def answers(factory, claims, checks=("def.trajectory",), needs=frozenset()):
    """Return the answers of the checks; the first one is about the method for matrices."""
    spec = OptimizerSpec("s", factory, claims=frozenset(claims), needs=needs)
    return check_optimizer(spec, checks=list(checks), quick=True, on_fail=None).results


def root(moment, eps):
    values, vectors = torch.linalg.eigh(moment)
    return (vectors * (values.clamp(min=0) + eps) ** -0.25) @ vectors.T


class Shampoo(PerParameter, lr=0.01, beta2=0.99, eps=1e-4, weight_decay=0.0, period=1):
    """Averages on both sides of a matrix, corrected; kernels are flattened to matrices.

    Weight decay is decoupled. The inverse roots are renewed every ``period`` steps.
    """

    def update(self, p, g, state, group):
        self.decay(p, group)
        if p.ndim < 2:
            p -= group["lr"] * g
            return
        state["t"] = t = state.get("t", 0) + 1
        G = g.flatten(1)
        due = (t - 1) % group["period"] == 0
        if due or self.always:
            state["seen"] = state.get("seen", 0) + 1
            for side, square in (("L", G @ G.T), ("R", G.T @ G)):
                old = state.get(side, 0 * square)
                state[side] = group["beta2"] * old + (1 - group["beta2"]) * square
        if due:
            unit = 1 - group["beta2"] ** state["seen"]
            state["roots"] = [root(state[side] / unit, group["eps"]) for side in "LR"]
        left, right = state["roots"]
        p -= group["lr"] * (left @ G @ right).reshape(p.shape)

    always = True

    def decay(self, p, group):
        p.mul_(1 - group["lr"] * group["weight_decay"])


class DecayedTooLittle(Shampoo):
    def decay(self, p, group):
        p.mul_(1 - group["lr"] ** 2 * group["weight_decay"])


class SeesRenewalsOnly(Shampoo):
    """The averages take in those gradients only at which the roots are renewed."""

    always = False


def test_decoupled_decay_of_shampoo_is_one_of_its_forms():
    (answer,) = answers(Shampoo, {"shampoo"})
    assert answer.outcome is Outcome.VARIANT
    assert "decay: times lr" in answer.message


def test_a_wrong_decay_of_shampoo_is_named():
    (answer,) = answers(DecayedTooLittle, {"shampoo"})
    assert answer.outcome is Outcome.DEVIATES
    assert "weight_decay" in answer.message


def test_a_fault_of_the_period_is_not_laid_at_the_door_of_kernels():
    (answer,) = answers(SeesRenewalsOnly, {"shampoo"})
    assert answer.outcome is Outcome.DEVIATES
    assert "not for period 3" in answer.message


class Beside(Shampoo, adam_lr=1e-3, betas=(0.9, 0.999), adam_eps=1e-8):
    """Shampoo for matrices and kernels, AdamW for vectors."""

    corrects = True

    def update(self, p, g, state, group):
        if p.ndim > 1:
            super().update(p, g, state, group)
            return
        m, v, t = moments(p, g, state, group)
        if self.corrects:
            m, v = corrected(m, v, t, group)
        p.mul_(1 - group["adam_lr"] * group["weight_decay"])
        p -= group["adam_lr"] * m / (v.sqrt() + group["adam_eps"])


class BesideUncorrected(Beside):
    corrects = False


def test_shampoo_beside_adamw_is_judged_on_matrices_and_adamw_on_vectors():
    matrices, vectors = answers(Beside, {"shampoo", "adamw"})
    assert matrices.outcome is Outcome.VARIANT
    assert vectors.outcome is Outcome.CONFORMS
    _, wrong = answers(BesideUncorrected, {"shampoo", "adamw"})
    assert wrong.outcome is Outcome.DEVIATES
    assert "bias correction" in wrong.message


class KfacAndAdam(Kfac):
    """KFAC for linear layers, AdamW for all other parameters of the model."""

    corrects = True

    def __init__(self, model, lr=0.1, damping=1e-4, adam_lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
        self.seen, self.pairs = {}, []
        known = {id(layer.weight) for layer in self.layers}
        rest = [p for p in model.parameters() if id(p) not in known]
        groups = [*({"params": [m.weight]} for m in self.layers), {"params": rest}]
        own = {"lr": lr, "damping": damping, "adam_lr": adam_lr, "betas": betas, "eps": eps}
        torch.optim.Optimizer.__init__(self, groups, own)
        for layer in self.layers:
            layer.register_forward_hook(self.keep)
        model.register_forward_hook(self.factors)

    def factors(self, model, inputs, output):
        if self.layers:
            super().factors(model, inputs, output)

    @torch.no_grad()
    def step(self):
        layers, others = (
            self.param_groups[: len(self.layers)],
            self.param_groups[len(self.layers) :],
        )
        for group, (A, G) in zip(layers, self.used(), strict=True):
            (W,) = group["params"]
            left, right = (self.inverse(S, group["damping"]) for S in (G, A))
            W.sub_(left @ W.grad @ right, alpha=group["lr"])
        for group in others:
            for p in group["params"]:
                if p.grad is not None:
                    self.adam(p, self.state[p], group)

    def adam(self, p, state, group):
        m, v, t = moments(p, p.grad, state, group)
        if self.corrects:
            m, v = corrected(m, v, t, group)
        p -= group["adam_lr"] * m / (v.sqrt() + group["eps"])


class KfacAndUncorrected(KfacAndAdam):
    corrects = False


def test_nothing_holds_the_layers_of_kfac_to_the_adam_of_the_rest():
    checks = ("def", "inv", "theory", "api.coupling")
    found = answers(KfacAndAdam, {"kfac", "adamw"}, checks, frozenset({"model"}))
    assert [r.message for r in found if r.outcome in (Outcome.DEVIATES, Outcome.LIMIT)] == []
    vectors = [r for r in found if r.message.startswith("Vectors and numbers alone")]
    assert [r.outcome for r in vectors] == [Outcome.CONFORMS]


def test_a_wrong_adam_beside_kfac_is_seen():
    *_, vectors = answers(KfacAndUncorrected, {"kfac", "adamw"}, needs=frozenset({"model"}))
    assert vectors.outcome is Outcome.DEVIATES
    assert "bias correction" in vectors.message


class RelativeKfac(Kfac):
    """Damping of each factor in units of its largest eigenvalue."""

    def __init__(self, model, lr=0.1, damping=1e-2):
        super().__init__(model, lr, damping)

    def inverse(self, A, damping):
        return super().inverse(A, damping * self.unit(A))

    def unit(self, A):
        return float(torch.linalg.eigvalsh(A)[-1])


class TwiceTheLargest(RelativeKfac):
    def unit(self, A):
        return 2 * super().unit(A)


def test_damping_in_units_of_the_largest_eigenvalue_is_a_convention():
    (answer,) = answers(RelativeKfac, {"kfac"}, needs=frozenset({"model"}))
    assert answer.outcome is Outcome.VARIANT  # for its biases, which are left alone
    assert "damping: to each factor, times its largest eigenvalue" in answer.message


def test_damping_in_other_units_deviates():
    (answer,) = answers(TwiceTheLargest, {"kfac"}, needs=frozenset({"model"}))
    assert answer.outcome is Outcome.DEVIATES


class Experts(PerParameter, lr=0.02, momentum=0.95):
    """Muon; weights of three axes are a batch of matrices, one for each expert."""

    def update(self, p, g, state, group):
        m = state.setdefault("m", torch.zeros_like(g)).lerp_(g, 1 - group["momentum"])
        p -= group["lr"] * self.step_of(m)

    def step_of(self, m):
        if m.ndim < 2:
            return m.sign()
        if m.ndim == 3:
            return torch.stack([self.step_of(x) for x in m])
        matrix = m.flatten(1)
        return max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5 * orthogonal(matrix).view(m.shape)


class ExpertsAreScaledTogether(Experts):
    """The experts' steps are brought to one length."""

    def step_of(self, m):
        step = super().step_of(m)
        return step / step.abs().mean((-2, -1), keepdim=True) if m.ndim == 3 else step


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(Experts, Outcome.VARIANT), (ExpertsAreScaledTogether, Outcome.DEVIATES)],
)
def test_a_kernel_may_be_a_batch_of_matrices(kind, outcome):
    assert outcome in {r.outcome for r in answers(kind, {"muon"}, ["api.flatten"])}
