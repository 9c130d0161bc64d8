"""Cautious weight decay: entries that the step drives away from zero do not decay.

Source: Chen et al. 2025, Cautious weight decay, algorithm 1.
"""

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.wrapped.options import named
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject

NAMES = re.compile(r"^(use_)?((cautious|caution)(_weight)?_(decay|wd)|cwd)$")
SHAPES = ((6, 4), (5,))
STEPS = 8
RATE, DECAY = 0.01, 0.5
NEAR = 0.05
"""Part of an entry's decay up to which it counts as none, or as the whole."""
KNOWN = 0.9
"""Least share of the entries that decay wholly or not at all, for the mask to be read."""
MOST, LEAST = 0.9, 0.1
"""Shares of the entries that move towards zero which are most of them, and few."""


def masked_decay(subject: Subject, check_id: str) -> Iterator[CheckResult]:
    """Yield the answer about each option by which only some entries decay."""
    decays = known_as(subject, "weight_decay")
    if not decays:
        return
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, check_id, "decay")
    for name in named(subject, NAMES, switch=True):
        rate = {"lr": RATE} if subject.accepts("lr") else {}
        on: dict[str, Any] = {**rate, decays[0]: DECAY, name: True}
        sets = (on, {**on, name: False}, {**on, decays[0]: 0.0, name: False})
        try:
            shares = _shares(subject, start, gradients, sets)
        except Exception:  # the option is refused
            continue
        if shares is None:
            continue
        decayed, others = shares
        if decayed <= LEAST and others >= MOST:
            yield _finding(subject, check_id, sets, decayed)
            return
        if decayed >= MOST:
            said = f"With {name}=True {decayed:.2g} of the entries that decay move towards zero."
            yield CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=said)
            return


def _shares(
    subject: Subject, start: Start, gradients: Gradients, sets: tuple[dict[str, Any], ...]
) -> tuple[float, float] | None:
    """Return the shares of entries driven towards zero among those that decay, and of the others.

    None where the option masks nothing, or decay is not a part of the weights that is taken off.
    """
    masked, plain, none = (subject.run(start, gradients, options=o) for o in sets)
    rows: list[tuple[Tensor, Tensor, Tensor]] = []
    for i in range(len(start)):
        for t in range(STEPS):
            step = none.moves(i)[t]
            at, usual = masked.values[t][i], plain.values[t][i]
            full = (plain.moves(i)[t] - step) / usual
            part = (masked.moves(i)[t] - step) / at / full
            rows.append((part, step * at < 0, step != 0))
    part, towards, moves = (torch.cat([row[k].reshape(-1) for row in rows]) for k in range(3))
    whole, nothing = ((part - x).abs() <= NEAR for x in (1.0, 0.0))
    known = moves & (whole | nothing)
    if not bool(moves.any()) or int(known.sum()) < KNOWN * int(moves.sum()):
        return None
    yes, no = towards[known & whole], towards[known & nothing]
    if not yes.numel() or not no.numel():
        return None
    return float(yes.double().mean()), float(no.double().mean())


def _finding(
    subject: Subject, check_id: str, sets: tuple[dict[str, Any], ...], share: float
) -> CheckResult:
    on, _, without = sets
    name = list(on)[-1]
    body = f"""
mine, other = begin(start, **{on!r}), begin(start, **{without!r})
decayed = towards = 0
for row in gradients:
    old = [[q.detach().clone() for q in params] for _, params in (mine, other)]
    step(*mine, row)
    step(*other, row)
    for p, was, q, before in zip(mine[1], old[0], other[1], old[1]):
        move = q.detach() - before
        change = p.detach() - was - move
        decays = (change.abs() > {RATE * DECAY / 2} * was.abs()) & (move != 0)
        decayed += int(decays.sum())
        towards += int((decays & (move * was < 0)).sum())
print('share of decayed entries that move towards zero:', f'{{towards / decayed:.2g}}')
"""
    return CheckResult(
        check=check_id,
        outcome=Outcome.DEVIATES,
        message=f"With {name}=True {1 - share:.2g} of the entries that decay are driven away from "
        "zero by the step, and those driven towards it do not decay: the mask keeps the wrong "
        "half.",
        scenario={"changed": {name: True}, "options": on, "steps": STEPS},
        **evidence(
            subject,
            body,
            f"towards zero: {share:.2g}",
            shapes=subject.shapes(*SHAPES),
            steps=STEPS,
            stream=(check_id, "decay"),
        ),
    )
