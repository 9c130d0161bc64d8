"""A parameter that is frozen when the optimizer is built, and trained later."""

import re
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.no_gradient import ALWAYS
from lpfl.conformance.checks.protocol.handed import handed
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.drives.refusals import refuses
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.unfrozen"
PAIR = ((6, 4), (6, 4))
STEPS, AFTER = 8, 3
SPOKEN = re.compile(
    r"requires?_grad|(train|learn|optimi[sz])able|frozen|unfreez|freez|no grad|without grad",
    re.IGNORECASE,
)
TEXT = f"""
params = [torch.nn.Parameter(v.clone()) for v in start]
params[1].requires_grad_(False)
try:
    optimizer = make(params)
    for g in gradients[:{AFTER}]:
        step(optimizer, params, [g[0], None])
    params[1].requires_grad_(True)
    for g in gradients[{AFTER}:]:
        step(optimizer, params, g)
    print('way of the unfrozen parameter:', float((params[1].detach() - start[1]).norm()))
except Exception as error:
    print(type(error).__name__)
"""


@check(ID, tags=("api",), cost=0.05, needs=("inject",))
def unfrozen(subject: Subject) -> CheckResult:
    """A parameter that is frozen at first, as in fine-tuning, is trained once it is unfrozen."""
    if subject.needs & ALWAYS - {"named"}:
        message = "Not applicable: every step needs a gradient, as the spec says."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    start, gradients = subject.draw(PAIR, STEPS, ID)
    plain = subject.run(start, gradients)
    if not float((plain.end[1] - plain.values[AFTER][1]).norm()):
        message = "Not judged: the second parameter does not move in an ordinary run."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    words = f"A parameter that is frozen at first and unfrozen after {AFTER} steps"
    try:
        session = _run(subject, start, gradients, frozen=True)
    except Exception as error:
        if not _moves(subject, start, gradients):
            return _told_elsewhere()
        if refuses(error):
            message = f"{words} is refused: {told(error)}."
            return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message)
        return _limit(subject, f"{words} raises {told(error)}.", type(error).__name__)
    way = float((session.values()[1] - start[1]).norm())
    if way > 0:
        message = f"{words} moves by {way:.2g} from then on."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=way)
    if not _moves(subject, start, gradients):
        return _told_elsewhere()
    if SPOKEN.search(documentation(subject, session.optimizer)):
        message = f"{words} never moves; the documentation speaks of frozen ones."
        return CheckResult(check=ID, outcome=Outcome.VARIANT, message=message, measured=way)
    message = f"{words} never moves: it was left out when the optimizer was built."
    return _limit(subject, message, way)


def _limit(subject: Subject, message: str, proof: float | str) -> CheckResult:
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=message,
        measured=proof if isinstance(proof, float) else None,
        scenario={"requires_grad": False, "unfrozen after": AFTER},
        **evidence(subject, TEXT, proof, shapes=PAIR, steps=STEPS, stream=(ID,)),
    )


def _moves(subject: Subject, start: Start, gradients: Gradients) -> bool:
    """Return whether the second parameter moves where it only lacks a gradient at first."""
    try:
        session = _run(subject, start, gradients, frozen=False)
    except Exception:
        return False
    return float((session.values()[1] - start[1]).norm()) > 0


def _told_elsewhere() -> CheckResult:
    message = "Not judged: a gradient that is missing at first does the same, see api.missing."
    return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)


def _run(subject: Subject, start: Start, gradients: Gradients, *, frozen: bool) -> Session:
    """Return the session after steps without the second gradient, then with it."""

    def form(params: list[torch.nn.Parameter]) -> Any:
        params[1].requires_grad_(not frozen)
        named = "named" in subject.needs
        return [(f"layer{i}.weight", p) for i, p in enumerate(params)] if named else params

    session = handed(subject, start, form)
    for t, row in enumerate(gradients):
        session.params[1].requires_grad_(t >= AFTER or not frozen)
        session.step(row if t >= AFTER else [row[0], None])
    return session
