"""Counters of long bfloat16 runs: loading a checkpoint must not stop them."""

import copy
from typing import Any

import torch

from lpfl.conformance.checks.api.state_entries import stuck_counters
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

LONG = 258  # bfloat16 has no odd whole numbers above 256
DEAR = 3000  # calls of functions a step; dearer optimizers are not driven past step 256


def past_256(subject: Subject) -> CheckResult:
    """Go past step 256 in bfloat16, save, resume: every counter must go on counting."""
    start, gradients = subject.draw(subject.shapes((3, 2)), 8, "api.resume", dtype=torch.bfloat16)
    try:
        if calls_per_step(subject) > DEAR:
            message = f"Steps beyond 256 were not driven: one makes more than {DEAR} calls."
            return CheckResult(check="api.resume", outcome=Outcome.UNDRIVABLE, message=message)
        first = subject.open(start)
        for t in range(LONG):
            first.step(gradients[t % 8])
        second = subject.open([p.detach() for p in first.params])
        second.optimizer.load_state_dict(copy.deepcopy(first.optimizer.state_dict()))
        for session in (first, second):
            for step in gradients[:3]:
                session.step(step)
    except Exception as error:
        message = f"A run of {LONG} steps in bfloat16 raises {told(error)}."
        return CheckResult(check="api.resume", outcome=Outcome.UNDRIVABLE, message=message)
    stuck = stuck_counters(first, second)
    if not stuck:
        message = f"The number of counters that stop after resuming at step {LONG} is 0."
        return CheckResult(
            check="api.resume", outcome=Outcome.CONFORMS, message=message, measured=0.0
        )
    name, meant, found = stuck[0]
    return CheckResult(
        check="api.resume",
        outcome=Outcome.DEVIATES,
        message=(
            f"The counter {name!r} of a bfloat16 run resumed at step {LONG} stands at {found:g} "
            f"three steps later, not at {meant:g}: loading casts it to bfloat16."
        ),
        measured=found,
        bound=meant,
        scenario={"dtype": "bfloat16", "saved after": LONG, "steps after": 3},
        **_shown(subject, name, found),
    )


def _shown(subject: Subject, name: str, found: float) -> dict[str, Any]:
    body = f"""
import copy

one, ps = begin([v.bfloat16() for v in start])
gradients = [[x.bfloat16() for x in g] for g in gradients]
for t in range({LONG}):
    step(one, ps, gradients[t % 8])
two, qs = begin(ps)
two.load_state_dict(copy.deepcopy(one.state_dict()))
for g in gradients[:3]:
    step(two, qs, g)
print('the counter stands at', float(two.state[qs[0]][{name!r}]))
"""
    shapes = subject.shapes((3, 2))
    return evidence(subject, body, found, shapes=shapes, steps=8, stream=("api.resume",))
