"""OP-23: chains, biases and torch modules beside deep networks written row by row."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lpfl.linalg import standard_normal
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.affine import affine_step
from lpfl.optim.core.chain import chain_step
from lpfl.optim.drive import first_direction
from lpfl.optim.torch_form import torch_optimizer
from lpfl.problems.linear_representation import Batch, Weights, batch_of_rows
from lpfl.problems.linear_representation.affine import with_constant
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.oracles import deep, entrywise, matrixwise
from lpfl.verify.oracles.entrywise import Rule
from lpfl.verify.setups.optimizers import factored
from lpfl.verify.setups.optimizers import trajectory as setup
from lpfl.verify.space import Integers, Reals
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

REPLICATES = 2
AXES = (
    Integers("input_dim", 3, 6),
    Integers("hidden", 2, 4),
    Integers("output_dim", 2, 4),
    Integers("steps", 3, 4),
    Reals("step_size", 0.02, 0.1),
    Reals("momentum", 0.1, 0.95),
    Reals("averaging", 0.1, 0.95),
    Reals("damping", 0.5, 2.0),
    Reals("largest_decrease", 1e-4, 1e-2, log=True),
)


@check("OP-23", AXES)
def layers(trial: Trial) -> Iterator[Comparison]:
    """Run chains of three layers, two layers with biases, and modules of both kinds."""
    trial.admit()
    options = {
        **factored.PLAIN, "step_size": trial.step_size, "damping": trial.damping,
        "output_damping": trial.damping, "averaging": trial.averaging, "momentum": trial.momentum,
    }  # fmt: skip
    momentum = {
        "step_size": trial.step_size, "momentum": trial.momentum, "nesterov": False,
        "averaged": False,
    }  # fmt: skip
    for name, rule, chosen in (
        ("kfac", matrixwise.kfac, options),
        ("sgd_momentum", entrywise.sgd_momentum, momentum),
    ):
        for order in ("joint", "in_turn"):
            yield chain(trial, name, rule, chosen, order)
    clipped = {**options, "averaging": 0.0, "momentum": 0.0, "kl_clip": trial.largest_decrease}
    for order in ("joint", "in_turn"):
        yield chain(trial, "kfac", matrixwise.kfac, clipped, order, label="kfac, a bound a layer")
    yield from first(trial)
    plain = {**options, "averaging": 0.0, "momentum": 0.0}
    for kind in ("shared", "own"):
        yield biases(trial, kind, plain)
    yield from modules(trial, options, momentum)


def network(trial: Trial, *, biases: bool, name: str) -> list[Tensor]:
    """Draw three layers, or two with biases, of spectral norm 1.

    Plain steps on a product of larger layers may run away faster than exponentially.
    """
    normal = partial(standard_normal, generator=trial.stream(name), dtype=trial.dtype)
    d, k, m = trial.input_dim, trial.hidden, trial.output_dim
    sizes = [(k, d), (m, k)] if biases else [(k, d), (k + 1, k), (m, k + 1)]
    drawn = [normal(REPLICATES, a, b + biases) for a, b in sizes]
    return [W / torch.linalg.matrix_norm(W, ord=2, keepdim=True) for W in drawn]


def batches(trial: Trial, count: int) -> list[Batch]:
    """Draw batches whose inputs are not centred."""
    normal = partial(standard_normal, generator=trial.stream("rows"), dtype=trial.dtype)
    n = 4 * trial.input_dim
    return [
        batch_of_rows(
            normal(REPLICATES, n, trial.input_dim) + 0.5, normal(REPLICATES, n, trial.output_dim)
        )
        for _ in range(count)
    ]


def seen(trial: Trial, drawn: Sequence[Batch], nudge: float, *, paired: bool = False) -> list[Any]:
    """Return the batches on the host, one a step, or two: of the gradients and of the factors."""
    rows = []
    for batch in drawn:
        assert batch.inputs is not None
        assert batch.targets is not None
        rows.append((setup.nudged(trial, batch.inputs, nudge), as_numpy(batch.targets)))
    if not paired:
        return [deep.Seen(X, Y, X, t) for t, (X, Y) in enumerate(rows)]
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [deep.Seen(X, Y, other, t) for t, ((X, Y), (other, _)) in enumerate(pairs)]


def compared(
    trial: Trial, part: str, measured: list[list[Tensor]], replay: setup.Replay, label: str
) -> Same:
    """Compare a path of lists of layers with that of the oracle."""
    walked = np.stack([deep.flat([as_numpy(W) for W in at]) for at in measured])
    return setup.agreement(
        trial, part, walked, replay, size=len(measured) * walked.shape[-1], label=label
    )


def chain(
    trial: Trial, name: str, rule: Rule, options: Mapping[str, Any], order: str, label: str = ""
) -> Comparison:
    """Move three layers, each by a rule with a step size, and a bound, of its own."""
    start, drawn = network(trial, biases=False, name="chain"), batches(trial, trial.steps)
    own = [key for key in ("step_size", "kl_clip") if options.get(key) is not None]
    each = [{**options, **{key: options[key] * (1.0 + 0.5 * i) for key in own}} for i in range(3)]
    rules = [OPTIMIZERS[name].optimizer(**o) for o in each]  # type: ignore[attr-defined]
    at = tuple(start)
    states: tuple[Any, ...] = tuple(r.start(W) for r, W in zip(rules, at, strict=True))
    walked = [list(at)]
    for batch in drawn:
        at, states = chain_step(rules, at, states, batch, order=order)
        walked.append(list(at))

    def replay(nudge: float) -> setup.Array:
        rows = seen(trial, drawn, nudge)
        return deep.path(rule, each, [as_numpy(W) for W in start], rows, in_turn=order == "in_turn")

    return compared(trial, order, walked, replay, label or name)


def first(trial: Trial) -> Iterator[Comparison]:
    """Divide the gradient of a first layer by its inputs' moment, or by a factor that is given."""
    normal = partial(standard_normal, generator=trial.stream("first"), dtype=trial.dtype)
    d = trial.input_dim
    gradient, (batch, other) = normal(REPLICATES, trial.hidden, d), batches(trial, 2)
    assert batch.inputs is not None
    rule = OPTIMIZERS["foof"].optimizer(step_size=trial.step_size, damping=trial.damping)  # type: ignore[attr-defined]
    for label, factor in (("own inputs", None), ("a given factor", other.cov_x)):
        Q = as_numpy(batch.cov_x if factor is None else other.cov_x) + trial.damping * np.eye(d)
        yield Same(
            part="first",
            measured=first_direction(rule, factor=factor)(gradient, batch.inputs),
            predicted=np.linalg.solve(Q, as_numpy(gradient.mT)).transpose(0, 2, 1),
            tolerance=rounding(trial.dtype, dim=4 * d, condition=float(np.linalg.cond(Q).max())),
            axes=2,
            label=label,
        )


def biases(trial: Trial, kind: str, options: Mapping[str, Any]) -> Comparison:
    """Move two layers with biases jointly, by rules without memory."""
    start, drawn = network(trial, biases=True, name="biases"), batches(trial, trial.steps)
    each = [{**options}, {**options, "step_size": 2.0 * options["step_size"]}]
    rules = [OPTIMIZERS["kfac"].optimizer(**o) for o in each]  # type: ignore[attr-defined]
    at = Weights(start[1], start[0])
    walked = [list(start)]
    for batch in drawn:
        assert batch.inputs is not None
        assert batch.targets is not None
        rows = batch_of_rows(with_constant(batch.inputs), batch.targets)
        at = affine_step(rules[0], at, rows, head_rule=rules[1], bias_factor=kind)
        walked.append([at.representation, at.head])

    def replay(nudge: float) -> setup.Array:
        rows = seen(trial, drawn, nudge)
        layers = [as_numpy(W) for W in start]
        return deep.path(matrixwise.kfac, each, layers, rows, biases=True, own=kind == "own")

    return compared(trial, kind, walked, replay, "kfac")


def modules(
    trial: Trial, options: Mapping[str, Any], momentum: Mapping[str, Any]
) -> Iterator[Comparison]:
    """Move torch modules by rules that read their layers, and by one that does not."""
    sampled = {"output_factor": "sampled", "samples_per_row": 2, "sample_seed": 1}
    for label, more in (
        ("gauss_newton", {}),
        ("empirical", {"output_factor": "empirical"}),
        ("sampled", sampled),
        ("identity", {"output_factor": "identity"}),
        ("clip", {"kl_clip": trial.largest_decrease, "momentum": 0.0}),
        ("another batch", {"input_factor": "separate"}),
    ):
        for with_bias in (False, True):
            said = f"kfac, {label}{', biases' if with_bias else ''}"
            chosen = {**options, **more}
            yield module(trial, "kfac", matrixwise.kfac, chosen, said, biases=with_bias)
    for with_bias in (False, True):
        said = f"momentum, one step at rate zero{', biases' if with_bias else ''}"
        rule = entrywise.sgd_momentum
        yield module(trial, "sgd_momentum", rule, momentum, said, biases=with_bias, still=(1,))


def module(
    trial: Trial, name: str, rule: Rule, options: Mapping[str, Any], label: str, *,
    biases: bool, still: tuple[int, ...] = (),
) -> Comparison:  # fmt: skip
    """Train one replicate as a torch module on the batches that the oracle sees."""
    start = [W[:1] for W in network(trial, biases=biases, name="module")]
    paired = options.get("input_factor") == "separate"
    drawn = [_first(batch) for batch in batches(trial, trial.steps * (1 + paired))]
    model = nn.Sequential(*[_linear(W[0], biases) for W in start])
    rest = {key: value for key, value in options.items() if key != "step_size"}
    optimizer = torch_optimizer(OPTIMIZERS[name].optimizer)(  # type: ignore[attr-defined]
        model, lr=options["step_size"], **rest
    )
    walked = [_layers(model, biases)]
    for t in range(trial.steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.0 if t in still else options["step_size"]
        batch = drawn[2 * t if paired else t]
        assert batch.inputs is not None
        assert batch.targets is not None
        if paired:
            other = drawn[2 * t + 1].inputs
            assert other is not None
            with optimizer.separate_pass():
                model(other[0])
        optimizer.zero_grad()
        rest_of = model(batch.inputs[0]) - batch.targets[0]
        (0.5 * rest_of.square().sum() / len(rest_of)).backward()
        optimizer.step()
        walked.append(_layers(model, biases))

    def replay(nudge: float) -> setup.Array:
        rows = seen(trial, drawn, nudge, paired=paired)
        each = [options] * len(start)
        layers = [as_numpy(W) for W in start]
        return deep.path(rule, each, layers, rows, still, biases=biases)

    return compared(trial, "torch", walked, replay, label)


def _first(batch: Batch) -> Batch:
    """Return the batch of the first replicate."""
    assert batch.inputs is not None
    assert batch.targets is not None
    return batch_of_rows(batch.inputs[:1], batch.targets[:1])


def _linear(W: Tensor, biases: bool) -> nn.Linear:
    rows, columns = W.shape
    layer = nn.Linear(columns - biases, rows, bias=biases, dtype=W.dtype, device=W.device)
    with torch.no_grad():
        layer.weight.copy_(W[:, : columns - biases])
        if biases:
            layer.bias.copy_(W[:, -1])
    return layer


def _layers(model: nn.Sequential, biases: bool) -> list[Tensor]:
    found = []
    for layer in model:
        assert isinstance(layer, nn.Linear)
        W = layer.weight.detach().clone()
        found.append(torch.cat([W, layer.bias.detach()[:, None]], dim=1) if biases else W)
    return [W[None] for W in found]
