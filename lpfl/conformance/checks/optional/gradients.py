"""Gradients that step() overwrites under an option."""

from collections.abc import Mapping
from typing import Any

from lpfl.conformance.checks.optional.off import SHAPES, words_of
from lpfl.conformance.checks.promised.clip_options import CLIPS
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance, size

STEPS = 7
"""A period of 5 is within them."""


def written(subject: Subject, check_id: str, options: Mapping[str, Any]) -> CheckResult | None:
    """Return the finding that step() changes p.grad, in one of some steps; None if it does not.

    ``api.grads-kept`` asks with switches, clips and momentum itself.
    """
    if any(isinstance(v, bool) or n == "momentum" or CLIPS.search(n) for n, v in options.items()):
        return None
    shapes = subject.shapes(*SHAPES)
    start, gradients = subject.draw(shapes, STEPS, check_id)
    changed = 0.0
    try:
        session = subject.open(start, options=options)
        for row in gradients:
            session.step(row)
            given = [g.to(p) for p, g in zip(session.params, row, strict=True)]
            kept = [p.grad for p in session.params if p.grad is not None]
            if len(kept) == len(given):
                changed = max(changed, distance(kept, given) / size(given))
    except Exception:  # other drives say so
        return None
    if not changed:
        return None
    body = f"""
optimizer, params = begin(start, **{dict(options)!r})
changes = []
for g in gradients:
    step(optimizer, params, g)
    if all(p.grad is not None for p in params):
        changes.append(gap([p.grad for p in params], g, [0 * x for x in g]))
print('change of p.grad', max(changes))
"""
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=f"The change of p.grad by step() is {changed:.2g} of it with {words_of(options)}.",
        measured=changed,
        bound=0.0,
        scenario={"options": dict(options), "steps": STEPS},
        **evidence(subject, body, changed, shapes=shapes, steps=STEPS, stream=(check_id,)),
    )
