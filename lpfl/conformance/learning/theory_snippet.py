"""Programs that measure the numbers of the theory checks with torch and the package alone."""

import inspect
from collections.abc import Mapping
from typing import Any

from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.learning import first_steps
from lpfl.conformance.learning.local_rates import (
    INPUTS,
    LEAST,
    OUTPUTS,
    RANK,
    TILT,
    Corner,
    Task,
    local_rate,
)
from lpfl.conformance.learning.transforms import haar
from lpfl.conformance.learning.twin_snippet import build_text, drive_text, spoken
from lpfl.conformance.snippets import optimizer_text, proven
from lpfl.conformance.subject import Subject
from lpfl.seeding import derive_seed

_HEAD = """\
import math
from collections.abc import Sequence

import torch
from torch import Tensor

{make}


{haar}

def normal(draw, *size):
    return torch.randn(size, generator=draw, dtype=torch.float64)


class Model(torch.nn.Module):
    def __init__(self, weight, head, act):
        super().__init__()
        m, d = weight.shape
        self.representation = torch.nn.Linear(d, m, bias=False, dtype=torch.float64)
        self.representation.weight.data.copy_(weight)
        self.head, self.act = head, act

    def forward(self, inputs):
        return self.act(self.representation(inputs)) @ self.head.mT


"""
_TRAIN = """\
def train(weight, head, batches, act=lambda x: x):
    torch.manual_seed({global_seed})
    model = Model(weight, head, act)
    {build}
    path = [weight]
    for X, Y in batches:
        def loss():
            return (model(X) - Y).square().sum() / (2 * len(X))
        {drive}
        {read}path.append(model.representation.weight.detach().clone()){back}
    return path


"""
_RATES = """\
LEAST = {least}
K, M, D = {rank}, {outputs}, {inputs}


{local_rate}

def even(kappa, count):
    return kappa ** -torch.linspace(0, 1, count, dtype=torch.float64)


def rate(corner, y=1.0, x=1.0, noise={noise}, rows={rows}, steps={steps}):
    runs = []
    for one, two in {seeds}:
        draw = torch.Generator().manual_seed(one)
        left, right = haar(M, draw)[:, :K], haar(K, draw)
        basis, turn = haar(D, draw), haar(K, draw)
        inside = torch.full((K,), {cov} ** -0.5, dtype=torch.float64)
        root = basis * (x * torch.cat([inside, even({cov}, D - K)]).sqrt())
        F = (left * (y * even({head}, K).sqrt())) @ right.mT
        G = turn @ basis[:, :K].mT / x
        draw, batches = torch.Generator().manual_seed(two), []
        for _ in range(steps):
            X, E = normal(draw, rows, D) @ root.mT, normal(draw, rows, M)
            batches.append((X, X @ (F @ G).mT + noise * y * E))
        way = torch.outer(right[:, corner[0]], basis[:, K + corner[1]])
        plain = train(G, F, batches)
        tilted = train(G + {tilt} / x * way, F, batches)
        parts = [float(((a - b) * way).sum()) for a, b in zip(tilted, plain)]
        runs.append([part / parts[0] for part in parts])
    return local_rate(runs)


{ending}
"""
_FIRST = """\
numbers = []
for seed in {seeds}:
    draw = torch.Generator().manual_seed(seed)
    basis = haar({dim}, draw)
    scales = torch.tensor({eigenvalues}, dtype=torch.float64).repeat_interleave({dim} // 2)
    parts = [normal(draw, {dim} // 2), normal(draw, {dim} // 2)]
    teacher = basis @ torch.cat([part / part.norm() for part in parts]) / math.sqrt(2)
    X = normal(draw, {rows}, {dim}) * scales.sqrt() @ basis.mT
    cov = basis * scales @ basis.mT
    Y = torch.tanh(X @ teacher * math.sqrt(1 / (teacher @ cov @ teacher)))
    Y = (Y + {noise} * normal(draw, {rows}))[:, None]
    start = normal(draw, {width}, {dim}) / math.sqrt({dim})
    head = normal(draw, {width}) / math.sqrt({width})
    path = train(start, head[None, :] / math.sqrt({width}), [(X, Y)] * {patience}, torch.tanh)
    update = next(W - start for W in path if float((W - start).norm()) > 0)
{number}
print("{what}:", sum(numbers) / len(numbers))
"""
_COSINE = """\
    learned = {learned}
    numbers.append(float((learned @ teacher) ** 2 / (learned @ learned) / (teacher @ teacher)))"""
_LEARNED = {
    "head": "head @ update",
    "spike": "torch.linalg.svd(update, full_matrices=False)[2][0]",
}
_GAP = """\
    scaled = {strength} / torch.linalg.matrix_norm(update, 2) * update
    values = torch.linalg.svdvals(start + scaled)
    numbers.append(float(values[0] - values[1]) / {room})"""


def rates_snippet(
    subject: Subject, task: Task, rate: float | None, replicates: int, ending: str, number: float
) -> tuple[str, str]:
    """Return a program, executed, that measures local rates; or an empty text and why.

    ending: lines that print the number from ``rate(corner, y=, x=, noise=, rows=)``.
    """
    if not spoken(subject):
        return "", "the drive has no short program"
    names = ("local rate", "local rate batches")
    seeds = [tuple(_seed(subject, name, r) for name in names) for r in range(replicates)]
    text = head_text(subject, rate) + _RATES.format(
        least=LEAST,
        rank=RANK,
        outputs=OUTPUTS,
        inputs=INPUTS,
        local_rate=inspect.getsource(local_rate),
        noise=task.noise_std,
        rows=task.rows,
        steps=task.steps,
        seeds=seeds,
        cov=task.cov_condition,
        head=task.head_condition,
        tilt=TILT,
        ending=ending,
    )
    return proven(subject, text, number)


def slowdown(slow: Corner, condition: float) -> str:
    """Return the ending that prints the exponent of a slowdown."""
    ratio = f"rate((0, 0)) / rate({slow})"
    return f"print('exponent of the slowdown', math.log({ratio}) / math.log({condition}))"


def answer_to(change: str, factor: float) -> str:
    """Return the ending that prints the exponent of the rate in one unit, such as "y=2.0"."""
    ratio = f"rate((0, 0), {change}) / rate((0, 0))"
    return f"print('exponent of the rate', math.log({ratio}) / math.log({factor}))"


def alignment_snippet(subject: Subject, replicates: int, by: str, number: float) -> tuple[str, str]:
    """Return a program, executed, that measures the first step's alignment; or why there is none.

    by: "head" or "spike", as in ``FirstStep.direction``.
    """
    number_text = _COSINE.format(learned=_LEARNED[by])
    what = "squared cosine of the first step with beta*"
    return _first_snippet(subject, replicates, number_text, what, number)


def spike_snippet(subject: Subject, replicates: int, room: float, number: float) -> tuple[str, str]:
    """Return a program, executed, that measures the first step's outlier; or why there is none.

    room: the gap of the largest singular value that the theory gives for a rank-one step.
    """
    number_text = _GAP.format(strength=first_steps.STRENGTH, room=room)
    what = "gap of the largest singular value, in that of a rank-one step"
    return _first_snippet(subject, replicates, number_text, what, number)


def _first_snippet(
    subject: Subject, replicates: int, number_text: str, what: str, number: float
) -> tuple[str, str]:
    if not spoken(subject):
        return "", "the drive has no short program"
    text = head_text(subject, None) + _FIRST.format(
        seeds=[_seed(subject, "single index", r) for r in range(replicates)],
        dim=first_steps.DIM,
        width=first_steps.WIDTH,
        rows=first_steps.ROWS,
        noise=first_steps.NOISE_STD,
        eigenvalues=first_steps.EIGENVALUES,
        patience=first_steps.PATIENCE if _hesitates(subject) else 1,
        number=number_text,
        what=what,
    )
    return proven(subject, text, number)


def _hesitates(subject: Subject) -> bool:
    """Return whether the first step moves nothing."""
    start, gradients = subject.draw([(6, 4)], 1, "hesitates")
    values = subject.run(start, gradients).values
    return bool((values[1][0] == values[0][0]).all())


def _seed(subject: Subject, *name: str | int | float) -> int:
    return derive_seed(subject.seed, "conformance", *name)


def head_text(
    subject: Subject, rate: float | None, options: Mapping[str, Any] | None = None
) -> str:
    """Return program text with the model and ``train(weight, head, batches, act)``."""
    head = _HEAD.format(make=optimizer_text(subject), haar=inspect.getsource(haar))
    return head + train_text(subject, rate, options)


def train_text(subject: Subject, rate: float | None, given: Mapping[str, Any] | None = None) -> str:
    """Return program text of the function ``train``, with these options of the optimizer."""
    options: dict[str, Any] = dict.fromkeys(known_as(subject, "weight_decay"), 0.0)
    options |= dict(given or {})
    if rate is not None:
        options |= dict.fromkeys(known_as(subject, "lr")[:1], rate)
    modes = "mode" in subject.needs
    return _TRAIN.format(
        global_seed=subject.seed,
        build=build_text(subject, options),
        drive=drive_text(subject),
        read="optimizer.eval()\n        " if modes else "",
        back="\n        optimizer.train()" if modes else "",
    )


def shown(found: tuple[str, str]) -> Mapping[str, Any]:
    """Return the fields of an answer that carry a program, or why there is none."""
    text, why = found
    return {"snippet": text} if text else {"details": {"no snippet": why}}
