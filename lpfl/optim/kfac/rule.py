"""KFAC in the paper's layer-wise form: G+ = G - eta P^{-1} grad_G (Q + lam I)^{-1}."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from lpfl.optim.core.average import Average, include
from lpfl.optim.core.damped_step import DAMPING_KINDS, kronecker_step, pi_split
from lpfl.optim.core.hyper import choice, count, decay, flag, non_negative, positive
from lpfl.optim.core.invariances import EVERY, INPUT_MAPS, ROTATIONS
from lpfl.optim.core.method import Method
from lpfl.optim.core.momentum import MOMENTUM_KINDS, carried
from lpfl.optim.core.output_factor import OUTPUT_FACTORS, READS_ROWS, output_factor
from lpfl.optim.core.whitening import damped, foof_step
from lpfl.optim.drive import dressed, on_linear_representation
from lpfl.optim.kfac.step import (
    kfac_step,
    require_enough_rows,
    require_full_column_rank,
)
from lpfl.optim.rule import Layer, MatrixRule
from lpfl.problems.linear_representation import Batch, Weights

FACTOR_BATCHES = ("batch", "separate")
DECAY_KINDS = ("decoupled", "coupled")
GRAFTS = ("none", "sgd")


class KfacState(NamedTuple):
    """Averages of the two factors, the velocity, the steps so far; () for what is not in use."""

    inputs: Average | tuple[()]
    outputs: Average | tuple[()]
    velocity: Tensor | tuple[()]
    steps: int | tuple[()] = ()


@dataclass(frozen=True, kw_only=True)
class Kfac(MatrixRule):
    """KFAC: ``W - step_size P^{-1} grad (Q + damping I)^{-1}``.

    Q is the second moment of the layer's inputs, P the Gauss-Newton factor of its outputs, I for
    the last layer. With input_factor "separate" a step takes two batches and Q comes from the
    second one: another batch, or the population. An average that excludes the current batch
    starts with it, as there is no other. Factors that are renewed every K steps include the
    batches 1, K + 1, 2 K + 1, ... and no other.

    output_factor: see :func:`lpfl.optim.core.output_factor.output_factor`. damping_kind "factor"
    adds damping to Q and output_damping to P; "kronecker" adds damping to the product of P and Q;
    "pi" splits it among the two (:mod:`lpfl.optim.core.damped_step`).
    """

    name: ClassVar[str] = "kfac"
    needs_layer: ClassVar[bool] = True

    damping: float = non_negative(0.0, "added to Q, in units of the squared inputs")
    output_damping: float = non_negative(0.0, "added to P, in its units; 0: P must be invertible")
    damping_kind: str = choice("factor", "what the damping is added to", among=DAMPING_KINDS)
    output_factor: str = choice("gauss_newton", "what P is made of", among=OUTPUT_FACTORS)
    samples_per_row: int = count(1, 'draws per row for the output factor "sampled"', least=1)
    sample_seed: int = count(0, "seed of these draws", least=0)
    averaging: float = decay(0.0, "decay of the moving averages of P and Q; 0: the batch's own")
    includes_current: bool = flag(True, "the averages include the batch of the step")
    factor_every: int = count(1, "steps from one renewal of P and Q to the next", least=1)
    input_factor: str = choice("batch", "where Q comes from", among=FACTOR_BATCHES)
    momentum: float = decay(0.0, "weight of the past velocity; 0: none")
    momentum_kind: str = choice("heavy_ball", "how the past is kept", among=MOMENTUM_KINDS)
    weight_decay: float = non_negative(0.0, "decay; inverse unit of step_size, or loss per W^2")
    decay_kind: str = choice("decoupled", "beside the step, or in the gradient", among=DECAY_KINDS)
    kl_clip: float | None = positive(
        None, "bound on step_size <gradient, step> over the layers that move together",
        optional=True,
    )  # fmt: skip
    graft: str = choice("none", "the step takes the norm of SGD's step, per layer", among=GRAFTS)

    def start(self, W: Tensor) -> KfacState:
        velocity = torch.zeros_like(W) if self.momentum else ()
        steps = 0 if self.counts else ()
        if not self.remembers:
            return KfacState((), (), velocity, steps)
        outputs, inputs = (W.new_zeros(*W.shape[:-2], size, size) for size in W.shape[-2:])
        return KfacState(Average(inputs, 0.0), Average(outputs, 0.0), velocity, steps)

    def update(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> tuple[Tensor, Any]:
        scale = layer.scale
        layer, state = self.factors(layer, state)
        moved = self.proposed(W, self.slope(W, grad), layer)
        if scale is not None:
            moved = W + scale * (moved - W)
        if self.momentum:
            step, velocity = carried(
                moved - W, state.velocity, momentum=self.momentum, kind=self.momentum_kind
            )
            moved, state = W + step, state._replace(velocity=velocity)
        if self.weight_decay and self.decay_kind == "decoupled":
            moved = moved - self.step_size * self.weight_decay * W
        return moved, state

    def slope(self, W: Tensor, grad: Tensor) -> Tensor:
        """Return the gradient of the loss, with the decay in it if the two are coupled."""
        if self.weight_decay and self.decay_kind == "coupled":
            return grad + self.weight_decay * W
        return grad

    def proposed(self, W: Tensor, slope: Tensor, layer: Layer) -> Tensor:
        """Return the matrix after a step without clip, memory and decoupled decay."""
        moved = self.move(W, slope, layer)
        if self.graft == "none":
            return moved
        lengths = [torch.linalg.matrix_norm(A, keepdim=True) for A in (slope, moved - W)]
        tiny = torch.finfo(W.dtype).tiny
        return W + self.step_size * lengths[0] / lengths[1].clamp(min=tiny) * (moved - W)

    @property
    def clip(self) -> float | None:
        return self.kl_clip

    def decrease(self, W: Tensor, grad: Tensor, state: Any, layer: Layer) -> Tensor:
        layer, _ = self.factors(layer, state)
        slope = self.slope(W, grad)
        step = W - self.proposed(W, slope, layer)
        return self.step_size * (slope * step).sum((-2, -1), keepdim=True)

    def move(self, W: Tensor, grad: Tensor, layer: Layer) -> Tensor:
        """Return the matrix after a plain step."""
        P, Q = layer.outputs, layer.inputs
        assert Q is not None
        sizes = {"step_size": self.step_size, "damping": self.damping}
        if self.damping_kind == "kronecker":
            return kronecker_step(W, grad, P, Q, **sizes)
        if self.damping_kind == "pi":
            left, right = pi_split(P, Q, W.shape[-2], damping=self.damping)
            return kfac_step(W, None, grad, right, left=left, step_size=self.step_size)
        if P is None:
            sizes["step_size"] /= 1.0 + self.output_damping
            return foof_step(W, grad, Q, **sizes)
        return kfac_step(W, None, grad, Q, left=damped(P, self.output_damping), **sizes)

    def factors(self, layer: Layer, state: Any) -> tuple[Layer, Any]:
        """Return the factors to use, and the averages that hold them."""
        due = self.factor_every == 1 or state.steps % self.factor_every == 0
        if self.counts:
            state = state._replace(steps=state.steps + 1)
        if not self.remembers:
            return layer, state
        assert layer.inputs is not None
        Q, inputs = self.factor(state.inputs, layer.inputs, due)
        if layer.outputs is None:
            return Layer(Q), state._replace(inputs=inputs)
        P, outputs = self.factor(state.outputs, layer.outputs, due)
        return Layer(Q, P), state._replace(inputs=inputs, outputs=outputs)

    def factor(self, past: Average, seen: Tensor, due: bool) -> tuple[Tensor, Average]:
        """Return the factor to use, and the average after the step; due: the batch is included."""
        average = include(past, seen, self.averaging) if due else past
        first = past.weight == 0.0
        return (average if self.includes_current or first else past).mean, average

    @property
    def remembers(self) -> bool:
        """The factors of earlier batches are used."""
        return self.averaging > 0.0 or self.factor_every > 1 or not self.includes_current

    @property
    def counts(self) -> bool:
        """What a step does depends on how many there were."""
        return self.factor_every > 1 or self.output_factor == "sampled"

    def outputs(self, layer: str, weights: Weights, batch: Batch, state: Any) -> Tensor | None:
        return output_factor(
            self.output_factor,
            layer,
            weights,
            batch,
            samples_per_row=self.samples_per_row,
            seed=self.sample_seed,
            draw=state.steps or 0,
        )

    @property
    def needs_rows(self) -> bool:
        return self.output_factor in READS_ROWS

    def check(self) -> None:
        if self.output_damping > 0.0 and self.damping_kind != "factor":
            raise ValueError(
                f"output_damping={self.output_damping}, needs 0 with {self.damping_kind!r} damping"
            )

    @property
    def batches(self) -> int:
        return 2 if self.input_factor == "separate" else 1

    def require(self, layer: str, weights: Weights, batch: Batch) -> None:
        require_enough_rows(batch, self.damping)
        if layer == "representation":
            require_full_column_rank(weights.head)

    @property
    def metric_free(self) -> bool:
        """No decay in the gradient and no graft: nothing asks for the length of a gradient."""
        coupled = self.weight_decay > 0.0 and self.decay_kind == "coupled"
        return self.graft == "none" and not coupled

    @property
    def invariances(self) -> tuple[str, ...]:
        undamped = self.damping == self.output_damping == 0.0
        if not (undamped and self.metric_free):
            return ROTATIONS
        return EVERY if self.output_factor != "identity" else (*INPUT_MAPS, "gauge_rotation")


def beside_a_free_head(rule: Kfac) -> tuple[str, ...]:
    """Return the invariances of ``rule`` on the representation beside an undamped head.

    Damping of the input factor alone is then felt by maps of the input, not by the gauge.
    """
    left_free = rule.damping_kind == "factor" and rule.output_damping == 0.0
    left_free &= rule.output_factor != "identity"
    if left_free and rule.damping > 0.0 and rule.metric_free:
        return (*ROTATIONS, "gauge")
    return rule.invariances


def alternating(**values: Any) -> Method:
    """Return alternating KFAC: least-squares head, then one step on the representation."""
    rule = Kfac(**values)
    stated = beside_a_free_head(rule)
    return on_linear_representation(rule, head="least_squares", invariances=stated)


kfac = dressed(alternating, Kfac)
