"""One step of SGD or KFAC at a chosen theta nu: predictions and the new first layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import torch
from torch import Tensor

from lpfl import precondition
from lpfl.experiments.core.experiment import Options
from lpfl.experiments.core.single_index_methods import Method
from lpfl.experiments.core.single_index_runs import problems, stepped
from lpfl.experiments.core.single_index_setting import Setting
from lpfl.problems import single_index as model
from lpfl.problems.single_index.network import TwoLayerNetwork
from theory.single_index.direction import direction


@dataclass(frozen=True)
class Step:
    """A predicted step of size eta: strength theta = eta |c_act| |beta|, index_std = theta nu.

    norm: lim |beta|; nu2: lim beta'S beta / |beta|^2. theta nu is the standard deviation of what
    the step adds to a pre-activation, times sqrt(N) / |head|.
    """

    step_size: float
    strength: float
    index_std: float
    norm: float
    nu2: float


@lru_cache(maxsize=64)
def unit_step(method: Method, setting: Setting) -> Step:
    """Return the step with theta nu = 1."""
    learned = direction(method.theory, damping=method.damping_at(setting), **setting.limits)
    energy, covariance = learned.energy("identity"), learned.energy("covariance")
    c_act = abs(setting.activation_statistics.c_act)
    return Step(
        step_size=1 / (c_act * sqrt(covariance)),
        strength=sqrt(energy / covariance),
        index_std=1.0,
        norm=sqrt(energy),
        nu2=covariance / energy,
    )


def step_at(method: Method, setting: Setting, index_std: float) -> Step:
    """Return the step with theta nu = index_std."""
    unit = unit_step(method, setting)
    return Step(
        unit.step_size * index_std, unit.strength * index_std, index_std, unit.norm, unit.nu2
    )


@dataclass(frozen=True)
class Start:
    """One replicate before the step: problem, network, the step's rows and the gradient."""

    problem: model.SingleIndexProblem
    network: TwoLayerNetwork
    rows: model.Sample
    gradient: Tensor
    stream: torch.Generator

    def update(self, method: Method, setting: Setting) -> Tensor:
        """Return the (1, N, d) matrix that the method subtracts per unit of step size."""
        if method.theory == "sgd":
            return precondition.sgd(self.gradient, self.rows.inputs)
        damping = method.damping_at(setting) or 0.0
        return precondition.kfac(self.gradient, self.rows.inputs, damping=damping)

    def after(self, update: Tensor, step: Step) -> TwoLayerNetwork:
        """Return the network after one step along ``update``."""
        moved = self.network.first_layer - step.step_size * update
        return self.network.with_first_layer(moved)


def starts(setting: Setting, options: Options, *, replicates: int, tag: str) -> Iterator[Start]:
    """Yield each replicate with its network and its gradient."""
    for problem, stream in problems(setting, options, replicates=replicates, tag=tag):
        network, rows, gradient = stepped(problem, setting, stream)
        yield Start(problem, network, rows, gradient, stream)
