"""Trainings with several passes to a step, or with passes that no step follows.

The source of a plan is part of the program that shows a finding: it uses torch alone.
"""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.drives import seed_everything
from lpfl.conformance.drives.module import ModuleSession
from lpfl.conformance.drives.session import Session
from lpfl.conformance.hooked.networks import Network, Plain
from lpfl.conformance.hooked.training import OUTPUTS, ROWS, WEIGHTS, read_in_eval
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.learning.twin_snippet import build_text, spoken
from lpfl.conformance.pulse import beat
from lpfl.conformance.signatures import Undrivable
from lpfl.conformance.snippets import optimizer_text, proven
from lpfl.conformance.subject import Subject
from lpfl.seeding import derive_seed

INPUTS, STEPS = 4, 3
Rows = tuple[Tensor, Tensor]
Path = list[dict[str, Tensor]]
Plan = Callable[[Tensor, Tensor], Iterable[tuple[Rows, bool]]]
"""Inputs and slopes of a step -> its passes, each with whether its gradients are kept."""


def whole(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    return [((X, R), True)]


def halves(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    return [((X[:12], R[:12]), True), ((X[12:], R[12:]), True)]


def swapped(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    return halves(X, R)[::-1]


def otherwise(X: Tensor, R: Tensor) -> Rows:
    """Return other inputs and slopes that have the same gradient, to the last bit."""
    sizes = torch.tensor([4.0, 0.25] * (len(X) // 2)).to(X)[:, None]
    return X * sizes, R / sizes


def whole_otherwise(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    return [(otherwise(X, R), True)]


def first_otherwise(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    (one, _), two = halves(X, R)
    return [(otherwise(*one), True), two]


def second_otherwise(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    one, (two, _) = halves(X, R)
    return [one, (otherwise(*two), True)]


def skipped(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    return [((3 * X.flip(0), R), False), ((X, R), True)]


def twice(X: Tensor, R: Tensor) -> list[tuple[Rows, bool]]:
    return [((torch.cat([X, X]), torch.cat([R, R])), True)]


PARTS: dict[Plan, tuple[Callable[..., Any], ...]] = {
    swapped: (halves,),
    whole_otherwise: (otherwise,),
    first_otherwise: (otherwise, halves),
    second_otherwise: (otherwise, halves),
}
"""Plan -> the functions that it calls."""


def train_on(subject: Subject, plan: Plan, batches: int = STEPS, reseed: int = 0) -> Path:
    """Return the weights before and after every step; reseed: of all generators.

    Raises: Undrivable where the optimizer runs the loss itself, or is stepped in a way of its own.
    """
    model = Plain().to(subject.device, subject.coarsest)
    stream = subject.stream("layer", "passes")
    normal = lambda *size: torch.randn(size, generator=stream, dtype=torch.float64)  # noqa: E731
    drawn = [(normal(ROWS, INPUTS), normal(ROWS, OUTPUTS)) for _ in range(STEPS)][:batches]
    model.load(0.5 * normal(WEIGHTS).to(subject.coarsest))
    seed = subject.seed + reseed if reseed else None
    with other_draws(seed):
        session = subject.open_on(model)
        if type(session) not in (ModuleSession, Session) or _runs_the_loss(subject):
            raise Undrivable("passes and steps are its own affair")
        if seed is not None:
            seed_everything(seed)
        path = [model.read()]
        for X, R in drawn:
            _cleared(session)
            for rows, kept in plan(X, R):
                inputs, slopes = (value.to(subject.device, subject.coarsest) for value in rows)
                ((model(inputs) * slopes).sum() / len(inputs)).backward()
                if not kept:
                    _cleared(session)
            beat()
            session.optimizer.step()
            path.append(read_in_eval(subject, session, model))
    return path


def _runs_the_loss(subject: Subject) -> bool:
    known = {"fused", "closure", "value_closure", "create_graph", "sampled", "keeps_grad"}
    return bool(known & subject.needs)


def between(one: Path, two: Path) -> float:
    """Return the largest distance of two paths over the longest way of the second."""
    gap = max(_distance(a, b) for a, b in zip(one, two, strict=True))
    way = max(_distance(row, two[0]) for row in two)
    return gap / way if way > 0 else 0.0


def _cleared(session: Session) -> None:
    """Clear the gradients as a loop does: an optimizer may begin a step anew then."""
    session.zero()
    session.optimizer.zero_grad()


def _distance(one: dict[str, Tensor], two: dict[str, Tensor]) -> float:
    return sum(float((one[name] - two[name]).square().sum()) for name in one) ** 0.5


_PROGRAM = """\
import torch
from torch import Tensor, nn

{make}


{network}

{plans}

draw = torch.Generator().manual_seed({seed})
normal = lambda *size: torch.randn(size, generator=draw, dtype=torch.float64).to({dtype})
batches = [(normal({rows}, {inputs}), normal({rows}, {outputs})) for _ in range({steps})]
weights = 0.5 * normal({weights})


def train(plan, batches=batches):
    torch.manual_seed({global_seed})
    model = Plain().to({dtype})
    model.load(weights)
    {build}
    path = [model.read()]
    for X, R in batches:
        optimizer.zero_grad()
        for (inputs, slopes), kept in plan(X, R):
            ((model(inputs) * slopes).sum() / len(inputs)).backward()
            if not kept:
                optimizer.zero_grad()
        optimizer.step()
        {into_eval}
        path.append(model.read())
        {into_train}
    return path


def distance(one, two):
    return float(torch.cat([one[n] - two[n] for n in one]).norm())


def between(one, two):
    gap = max(distance(a, b) for a, b in zip(one, two))
    return gap / max(distance(row, two[0]) for row in two)


{ending}
"""


def shown(
    subject: Subject, plans: Iterable[Plan], ending: str, expected: float | str
) -> dict[str, Any]:
    """Return the fields of an answer with the program, executed, or why there is none."""
    if not spoken(subject):
        return {"details": {"snippet": "the drive has no short program"}}
    functions = dict.fromkeys(f for plan in plans for f in (*PARTS.get(plan, ()), plan))
    sources = "\n\n".join(inspect.getsource(function) for function in functions)
    for name, plain in (("list[tuple[Rows, bool]]", "list"), ("Rows", "tuple")):
        sources = sources.replace(name, plain)
    mode = "mode" in subject.needs
    text = _PROGRAM.format(
        make=optimizer_text(subject),
        network="\n\n".join(inspect.getsource(part) for part in (Network, Plain)),
        plans=sources,
        seed=derive_seed(subject.seed, "conformance", "layer", "passes"),
        dtype=str(subject.coarsest),
        rows=ROWS,
        inputs=INPUTS,
        outputs=OUTPUTS,
        steps=STEPS,
        weights=WEIGHTS,
        global_seed=subject.seed,
        build=build_text(subject, {}),
        into_eval="optimizer.eval()" if mode else "",
        into_train="optimizer.train()" if mode else "",
        ending=ending.strip(),
    )
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    text, why = proven(subject, text, expected)
    return {"snippet": text} if text else {"details": {"snippet": why}}
