"""Programs for the checks that follow one representation: floor, same batch, damping."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

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
from lpfl.conformance.learning.theory_snippet import head_text, train_text
from lpfl.conformance.learning.twin_snippet import spoken
from lpfl.conformance.snippets import proven
from lpfl.conformance.subject import Subject
from lpfl.seeding import derive_seed

_TASK = """\
K, M, D = {rank}, {outputs}, {inputs}


def even(kappa, count):
    return kappa ** -torch.linspace(0, 1, count, dtype=torch.float64)


def task(one, two):
    draw = torch.Generator().manual_seed(one)
    left, right = haar(M, draw)[:, :K], haar(K, draw)
    basis, turn = haar(D, draw), haar(K, draw)
    inside = torch.full((K,), {cov} ** -0.5, dtype=torch.float64)
    root = basis * torch.cat([inside, even({cov}, D - K)]).sqrt()
    F, G = (left * even({head}, K).sqrt()) @ right.mT, turn @ basis[:, :K].mT
    draw, batches = torch.Generator().manual_seed(two), []
    for _ in range({steps}):
        Z, E = normal(draw, {rows}, D), normal(draw, {rows}, M)
        X = {inputs_drawn} @ root.mT
        batches.append((X, X @ (F @ G).mT + {noise} * E))
    return F, G, right, basis, batches


"""
_FLOOR = """\
kept = []
for one, two in {seeds}:
    F, G, right, basis, batches = task(one, two)
    path = train(G, F, batches)
    for W in path[len(path) // 2 :]:
        T = torch.linalg.solve(W @ G.mT, W @ basis[:, K:])
        kept.append(float(T.square().sum()))
print("noise kept, in that of a whitened step at equal speed:", sum(kept) / len(kept) / {unit})
"""
_TURNED = """\
F, G, right, basis, batches = task(*{seeds})
way = haar(D, torch.Generator().manual_seed({way}))[0]
path = train(G + 0.1 * torch.outer(right[:, 0] + right[:, 1], way), F, batches)
sines = []
for before, after in zip(path, path[1:]):
    step = after - before
    sines.append(float((step - torch.outer(step @ way, way)).norm() / step.norm()))
late = sines[2:]
squared = sum(s * s for s in late) / len(late)
print("squared sine by which a step turns, in (d - 1)/n:", squared / ((D - 1) / {rows}))
"""
_DAMPED = """\
LEAST = {least}


{local_rate}

def rate(train):
    F, G, right, basis, batches = task(*{seeds})
    way = torch.outer(right[:, {i}], basis[:, K + {j}])
    plain, tilted = train(G, F, batches), train(G + {tilt} * way, F, batches)
    parts = [float(((a - b) * way).sum()) for a, b in zip(tilted, plain)]
    return local_rate([[part / parts[0] for part in parts]])


print("rate left of the weakest direction under damping:", rate(train) / rate(negligible))
"""


def floor_snippet(
    subject: Subject, task: Task, rate: float | None, replicates: int, unit: float, number: float
) -> tuple[str, str]:
    """Return a program, executed, that measures the floor in units of ``unit``; or why not."""
    ending = _FLOOR.format(seeds=[_seeds(subject, r) for r in range(replicates)], unit=unit)
    return _run(subject, head_text(subject, rate), task, ending, number)


def turned_snippet(
    subject: Subject, task: Task, rate: float | None, options: Mapping[str, Any], number: float
) -> tuple[str, str]:
    """Return a program, executed, that measures by how much steps turn; or why there is none."""
    way = derive_seed(subject.seed, "conformance", "theory.same-batch")
    ending = _TURNED.format(seeds=_seeds(subject, 0), way=way, rows=task.rows)
    return _run(subject, head_text(subject, rate, options), task, ending, number)


def damped_snippet(
    subject: Subject,
    task: Task,
    rate: float | None,
    options: Sequence[Mapping[str, Any]],
    corner: Corner,
    number: float,
) -> tuple[str, str]:
    """Return a program, executed, that measures the rate that damping leaves; or why not.

    options: with negligible damping, and with the damping that is looked at.
    """
    ending = _DAMPED.format(
        least=LEAST,
        local_rate=inspect.getsource(local_rate),
        seeds=_seeds(subject, 0),
        tilt=TILT,
        i=corner[0],
        j=corner[1],
    )
    head = head_text(subject, rate, options[0]) + "negligible = train\n\n\n"
    head += train_text(subject, rate, options[1])
    return _run(subject, head, task, ending, number)


def _run(subject: Subject, head: str, task: Task, ending: str, number: float) -> tuple[str, str]:
    if not spoken(subject):
        return "", "the drive has no short program"
    text = _TASK.format(
        rank=RANK,
        outputs=OUTPUTS,
        inputs=INPUTS,
        cov=task.cov_condition,
        head=task.head_condition,
        steps=task.steps,
        rows=task.rows,
        noise=task.noise_std,
        inputs_drawn=f"torch.linalg.qr(Z)[0] * {task.rows} ** 0.5" if task.whole else "Z",
    )
    return proven(subject, head + text + ending, number)


def _seeds(subject: Subject, replicate: int) -> tuple[int, ...]:
    names = ("local rate", "local rate batches")
    return tuple(derive_seed(subject.seed, "conformance", name, replicate) for name in names)
