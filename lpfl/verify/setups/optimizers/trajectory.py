"""Trajectories of optimizers beside those of their oracles, on prescribed gradients or batches.

How far rounding may carry a run is measured on the oracle: it runs again on data nudged by
relative sizes of 2^-26, and what it magnifies at most is the condition number of the run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg import standard_normal
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.method import Method
from lpfl.optim.rule import Layer, MatrixRule
from lpfl.problems.linear_representation import Batch, Weights, batch_of_rows
from lpfl.verify.expect import Same
from lpfl.verify.oracles import model
from lpfl.verify.oracles.entrywise import Rule
from lpfl.verify.oracles.matrices import NUDGE
from lpfl.verify.space import Axis, Integers
from lpfl.verify.tolerance import Tolerance, rounding
from lpfl.verify.trial import Trial, as_numpy

Array = NDArray[np.float64]
Replay = Callable[[float], Array]

NUDGES = (NUDGE, 2.0**-16 * NUDGE)
"""The smaller one shows what a small eigenvalue magnifies, which the larger one hides."""
FAR = 1e100  # where a run is put that overflowed beside an oracle that did not
# What linear algebra raises on the way: a run that stops beside an oracle that does not is far.
ARITHMETIC = (torch.linalg.LinAlgError, ValueError)
REPLICATES = 2
OFFSET = 0.5  # mean of the inputs: second moments are then no covariances
NOISE = 0.3

ROWS = Integers("weight_rows", 1, 7)
COLUMNS = Integers("weight_columns", 1, 7)
STEPS = Integers("steps", 5, 8)
MATRIX: tuple[Axis, ...] = (ROWS, COLUMNS, STEPS)
INPUT_DIM = Integers("input_dim", 3, 8)
# Behind a refitted head the gradient has rank d - k at most: a polar factor needs d >= 2 k.
RANK = Integers("rank", 1, lambda v: min(2, v["input_dim"] // 2))
OUTPUT_DIM = Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 3)
BATCH_SIZE = Integers("batch_size", lambda v: 2 * v["input_dim"], lambda v: 4 * v["input_dim"])
MODEL: tuple[Axis, ...] = (INPUT_DIM, RANK, OUTPUT_DIM, BATCH_SIZE)


@dataclass(frozen=True)
class Prescribed:
    """A start (R, a, b), gradients (T, R, a, b), and rows behind the factors of every step.

    inputs (T, R, 2 b, b), outputs (T, R, 2 a, a): their second moments are Q and P.
    """

    start: Tensor
    gradients: Tensor
    inputs: Tensor
    outputs: Tensor

    def replay(self, trial: Trial, rule: Rule, options: Mapping[str, Any], *, outputs: bool = True
               ) -> Replay:  # fmt: skip
        """Return the run of an oracle on this data, nudged by a given relative size."""

        def run(nudge: float) -> Array:
            W, state = nudged(trial, self.start, 0.0), {"nudge": nudge}
            seen = (self.gradients, self.inputs, self.outputs)
            grads, X, B = (nudged(trial, t, nudge) for t in seen)
            path = [W.reshape(len(W), -1)]
            for g, x, b in zip(grads, X, B, strict=True):
                factors = [np.swapaxes(rows, -1, -2) @ rows / rows.shape[-2] for rows in (x, b)]
                W = rule(W, g, state, options, (factors[0], factors[1] if outputs else None))
                path.append(W.reshape(len(W), -1))
            return np.stack(path)

        return run


def prescribed(
    trial: Trial, *, zeros: bool = False, steps: int | None = None, name: str = "run"
) -> Prescribed:
    """Draw a start and gradients that grow and fall by factors up to 8; ``zeros``: some vanish."""
    a, b, T = trial.weight_rows, trial.weight_columns, steps or trial.steps
    normal = partial(standard_normal, generator=trial.stream(name), dtype=trial.dtype)
    size = 2.0 ** (3.0 * torch.tanh(normal(T, REPLICATES, 1, 1)))
    gradients = normal(T, REPLICATES, a, b) * size
    if zeros:
        gradients[0, 0, 0, 0] = gradients[1:3, 1, -1, -1] = 0.0
    inputs = normal(T, REPLICATES, 2 * b, b) + OFFSET
    return Prescribed(normal(REPLICATES, a, b), gradients, inputs, normal(T, REPLICATES, 2 * a, a))


def nudged(trial: Trial, tensor: Tensor, size: float) -> Array:
    """Return numbers on the host, each moved by ``size`` of itself up or down."""
    values = as_numpy(tensor)
    if size == 0.0:
        return values
    coins = torch.randint(
        0, 2, tensor.shape, generator=trial.stream("nudge", str(size)), device=trial.device
    )
    return values * (1.0 + size * (2.0 * as_numpy(coins) - 1.0))


def rule_path(rule: MatrixRule, data: Prescribed, *, outputs: bool = True) -> Array:
    """Return the matrices of a run of ``rule`` before and after every step, (T + 1, R, a b)."""
    W = data.start
    state, path = rule.start(W), [W]
    for g, X, B in zip(data.gradients, data.inputs, data.outputs, strict=True):
        moments = [rows.mT @ rows / rows.shape[-2] for rows in (X, B)]
        layer = Layer(moments[0], moments[1] if outputs else None)
        try:
            W, state = rule.update(W, g, state, layer)
        except ARITHMETIC:
            W = torch.full_like(W, torch.nan)
        path.append(W)
    return as_numpy(torch.stack(path).flatten(-2))


@dataclass(frozen=True)
class Run:
    """A start on the linear representation and the rows of every step."""

    start: Weights
    batches: tuple[Batch, ...]

    def replay(self, trial: Trial, step: model.Step, batches: int = 1) -> Replay:
        """Return the run of an oracle, ``batches`` a step, nudged by a given relative size."""

        def run(nudge: float) -> Array:
            start = model.Layers(*[nudged(trial, W, 0.0) for W in self.start])
            rows = list(self.rows(trial, nudge))
            groups = [rows[at : at + batches] for at in range(0, len(rows), batches)]
            return model.path(step, start, groups, nudge, trial.dtype)

        return run

    def rows(self, trial: Trial, nudge: float = 0.0) -> Iterator[model.Rows]:
        """Return the rows of each step on the host."""
        for batch in self.batches:
            assert batch.inputs is not None
            assert batch.targets is not None
            yield model.Rows(
                nudged(trial, batch.inputs, nudge), nudged(trial, batch.targets, nudge)
            )


def draw_run(
    trial: Trial, *, steps: int | None = None, batch_size: int | None = None, name: str = "model"
) -> Run:
    """Draw weights and noisy batches whose inputs are not centred."""
    d, k, m = trial.input_dim, trial.rank, trial.output_dim
    n = batch_size or trial.batch_size
    normal = partial(standard_normal, generator=trial.stream(name), dtype=trial.dtype)
    truth = normal(REPLICATES, m, d) / d**0.5
    batches = []
    for _ in range(steps or trial.steps):
        X = normal(REPLICATES, n, d) + OFFSET
        batches.append(batch_of_rows(X, X @ truth.mT + NOISE * normal(REPLICATES, n, m)))
    start = Weights(normal(REPLICATES, m, k) / m**0.5, normal(REPLICATES, k, d) / d**0.5)
    return Run(start, tuple(batches))


def method_path(method: Method, run: Run) -> Array:
    """Return the weights of a method before and after every step, (T + 1, R, p)."""
    weights, memory = run.start, method.init(run.start)
    path = [weights]
    for at in range(0, len(run.batches), method.batches):
        pair = run.batches[at : at + method.batches]
        try:
            weights, memory = method.step(weights, memory, pair if len(pair) > 1 else pair[0])
        except ARITHMETIC:
            weights = Weights(*[torch.full_like(W, torch.nan) for W in weights])
        path.append(weights)
    return np.stack([model.Layers(*map(as_numpy, W)).flat() for W in path])


def agreement(
    trial: Trial,
    part: str,
    measured: Array,
    replay: Replay,
    *,
    size: int,
    label: str,
    least: Callable[[], float] = lambda: 1.0,
) -> Same:
    """Compare a path with that of its oracle, relative to the start and the length of the path.

    least: a condition number of the run that small changes of the data do not show.
    """
    predicted = replay(0.0)
    scale, tolerance = reach(trial, predicted, replay, size=size, least=least())
    return Same(
        part=part,
        measured=np.nan_to_num(measured, nan=FAR, posinf=FAR, neginf=-FAR).clip(-FAR, FAR),
        predicted=predicted,
        tolerance=tolerance,
        axes=1,
        scale=scale,
        label=label,
    )


def reach(
    trial: Trial, predicted: Array, replay: Replay, *, size: int, least: float
) -> tuple[Array, Tolerance]:
    """Return the size of a run per replicate, and the rounding of it."""
    norm = np.linalg.norm
    scale = norm(predicted[0], axis=-1) + norm(np.diff(predicted, axis=0), axis=-1).sum(0)
    magnified = [norm(replay(nudge) - predicted, axis=-1) / scale / nudge for nudge in NUDGES]
    # A random change of p numbers sees 1/sqrt(p) of what the worst one does.
    worst = float(np.max(magnified)) * predicted.shape[-1] ** 0.5
    condition = max(1.0, least, worst)
    why = f"epsilon times {size} numbers, magnified {condition:.3g} times by the oracle's run"
    return scale, rounding(trial.dtype, dim=size, condition=condition, why=why)


def rule_agreement(
    trial: Trial,
    part: str,
    name: str,
    oracle: Rule,
    options: Mapping[str, Any],
    *,
    label: str,
    zeros: bool = False,
    outputs: bool = True,
    steps: int | None = None,
) -> Same:
    """Compare the rule called ``name`` with its oracle on prescribed gradients."""
    kind: type[MatrixRule] = OPTIMIZERS[name].optimizer  # type: ignore[attr-defined]
    data = prescribed(trial, zeros=zeros, steps=steps)
    return agreement(
        trial,
        part,
        rule_path(kind(**options), data, outputs=outputs),
        data.replay(trial, oracle, options, outputs=outputs),
        size=len(data.gradients) * max(trial.weight_rows, trial.weight_columns),
        label=label,
    )


def model_agreement(
    trial: Trial,
    part: str,
    method: Method,
    step: model.Step,
    run: Run,
    *,
    label: str,
    least: Callable[[], float] = lambda: 1.0,
) -> Same:
    """Compare a method with its oracle on the batches of a run."""
    sizes = trial.input_dim + trial.output_dim + trial.rank
    return agreement(
        trial,
        part,
        method_path(method, run),
        run.replay(trial, step, method.batches),
        size=len(run.batches) * sizes,
        label=label,
        least=least,
    )


def forms(
    trial: Trial, part: str, name: str, oracle: Rule, options: Mapping[str, Any],
    *, heads: tuple[str, ...] = ("joint", "least_squares", "frozen"),
) -> Iterator[Same]:  # fmt: skip
    """Compare a layer-wise optimizer with its oracle for every treatment of the head."""
    run = draw_run(trial)
    for head in heads:
        method = OPTIMIZERS[name](**options, head=head)
        step = model.layerwise(oracle, options, head)
        yield model_agreement(trial, part, method, step, run, label=f"{head} head")
