"""Options: each has an effect."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.off_by_default import LATE, off_and_idle
from lpfl.conformance.checks.promised.reached import acts_once_reached
from lpfl.conformance.checks.wrapped.rounds import rounds_that_run_out
from lpfl.conformance.definition.alternatives import ROUNDS, alternatives
from lpfl.conformance.definition.option_names import NAMES
from lpfl.conformance.oracles import layer_oracle_of, oracle_of
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.signatures import own_update
from lpfl.conformance.snippets import program, proven
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import distance

JUDGED = (
    "weight_decay", "momentum", "betas", "beta", "beta1", "beta2", "damping", "amsgrad", "nesterov",
    *ROUNDS,
)  # fmt: skip
"""Options that always matter; others may rightly do nothing beside the defaults."""
PLUMBING = frozenset({"foreach", "fused", "capturable", "differentiable", "maximize"})
VISIBLE = 1e-7
STEPS = 14


@check("api.options", tags=("api",), cost=0.5)
def options(subject: Subject) -> Iterable[CheckResult]:
    """Each option has an effect well above rounding, off by default or above its default."""
    answer = _options(subject)
    yield answer
    if answer.outcome not in FINDINGS:
        yield from filter(None, (off_and_idle(subject), rounds_that_run_out(subject)))


def _options(subject: Subject) -> CheckResult:
    check_id = "api.options"
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, STEPS, check_id)
    base = strong(subject)
    effects = {}
    plain = subject.run(start, uneven(gradients), options=base)
    for name, changed in _changes(subject).items():
        other = subject.run(start, uneven(gradients), options={**base, **changed})
        way = max(plain.displacement(), other.displacement())
        if way:  # where nothing moves, an option cannot show
            effects[name] = distance(plain.end, other.end) / way
    if not _changes(subject):
        message = "Not judged: no option has a second value that is known to be allowed."
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)
    if not effects:
        message = f"Not judged: nothing moves in {STEPS} steps, so that no option can show."
        return CheckResult(check=check_id, outcome=Outcome.INCONCLUSIVE, message=message)
    judged = _judged(subject)
    idle = [n for n, e in effects.items() if e <= VISIBLE and n.partition("[")[0] in judged]
    for name in idle:
        effects[name] = max(effects[name], _on_a_loss(subject, base, _changes(subject)[name]))
    idle = [n for n in idle if effects[n] <= VISIBLE]
    for name in idle:
        effects[name] = _by_own_update(subject, base, _changes(subject)[name])
    idle = [n for n in idle if effects[n] <= VISIBLE]
    for name in idle:
        effects[name] = _later_or_at_one(subject, base, _changes(subject)[name])
    changes = _changes(subject)
    idle = [
        name
        for name in idle
        if effects[name] <= VISIBLE and not acts_once_reached(subject, base, changes[name])
    ]
    if not idle:
        least = min((e for n, e in effects.items() if n.partition("[")[0] in judged), default=1.0)
        message = f"The smallest effect of an option that matters is {least:.2g} of the way."
        return CheckResult(
            check=check_id,
            outcome=Outcome.CONFORMS,
            message=message,
            measured=least,
            details={"effects": effects},
        )
    name = idle[0]
    changed = _changes(subject)[name]
    body = f"""{UNEVEN_TEXT}
a = run(start, gradients, **{base | dict(changed)!r})
b = run(start, gradients, **{base!r})
print('acts:', gap(a, b, start) > {VISIBLE})
"""
    text = program(subject, body, shapes=shapes, steps=STEPS, stream=(check_id,))
    text, why = proven(subject, text, "acts: False")
    gate = _gate(subject, base, changed)
    said = f"it acts only with {gate}" if gate else "it is not used"
    return CheckResult(
        check=check_id,
        outcome=Outcome.LIMIT if gate else _grade(subject, name),
        message=f"The effect of {name} is {effects[name]:.2g} of the way: {said}.",
        measured=effects[name],
        bound=VISIBLE,
        scenario={"changed": dict(changed), "options": base, "steps": STEPS},
        snippet=text,
        details={"effects": effects, "idle": idle, **({"snippet": why} if why else {})},
    )


def _judged(subject: Subject) -> set[str]:
    """Return the options that matter and that the constructor offers; others are inner entries."""
    offered = subject.constructor_names
    judged = {name for name in JUDGED if subject.hides_options or name in offered}
    return judged if subject.default("momentum") else judged - {"nesterov"}


def squares(pairs: Sequence[tuple[torch.Tensor, torch.Tensor]], weight: float) -> torch.Tensor:
    """Return the loss weight * sum (p - target)^2 over (parameter, target)."""
    parts = [((p - target.to(p)) ** 2).sum() for p, target in pairs]
    return weight * torch.stack(parts).sum()


def _on_a_loss(subject: Subject, base: Mapping[str, Any], changed: Mapping[str, Any]) -> float:
    """Return the effect where the gradient is taken at the optimizer's own point.

    A method may move only the point of the gradient, which prescribed gradients cannot see, or
    average curvatures, which show where they change from step to step.
    """
    if "model" in subject.needs:
        return 0.0
    start, targets = subject.draw(subject.shapes((6, 4), (5,)), STEPS, "api.options", "loss")
    ends = []
    for options in (base, {**base, **changed}):
        session = subject.open(start, options=options)
        for t, row in enumerate(targets):
            pairs = list(zip(session.params, row, strict=True))
            session.advance(partial(squares, pairs, 1.0 + t % 3))
        ends.append(session.values())
    way = max(distance(end, start) for end in ends)
    return distance(*ends) / way if way else 0.0


def _by_own_update(subject: Subject, base: Mapping[str, Any], changed: Mapping[str, Any]) -> float:
    """Return the effect where the loop calls the method that updates the curvature, if any."""
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), STEPS, "api.options")
    ends = []
    for options in (base, {**base, **changed}):
        session = subject.open(start, options=options)
        method = own_update(session.optimizer)
        if not method:
            return 0.0
        for row in uneven(gradients):
            session.step(row)
            getattr(session.optimizer, method)()
        ends.append(session.values())
    way = max(distance(end, start) for end in ends)
    return distance(*ends) / way if way else 0.0


def _later_or_at_one(
    subject: Subject, base: Mapping[str, Any], changed: Mapping[str, Any]
) -> float:
    """Return the effect in a run of many more steps, or of a single round of an iteration."""
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), STEPS, "api.options")
    rows = [uneven(gradients)[t % STEPS] for t in range(LATE)]
    once = dict.fromkeys((n for n in changed if n in ROUNDS), 1)
    trials = [({**base, **changed}, rows), *([({**base, **once}, rows[:STEPS])] if once else [])]
    found = [0.0]
    for options, some in trials:
        try:
            plain, other = (subject.run(start, some, options=o) for o in (base, options))
        except Exception:  # a value, or so long a run, is refused
            continue
        way = max(plain.displacement(), other.displacement())
        if way and plain.finite and other.finite:
            found.append(distance(plain.end, other.end) / way)
    return max(found)


def _gate(subject: Subject, base: Mapping[str, Any], changed: Mapping[str, Any]) -> str:
    """Return the switch of the constructor that lets an idle option act; empty if there is none."""
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), STEPS, "api.options")
    for name in sorted(subject.constructor_names - set(changed) - PLUMBING):
        held = subject.default(name)
        if not isinstance(held, bool):
            continue
        switched = {**base, name: not held}
        try:
            plain = subject.run(start, uneven(gradients), options=switched)
            other = subject.run(start, uneven(gradients), options={**switched, **changed})
        except Exception:
            continue
        if plain.finite and distance(plain.end, other.end) > VISIBLE * plain.displacement():
            return f"{name}={not held}"
    return ""


def _grade(subject: Subject, name: str) -> Outcome:
    """Grade an idle option: it deviates if a claimed method has it.

    A beta that the method can do without, or an option beside the claims, rests in a signature.
    """
    known = {name, *(own for own, texts in NAMES.items() if name in texts)}
    claimed = [
        o for claim in subject.spec.claims if (o := oracle_of(claim) or layer_oracle_of(claim))
    ]
    parts = [
        {n for n, value in oracle.options.items() if value or not name.startswith("beta")}
        for oracle in claimed
    ]
    return Outcome.DEVIATES if any(known & part for part in parts) else Outcome.LIMIT


def strong(subject: Subject) -> dict[str, Any]:
    """Return a rate at which weight decay shows."""
    rate = subject.default("lr")
    small = isinstance(rate, float) and 0 < rate < 0.01
    return {"lr": 0.01} if small and subject.accepts("lr") else {}


def _changes(subject: Subject) -> dict[str, Mapping[str, Any]]:
    """Return option (or entry of a pair) -> the options that change it."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, value in alternatives(subject).items():
        if isinstance(value, tuple):
            old = subject.default(name)
            for i in range(len(value)):
                one = tuple(value[i] if j == i else old[j] for j in range(len(value)))
                if one != tuple(old):
                    found[f"{name}[{i}]"] = {name: one}
        elif name != "lr":
            found[name] = {name: value}
    return found
