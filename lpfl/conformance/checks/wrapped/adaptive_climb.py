"""Adaptive sharpness: the weights climb by rho in units of their own sizes.

Source: Kwon et al. 2021, ASAM, eq. (8): T^2 g times rho / |T g|, with T the sizes of the weights.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.checks.promised.told_of import words_of
from lpfl.conformance.checks.wrapped.options import is_switch
from lpfl.conformance.drives.closures import ClosureSession
from lpfl.conformance.drives.surrogate import surrogate
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance, size

ID = "api.adaptive-climb"
SHAPES = ((6, 4), (5,))
NAMES = ("adaptive", "asam", "use_asam")
SAME, APART = 1e-3, 5e-2
WRONG = "over the norm of the gradient alone"
NORM = re.compile(r"\bnorm of (g|the (plain )?gradient)\b[^.]{0,20}(alone|\bnot\b)", re.IGNORECASE)
"""Words by which the climb is measured by the gradient alone."""
RULES = ("as defined", "with 0.01 on the sizes", "with a norm for each weight", WRONG)
Row = list[Tensor]


@check(ID, tags=("api",), cost=0.05, needs=("params",))
def adaptive_climb(subject: Subject) -> Iterable[CheckResult]:
    """Adaptive weights climb by rho, measured in units of their own sizes, before the loss."""
    rho = subject.default("rho") if subject.accepts("rho") else None
    names = [n for n in NAMES if is_switch(subject.default(n)) and subject.accepts(n)]
    if not names or not isinstance(rho, float) or not rho > 0:
        return
    name = names[0]
    start, (g,) = subject.draw(subject.shapes(*SHAPES), 1, ID)
    try:
        on, off = (_climb(subject, start, g, {name: value}) for value in (True, False))
    except Exception:  # the option is refused
        return
    plain = [rho / size(g) * x for x in g]
    if not on or not off or distance(off, plain) > SAME * rho:
        return
    found = {}
    for rule in RULES:
        meant = _meant(rule, start, g, rho)
        found[rule] = distance(on, meant) / size(meant)
    rule = min(found, key=lambda r: found[r])
    if found[rule] > SAME:
        return
    length = size([e / w for e, w in zip(on, start, strict=True)]) / rho
    message = f"With {name}=True the climb, over the sizes of the weights, is {length:.3g} rho long"
    if rule != WRONG:
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=f"{message}: {rule}.")
    elif NORM.search(words_of(subject)):
        yield CheckResult(check=ID, outcome=Outcome.VARIANT, message=f"{message}, as told: {rule}.")
    elif found[RULES[0]] > APART:
        yield _finding(subject, name, rho, f"{message}, not rho: it is taken {rule}.", length)


def _climb(subject: Subject, start: Row, g: Row, options: Mapping[str, Any]) -> Row | None:
    """Return how far the weights are moved before the second evaluation, if there is one."""
    session = subject.open(start, options=options)
    if not isinstance(session, ClosureSession):
        return None
    loss = surrogate(session.params, g, value=1.0)
    tried = session.values()

    def closure() -> Tensor:
        nonlocal tried
        session.zero()
        tried = session.values()
        value = loss()
        value.backward()
        return value

    loss().backward()  # some climb by the gradient that is there, some evaluate it first
    session.optimizer.step(closure)
    return [b - a for a, b in zip(start, tried, strict=True)]


def _meant(rule: str, start: Row, g: Row, rho: float) -> Row:
    """Return the climb by a rule."""
    eta = 0.01 if rule == RULES[1] else 0.0
    sizes = [w.abs() + eta for w in start]
    parts = [t * x for t, x in zip(sizes, g, strict=True)]
    norms = [torch.tensor(size(g if rule == WRONG else parts))] * len(g)
    norms = [x.norm() for x in parts] if rule == RULES[2] else norms
    return [rho * t * part / n for t, part, n in zip(sizes, parts, norms, strict=True)]


def _finding(subject: Subject, name: str, rho: float, message: str, length: float) -> CheckResult:
    body = f"""
optimizer, params = begin(start, {name}=True)
tried = []


def closure():
    optimizer.zero_grad()
    tried[:] = [p.detach().clone() for p in params]
    loss = 1.0 + sum((g * (p - p.detach())).sum() for p, g in zip(params, gradients[0]))
    loss.backward()
    return loss


closure()
optimizer.step(closure)
units = [(b - a) / a for a, b in zip(start, tried)]
print('length of the climb over rho', sum(float(u.square().sum()) for u in units) ** 0.5 / {rho})
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=message,
        measured=length,
        bound=1.0,
        scenario={"changed": {name: True}, "rho": rho},
        **evidence(subject, body, length, shapes=subject.shapes(*SHAPES), steps=1, stream=(ID,)),
    )
