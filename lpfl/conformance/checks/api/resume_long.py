"""Counters of long bfloat16 runs: loading a checkpoint must not stop them."""

import copy

import torch

from lpfl.conformance.checks.api.state_entries import stuck_counters
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.signatures import told
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
    )
