"""Cautious weight decay: entries that the step drives away from zero do not decay.

Source: Chen et al. 2025, Cautious weight decay, algorithm 1.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.checks.off_by_default import ANOTHER
from lpfl.conformance.checks.promised.told_of import told_of
from lpfl.conformance.checks.wrapped.options import named
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.definition.seen.meanings import is_another
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, gap

NAMES = re.compile(r"^(use_)?((cautious|caution)(_weight)?_(decay|wd)|cwd)$")
OPPOSED = re.compile(r"\b(opposite|opposed|away from zero|counterweight)\b", re.IGNORECASE)
"""Words by which entries decay that the step drives away from zero."""
SHORT = re.compile(r"^cautious$")
"""A name that is of decay where the documentation says so, and of updates elsewhere."""
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
    told = [n for n in named(subject, SHORT, switch=True) if is_another(subject, "cautious", n)]
    for name in [*named(subject, NAMES, switch=True), *told]:
        rate = {"lr": RATE} if subject.accepts("lr") else {}
        on: dict[str, Any] = {**rate, decays[0]: DECAY, name: True}
        sets = (on, {**on, name: False}, {**on, decays[0]: 0.0, name: False})
        try:
            runs = [subject.run(start, gradients, options=o) for o in sets]
        except Exception:  # the option is refused
            continue
        masks = _masks(runs)
        if masks is None:
            continue
        whole, nothing, towards = masks
        if not bool(nothing.any()):
            if gap(runs[0], runs[1]) == 0 and not ANOTHER.search(told_of(subject, name)):
                yield _idle(subject, check_id, sets)
                return
            continue
        decayed, others = (
            float(towards[m].double().mean()) if m.any() else 0.5 for m in (whole, nothing)
        )
        if decayed <= LEAST and others >= MOST:
            if OPPOSED.search(told_of(subject, name)):
                continue
            yield _finding(subject, check_id, sets, decayed)
            return
        if decayed >= MOST:
            said = f"With {name}=True {decayed:.2g} of the entries that decay move towards zero."
            yield CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=said)
            return


def _masks(runs: Sequence[Trajectory]) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return, of the entries that move: which decay wholly, not at all, are driven towards zero.

    runs: under the mask, without it, and without decay. None where decay is not a part of the
    weights, the same one for all entries, that is taken off.
    """
    masked, plain, none = runs
    rows: list[tuple[Tensor, Tensor, Tensor]] = []
    for i in range(len(masked.end)):
        for t in range(masked.steps):
            step = none.moves(i)[t]
            at, usual = masked.values[t][i], plain.values[t][i]
            full = (plain.moves(i)[t] - step) / usual
            even = (full / full.median() - 1).abs() <= NEAR
            part = torch.where(even, (masked.moves(i)[t] - step) / at / full, torch.nan)
            rows.append((part, step * at < 0, (step != 0) & (full != 0)))
    part, towards, moves = (torch.cat([row[k].reshape(-1) for row in rows]) for k in range(3))
    whole, nothing = ((part - x).abs() <= NEAR for x in (1.0, 0.0))
    known = moves & (whole | nothing)
    if not bool(moves.any()) or int(known.sum()) < KNOWN * int(moves.sum()):
        return None
    return known & whole, known & nothing, towards


def _idle(subject: Subject, check_id: str, sets: tuple[dict[str, Any], ...]) -> CheckResult:
    on, off, _ = sets
    name = list(on)[-1]
    body = f"""
a, b = run(start, gradients, **{on!r}), run(start, gradients, **{off!r})
print('masks:', gap(a, b, start) > 0)
"""
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT,
        message=f"With {name}=True all entries decay as without it: it is not used.",
        scenario={"changed": {name: True}, "options": on, "steps": STEPS},
        **evidence(
            subject,
            body,
            "masks: False",
            shapes=subject.shapes(*SHAPES),
            steps=STEPS,
            stream=(check_id, "decay"),
        ),
    )


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
