"""One entry far larger than the others of a large weight: the others move as beside none."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.large.pieces import cut
from lpfl.conformance.checks.promised.told_of import words_of
from lpfl.conformance.oracles.methods import ELEMENTWISE
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

ID = "api.outlier"
WIDE, ROWS = (64, 96), 4
"""A weight whose 6144 entries fill blocks of 128 to 2048, and the rows of its pieces."""
STEPS = 3
OUTLIER, FARTHER = 1000.0, 100.0
"""Size of one entry of the gradient, and how much farther than in pieces is too far."""
QUANTISED = re.compile(r"quanti[sz]|\b(8|4)[ -]?bits?\b|\bint(8|4)\b|low[ -]?bit", re.IGNORECASE)


@check(ID, tags=("api",), cost=0.03, needs=("params",), claims=ELEMENTWISE)
def outlier(subject: Subject) -> CheckResult:
    """One entry of 1000 in a large gradient makes no other entry's step 100 times as long."""
    if not (subject.handles(WIDE) and subject.handles((ROWS, WIDE[1]))):
        message = "Not applicable: it does not take charge of matrices."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    try:
        times = _times(subject, *_drawn(subject), {})
        again = _times(subject, *_drawn(subject), {}, seed=subject.seed + 7)
    except Exception as error:
        message = f"A run in float32 raises {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    farthest = min(float(times.max()), float(again.max()))
    if farthest <= FARTHER:
        message = f"An entry beside one of {OUTLIER:g} moves at most {farthest:.3g} times as far."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=farthest)
    few = int((times > FARTHER).sum())
    body = f"""
start, gradients = [v.float() for v in start], [[x.float() for x in g] for g in gradients]
for g in gradients:
    g[0][0, 0] = {OUTLIER}
cut = lambda row: [x.clone() for x in row[0].split({ROWS})]
a = (run(start, gradients)[0] - start[0]).abs()
b = (torch.cat(run(cut(start), [cut(g) for g in gradients])) - start[0]).abs()
times = (a / b)[{ROWS}:][b[{ROWS}:] > 0.1 * b[{ROWS}:].mean()]
print('entries that move more than {FARTHER:g} times as far:', int((times > {FARTHER}).sum()))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.VARIANT if QUANTISED.search(words_of(subject)) else Outcome.NUMERICS,
        message=f"Of a weight of shape {WIDE} with one entry of {OUTLIER:g} in its gradient, {few} "
        f"others move up to {farthest:.2g} times as far as in pieces of {ROWS} rows.",
        measured=farthest,
        bound=FARTHER,
        scenario={"shape": WIDE, "pieces": (ROWS, WIDE[1]), "outlier": OUTLIER},
        **evidence(subject, body, float(few), shapes=[WIDE], steps=STEPS, stream=(ID,)),
    )


def _drawn(subject: Subject) -> tuple[Start, Gradients]:
    start, gradients = subject.draw([WIDE], STEPS, ID, dtype=torch.float32)
    for row in gradients:
        row[0][0, 0] = OUTLIER
    return start, gradients


def _times(
    subject: Subject,
    start: Start,
    gradients: Gradients,
    options: Mapping[str, Any],
    seed: int | None = None,
) -> torch.Tensor:
    """Return how many times as far entries move in the whole, those of the first piece left out."""
    whole = subject.run(start, gradients, options=options, seed=seed)
    rows = [cut(row, ROWS) for row in gradients]
    parts = torch.cat(subject.run(cut(start, ROWS), rows, options=options, seed=seed).end)
    far, usual = ((v - start[0]).abs()[ROWS:] for v in (whole.end[0], parts))
    return (far / usual)[usual > 0.1 * usual.mean()]
