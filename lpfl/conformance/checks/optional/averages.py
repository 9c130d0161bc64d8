"""Averages of the weights, kept under an option, of a parameter whose first gradient comes late."""

from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.checks.api.state_entries import entries
from lpfl.conformance.checks.optional.off import words_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject
from lpfl.conformance.trajectory import distance, size

PAIR = ((6, 4), (6, 4))
LATE, STEPS = 100, 3
NEAR, FAR = 0.1, 0.5
"""Distance from the weights, over their size, of an average of them, and of what is none."""


def late_average(subject: Subject, check_id: str, options: Mapping[str, Any]) -> CheckResult | None:
    """Return the finding that an entry that is near the weights is not so for a late parameter.

    Only an entry that the option brings with it, where the weights themselves are as usual.
    """
    start, gradients = subject.draw(PAIR, STEPS, check_id, "averages")
    try:
        fresh, plain = (subject.open(start, options=given) for given in (options, {}))
        for row in gradients:
            fresh.step(row)
            plain.step(row)
        brought = _off_the_weights(fresh).keys() - _off_the_weights(plain).keys()
        usual = {
            n: off for n, off in _off_the_weights(fresh).items() if n in brought and off <= NEAR
        }
        if not usual:
            return None
        late = subject.open(start, options=options)
        for _ in range(LATE):
            late.step([gradients[0][0], None])
        for row in gradients:
            late.step(row)
        if distance(late.values()[1:], fresh.values()[1:]) > NEAR * size(start[1:]):
            return None
        far = {n: off for n, off in _off_the_weights(late).items() if n in usual and off >= FAR}
    except Exception:  # other drives say so
        return None
    if not far:
        return None
    name, off = next(iter(far.items()))
    body = f"""
def off_the_weights(late):
    optimizer, params = begin(start, **{dict(options)!r})
    for _ in range(late):
        step(optimizer, params, [gradients[0][0], None])
    for g in gradients:
        step(optimizer, params, g)
    p = params[1]
    return float((optimizer.state[p][{name!r}] - p).norm() / p.norm())


print('off the weights, with a gradient from the first step on:', off_the_weights(0))
print('off the weights, late:', off_the_weights({LATE}))
"""
    stream = (check_id, "averages")
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=f"With {words_of(options)}, {name} in the state, an average of the weights, is "
        f"{off:.2g} of their size off them where the first gradient comes {LATE} steps late, and "
        f"{usual[name]:.2g} where it does not.",
        measured=off,
        bound=NEAR,
        scenario={"steps late": LATE, "options": dict(options)},
        **evidence(subject, body, off, shapes=PAIR, steps=STEPS, stream=stream),
    )


def _off_the_weights(session: Session) -> dict[str, float]:
    """Return, for each tensor of the second parameter's shape in its state, how far it is off."""
    p = session.params[1].detach()
    held = {name: v for (i, name), v in entries(session) if i == 1}
    tensors = {n: v for n, v in held.items() if torch.is_tensor(v) and v.shape == p.shape}
    return {n: float((v.to(p) - p).norm() / p.norm()) for n, v in tensors.items()}
