"""Save and go on: a run continued in new objects is the run that was never interrupted."""

import copy
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS
from lpfl.conformance.checks.api.resume_long import past_256
from lpfl.conformance.checks.api.state_entries import (
    changed_formats,
    entries,
    lost_entries,
    lost_shown,
    reopened,
    taken,
)
from lpfl.conformance.checks.checkpoints import beside_checkpoints
from lpfl.conformance.checks.loaded_unlike import added, unlike
from lpfl.conformance.checks.resumed import with_options
from lpfl.conformance.checks.resumed_groups import in_groups
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.drives.refusals import meant, says_so
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.resume_text import AFTER, BEFORE, FALL, Given, indented
from lpfl.conformance.rounding import inner_precision
from lpfl.conformance.signatures import told
from lpfl.conformance.snippets import contradicted, program, proven
from lpfl.conformance.subject import Subject, Undrivable
from lpfl.conformance.trajectory import distance, size

ID = "api.resume"
SAME = 1e-12
WIDENED = 1e-3
"""Share of the way beyond which numbers that loading only widens explain no difference."""
OTHER = {"lr": 3.0, "weight_decay": 0.05, "momentum": 0.5, "eps": 1e-3, "alpha": 0.5}
DTYPES = (torch.float64, torch.float32, torch.bfloat16)
LOADED = "two.load_state_dict(state)\n"
Transfer = Callable[[Mapping[str, Any]], Any]


@check(ID, tags=("api",), cost=0.3, needs=("state_dict",))
def resume(subject: Subject) -> Iterable[CheckResult]:
    """A run saved and resumed in new objects goes on as if it had not stopped."""
    broken, exact = False, False
    for dtype in DTYPES:
        result = _resumed(subject, dtype, f"in {_short(dtype)}", copy.deepcopy)
        yield result
        exact = exact or (dtype == torch.float64 and result.outcome is Outcome.CONFORMS)
        broken = broken or result.outcome in (Outcome.LIMIT, Outcome.DEVIATES)
        if broken or (result.outcome is Outcome.UNDRIVABLE and dtype == torch.float64):
            break
    if not broken:
        yield _resumed(subject, torch.float64, "through a file (weights only)", _through_file)
        yield _resumed(
            subject,
            torch.float64,
            "into an optimizer built with other hyper-parameters",
            copy.deepcopy,
            others=True,
        )
        resumed = partial(_with_options, subject)
        yield from with_options.switched_on(subject, resumed)
        if exact:
            yield from with_options.turned_over(subject, resumed)
        yield from with_options.counting(subject, resumed)
        grouped = list(in_groups(subject))
        yield from grouped
        yield past_256(subject)
        exact = exact and all(answer.outcome is Outcome.CONFORMS for answer in grouped)
        if exact and (answer := beside_checkpoints(subject)):
            yield answer


def _with_options(subject: Subject, how: str, options: Mapping[str, Any]) -> CheckResult:
    return _resumed(subject, torch.float64, how, copy.deepcopy, options=options)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _through_file(state: Mapping[str, Any]) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def _resumed(
    subject: Subject,
    dtype: torch.dtype,
    how: str,
    transfer: Transfer,
    *,
    others: bool = False,
    options: Mapping[str, Any] | None = None,
) -> CheckResult:
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, BEFORE + AFTER, ID, dtype=dtype)
    falls = bool(options)
    options = {**_low_precision_rate(subject, dtype), **(options or {})}
    given = Given(options, {**options, **(_other_values(subject) if others else {})}, falls)
    later = [[FALL * x for x in row] if falls else row for row in gradients[BEFORE:]]
    try:
        first = subject.open(start, options=options)
        for step in gradients[:BEFORE]:
            first.step(step)
    except Undrivable:
        raise
    except Exception as error:
        message = f"A run {how} raises before it is saved: {told(error)}."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    if not all(bool(v.isfinite().all()) for v in first.values()):
        message = f"A run {how} is not finite before it is saved."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    begin = [v.to(dtype) for v in first.values()]
    try:
        held = dict(entries(first))
        state = transfer(first.optimizer.state_dict())
        if gone := sorted({name for _, name in held.keys() - dict(entries(first)).keys()}):
            return taken(subject, gone[0], how, given, dtype)
        other = reopened(subject, first, given.loading)
        other.optimizer.load_state_dict(state)
        changed = changed_formats(first, other)
        apart_at_once = unlike(first, other)
        for step in later:
            for session in (first, other):
                seed_everything(subject.seed + 1)
                session.step(step)
    except Exception as error:
        return _raises(subject, error, how, shapes, dtype, given)
    lost = lost_entries(first, other) if dtype == torch.float64 else []
    apart = distance(other.values(), first.values())
    way = distance(first.values(), [b.double().cpu() for b in begin])
    if dtype == torch.bfloat16 and way < torch.finfo(dtype).eps * size(first.values()):
        message = f"A run {how} hardly moves: its steps are below the spacing of the format."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    relative = apart / way if way else float(apart > 0)
    if relative <= SAME and lost:
        return CheckResult(
            check=ID,
            outcome=Outcome.LIMIT,
            message=f"A run resumed {how} agrees, but its state does not: {', '.join(lost[:3])}.",
            measured=relative,
            scenario={"shapes": shapes, "saved after": BEFORE, "steps after": AFTER},
            **lost_shown(subject, lost, shapes, given),
        )
    if not first.optimizer.state_dict().get("state"):
        how += ", where state_dict() holds no state,"
    answer = _graded(subject, relative, how, changed, shapes, dtype, given)
    if answer.outcome is not Outcome.DEVIATES:
        return answer
    return replace(answer, message=added(answer.message, apart_at_once))


def _repeated(subject: Subject, dtype: torch.dtype, options: Mapping[str, Any]) -> float:
    """Return how far apart two equal runs are that step in turn.

    A package may draw from a generator of its own, which no seed of ours reaches.
    """
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, BEFORE + AFTER, ID, dtype=dtype)
    pair = [subject.open(start, options=options) for _ in range(2)]
    for step in gradients:
        for session in pair:
            seed_everything(subject.seed + 1)
            session.step(step)
    one, two = (session.values() for session in pair)
    way = distance(one, [v.double().cpu() for v in start])
    return distance(one, two) / way if way else 0.0


def _low_precision_rate(subject: Subject, dtype: torch.dtype) -> dict[str, Any]:
    lr = subject.default("lr") if dtype == torch.bfloat16 and subject.accepts("lr") else None
    return {"lr": 0.1} if isinstance(lr, float) and lr < 0.1 else {}


def _other_values(subject: Subject) -> dict[str, Any]:
    """Return other values for numbers that live in the groups, which a checkpoint brings back."""
    group = subject.default_group
    found: dict[str, Any] = {}
    for name, factor in OTHER.items():
        value = group.get(name)
        if isinstance(value, float):
            found[name] = value * factor if name == "lr" else factor
    betas = group.get("betas")
    if isinstance(betas, tuple | list) and all(isinstance(b, float) for b in betas):
        found["betas"] = type(betas)(0.5 * b for b in betas)
    return found


def _raises(
    subject: Subject,
    error: Exception,
    how: str,
    shapes: list[tuple[int, ...]],
    dtype: torch.dtype,
    given: Given,
) -> CheckResult:
    file = "file" in how
    refused = says_so(error) and (not file or meant(error))
    outcome = Outcome.VARIANT if refused else Outcome.LIMIT
    body = (
        "try:\n"
        + indented(given.text(dtype, file=file))
        + ("\nexcept Exception as error:\n    print(type(error).__name__)")
    )
    text = program(subject, body, shapes=shapes, steps=BEFORE + AFTER, stream=(ID,))
    text, why = proven(subject, text, type(error).__name__)
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=f"A run resumed {how} raises {told(error)}.",
        scenario={"shapes": shapes, "saved after": BEFORE, "how": how},
        snippet=text,
        details={"snippet": why} if why else {},
    )


def _graded(
    subject: Subject,
    relative: float,
    how: str,
    changed: list[str],
    shapes: list[tuple[int, ...]],
    dtype: torch.dtype,
    given: Given,
) -> CheckResult:
    message = f"The distance of a run resumed {how} is {relative:.2g} of the way."
    if relative <= SAME:
        return CheckResult(
            check=ID, outcome=Outcome.CONFORMS, message=message, measured=relative, bound=SAME
        )
    same = "hyper-parameters" not in how and inner_precision(subject) == "float64"
    coarse = relative < (SCALARS if same else 1e-3 * (inner_precision(subject) != "float64"))
    narrowed = [c for c in changed if not c.endswith("float32 to float64")]
    if coarse or narrowed or (changed and relative < WIDENED):
        kept = ", ".join(changed[:3]) or "numbers of lower precision inside"
        return CheckResult(
            check=ID,
            outcome=Outcome.NUMERICS,
            message=f"{message[:-1]}: loading rounds the state ({kept}).",
            measured=relative,
            bound=SAME,
            details={"formats changed by loading": changed},
        )
    chance = _repeated(subject, dtype, given.saved)
    if chance > 0.1 * relative:
        return CheckResult(
            check=ID,
            outcome=Outcome.VARIANT,
            message=f"{message[:-1]}; two uninterrupted runs are {chance:.2g} apart: chance.",
            measured=relative,
            bound=SAME,
        )
    body = given.text(dtype)
    if "model" in subject.needs:  # both see the same inputs in the same step
        body = body.replace(LOADED, f"{LOADED}two.bag.count = one.bag.count\n")
    body += "\nprint('distance', gap(new, old, saved))"
    text = program(subject, body, shapes=shapes, steps=BEFORE + AFTER, stream=(ID,))
    text, why = proven(subject, text, relative)
    outcome = Outcome.DEVIATES
    if contradicted(why):
        outcome, message = Outcome.INCONCLUSIVE, f"{message[:-1]}; {why}: chance has a part."
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=relative,
        bound=SAME,
        scenario={"shapes": shapes, "saved after": BEFORE, "steps after": AFTER, "how": how},
        snippet=text,
        details={"snippet": why} if why else {},
    )
