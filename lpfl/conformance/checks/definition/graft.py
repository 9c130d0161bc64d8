"""Grafting by name: a step said to have the length of SGD's has it."""

import inspect
import re
from typing import Any

from lpfl.conformance.definition.grid import own_classes
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "def.graft"
GRAFT = re.compile(r"graft")
SGD = re.compile(r"""["']sgd["']""", re.IGNORECASE)
OFF = ("momentum", "beta1", "weight_decay")
SHAPE, STEPS, APART = (6, 4), 8, 1e-3


@check(ID, tags=("def",), cost=0.05, needs=("inject",))
def graft(subject: Subject) -> CheckResult:
    """With a graft named "sgd", steps are as long as plain gradient steps, up to one factor."""
    start, gradients = subject.draw(subject.shapes(SHAPE), STEPS, ID)
    options = _options(subject)
    if not options or not start:
        message = 'Not applicable: it has no graft that takes "sgd".'
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    try:
        moves = subject.run(start, gradients, options=options).moves()
    except Exception:
        message = "Not driven: it does not run with the graft and without momentum and decay."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    long = [float(u.norm() / row[0].norm()) for u, row in zip(moves, gradients, strict=True)]
    least, most = min(long), max(long)
    apart = most / least - 1 if least > 0 else float("inf")
    name = next(iter(options))
    message = (
        f"With {name}={options[name]!r} the lengths of steps over those of their gradients "
        f"lie between {least:.3g} and {most:.3g}"
    )
    if apart <= APART:
        return CheckResult(
            check=ID, outcome=Outcome.CONFORMS, message=f"{message}.", measured=apart, bound=APART
        )
    body = f"""
optimizer, (p,) = begin(start, **{options!r})
ratios = []
for (g,) in gradients:
    before = p.detach().clone()
    step(optimizer, [p], [g])
    ratios.append(float((p.detach() - before).norm() / g.norm()))
print('largest over smallest, less 1:', max(ratios) / min(ratios) - 1)
"""
    shapes = subject.shapes(SHAPE)
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=f"{message}: they are not grafted to SGD's.",
        measured=apart,
        bound=APART,
        scenario={"options": options, "shape": SHAPE, "steps": STEPS},
        **evidence(subject, body, apart, shapes=shapes, steps=STEPS, stream=(ID,)),
    )


def _options(subject: Subject) -> dict[str, Any]:
    """Return the options that switch the graft on and momentum and decay off; or nothing.

    The optimizer's own text must name the value: one that nobody knows may do anything. Averages
    of the gradient must be options, or its length is not that of the step.
    """
    names = [n for n in subject.constructor_names if GRAFT.search(n)]
    held = {n: subject.default(n) for n in names}
    found = [n for n, v in held.items() if v is None or isinstance(v, str)]
    value = _named(subject) if found else ""
    if not value:
        return {}
    off: dict[str, Any] = {n: 0.0 for name in OFF for n in known_as(subject, name)}
    betas = subject.default("betas")
    if isinstance(betas, tuple | list):
        off["betas"] = (0.0, *betas[1:])
    return {found[0]: value, **off}


def _named(subject: Subject) -> str:
    """Return "sgd" as the text of the optimizer writes it, in quotes; empty where it does not."""
    start, _ = subject.draw(subject.shapes(SHAPE), 0, ID)
    if not start:
        return ""
    for kind in own_classes(subject.open(start).optimizer):
        try:
            words = inspect.getsource(kind)
        except (OSError, TypeError):
            words = kind.__doc__ or ""
        if said := SGD.search(words):
            return said.group()[1:-1]
    return ""
