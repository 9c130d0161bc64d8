"""What a layer-wise method sees of a layer, and the axes on which its conventions differ."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

FISHER = ("type-2", "empirical", "identity")
SUMMED = "n, a sum over the rows in place of their mean"
OUTPUT_SCALE = ("1", "1/n", "1/n^2", "2", "2/d_y", "1/d_y", "1/2")
INPUT_SCALE = ("1", "n")
INPUTS_ONLY = "to the input factor only"
DAMPING = (
    "to each factor",
    "its root to each factor",
    "its root, split by mean eigenvalues",
    "to products of eigenvalues",
    INPUTS_ONLY,
    "to each factor, times its mean eigenvalue",
    "to each factor, times its largest eigenvalue",
)
ON_INPUTS = (
    INPUTS_ONLY,
    "to each factor",
    f"{INPUTS_ONLY}, times its mean eigenvalue",
    f"{INPUTS_ONLY}, times its largest eigenvalue",
)
"""Kinds of damping of a method without an output factor."""
DECAYS = (
    "stat_decay", "factor_decay", "ema_decay", "averaging", "decay", "beta2", "beta", "ema",
)  # fmt: skip
PERIODS = (
    "factor_every", "factor_update_steps", "stats_every", "update_every", "update_freq",
    "update_period", "inv_update_steps", "TCov", "TInv", "T", "period", "precondition_frequency",
    "preconditioning_compute_steps", "frequency", "precond_freq", "precond_every", "refresh_every",
)  # fmt: skip
AVERAGE = (
    "from the first batch",
    "from zero, bias corrected",
    "from the identity",
    "plain mean at first, min(1 - 1/t, decay)",
)
COUPLED = "L2 in the gradient"
JOINED = "joined to the preconditioned gradient, before momentum"
DECAY = (COUPLED, "decoupled, times lr", "decoupled, times lr, after the step", JOINED)
DECAYED = ("weights and biases", "weights alone")
MOMENTUM = ("heavy ball", "averaged", "nesterov")
TAKES = (
    "the batch of the step",
    "only earlier batches",
    "only earlier batches, renewed after the step",
)
RENEWED = ("factors", "inverses only", "inverses where factors are")
NEVER = "never after the first batch"
CLIP = ("lr^2 <gradient, step>", "lr <gradient, step>", "<gradient, step>")
GRAFT = ("no", "to the length of the gradient, per layer", "to the length of the gradient, jointly")
BIAS = ("joined to the weights", "by the output factor only", "plain gradient", "left alone")

POWERS = {
    "of the output factor alone": (0.0, 1.0),
    "of the input factor alone": (1.0, 0.0),
    "of neither factor": (0.0, 0.0),
    "square root of the inverse in its place": (0.5, 0.5),
    "square root of the input factor's inverse alone": (0.5, 0.0),
    "square root of the output factor's inverse alone": (0.0, 0.5),
    "square root of the input factor's inverse, the output factor's whole": (0.5, 1.0),
    "square root of the output factor's inverse, the input factor's whole": (1.0, 0.5),
}
"""Powers of the inverses of input and output factor that are not KFAC's, in words."""
ABOUT_MEAN = "about their mean in the input factor"
BEFORE = "of the gradient, before the inverses"
CLIP_OVER = "clip summed over"
CLIPPED_OVER = (
    "each layer alone, in place of all together",
    "the last layer alone, in place of all",
    "the first layer alone, in place of all",
    "all layers, and divided by their number",
    "weights alone, without biases",
)
CLIP_FACTOR = "clip factor"
CLIP_FACTORS = (
    "bound over sum, without a root",
    "of the gradient's product with itself, not with the step",
    "of the step's product with itself, not with the gradient",
    "the root over the bound alone, not at most 1",
)
MISTAKES = {
    "inverse": (
        *POWERS,
        "of the factors' diagonals alone",
        "damping added after the inversion",
        "each factor on the other's side",
    ),
    "inputs": (ABOUT_MEAN,),
    "average": ("from zero, and never corrected", "weights of old and new swapped"),
    "momentum": ("not used", BEFORE),
    "renewed": (NEVER,),
    "output factor times": (SUMMED,),
    "input factor times": (SUMMED,),
}
"""Rules that are no reading of the methods; they name a fault where no reading fits."""


@dataclass(frozen=True)
class LayerSeen:
    """One layer in one step: inputs (n, a), output gradients (n, b), Jacobian (k, n, b).

    Output gradients are those of each sample's own loss, so their mean outer product with the
    inputs is the gradient of the mean loss.
    """

    inputs: Tensor
    output_gradients: Tensor
    jacobian: Tensor
    has_bias: bool
    firsts: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """First steps that were computed, see ``layer_steps.first``."""

    @cached_property
    def gradient(self) -> Tensor:
        """Gradient of the mean loss, (b, a)."""
        return self.output_gradients.T @ self.inputs / len(self.inputs)

    @cached_property
    def input_moment(self) -> Tensor:
        """Second moment of the inputs, (a, a)."""
        return self.inputs.T @ self.inputs / len(self.inputs)

    @cached_property
    def input_covariance(self) -> Tensor:
        """Second moment of the inputs about their mean, (a, a); that of the bias's ones stays 1."""
        means = self.inputs.mean(0)
        if self.has_bias:
            means = torch.cat([means[:-1], 0 * means[-1:]])
        centred = self.inputs - means
        return centred.T @ centred / len(centred)

    @cached_property
    def exact_moment(self) -> Tensor:
        """Second moment of the Jacobian's rows, summed over the network's outputs, (b, b)."""
        rows = self.jacobian.reshape(-1, self.jacobian.shape[2])
        return rows.T @ rows / len(self.inputs)

    @cached_property
    def empirical_moment(self) -> Tensor:
        """Second moment of the output gradients, (b, b)."""
        return self.output_gradients.T @ self.output_gradients / len(self.inputs)
