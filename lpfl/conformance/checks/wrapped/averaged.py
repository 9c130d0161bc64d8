"""Averages of the weights that an optimizer keeps in its state, where an option asks for them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.promised.told_of import told_of, words_of
from lpfl.conformance.checks.wrapped.decay_of_average import turned_over
from lpfl.conformance.checks.wrapped.options import named, wrapping
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

ID = "api.averages"
SHAPES = ((6, 4), (5,), (6, 4))
STEPS, SHORT, LONG = 8, 0.9, 0.999
NAMES = re.compile(r"(^|_)(ema|swa|avg|averag\w*|polyak)(_|$)")
WEIGHTS = re.compile(r"weights?\b|param|iterate|polyak|\bswa\b", re.IGNORECASE)
OTHERWISE = re.compile(
    r"grad|momentum|moment\b|norm\b|ratio|trust|loss|second|square|curvature|hessian|fisher|"
    r"precondition|factor|statistic",
    re.IGNORECASE,
)
"""Words by which something else than weights is averaged."""
FINER = re.compile(r"float_?32|fp32|32[- ]?bits?|full precision|single precision", re.IGNORECASE)
"""Words by which an average is finer than weights in bfloat16; torch's own averages are not."""
LATER = re.compile(
    r"start|after|begin|every|freq|period|interval|delay|warm|epoch|_steps?$|burn|t0|from|offset|tail"
)
"""Names of options by which an average may begin late, and be the weights till then."""
BEGINS = re.compile(
    r"\bsets? in\b|\bbegins?\b|\bstarts?\b|\bfrom step\b|\buntil\b|\btill\b|\blate\b|\bburn|"
    r"\bafter the first\b|\btail\b",
    re.IGNORECASE,
)
BACKUP = re.compile(r"backup|raw|saved|stash|orig|fast", re.IGNORECASE)
"""Names of weights that are kept beside an average."""
BY_AXES = re.compile(r"\b(vectors?|bias(es)?|norms?|matri\w*|kernels?)\b", re.IGNORECASE)
NOT = re.compile(
    r"\b(not|no|never|rather than|instead of|without|than)\b[^.]{0,20}$", re.IGNORECASE
)
CLOSE = 1e-6
Series = list[list[Tensor]]


@dataclass(frozen=True)
class Kept:
    """What a run with the option on kept under one name, beside the weights, after each step."""

    name: str
    averages: Series
    weights: Series
    shares_memory: bool

    def shares(self, i: int) -> list[float]:
        """Return the share of the present weights that the average of weight i took in, by step.

        Empty if it is no average of itself and of the present weights.
        """
        found = []
        for t in range(1, len(self.averages)):
            old, new, now = self.averages[t - 1][i], self.averages[t][i], self.weights[t][i]
            way = now - old
            length = float(way.square().sum())
            share = float((way * (new - old)).sum()) / length if length else 0.0
            left = float((new - old - share * way).norm())
            if not length or left > CLOSE * length**0.5 or not -CLOSE <= share <= 1 + CLOSE:
                return []
            found.append(share)
        return found

    @property
    def is_the_weights(self) -> bool:
        """Whether it is what the weights are, at all times."""
        pairs = zip(self.averages, self.weights, strict=True)
        return all(torch.equal(a, w) for one, two in pairs for a, w in zip(one, two, strict=True))


@check(ID, tags=("api",), cost=0.05, needs=("inject", "params"))
def averages(subject: Subject) -> Iterable[CheckResult]:
    """An average of the weights is none of the weights themselves, and takes in as much of each."""
    held = ""
    for name, on, off in _asked(subject):
        try:
            kept = list(_kept(subject, on, off))
        except Exception:  # the option is refused
            continue
        for average in kept:
            if (answer := _answer(subject, name, on, average)) is not None:
                yield answer
                return
            held = held or (average.name if average.shares(0) else "")
        if held and (stuck := _stuck(subject, name, held)) is not None:
            yield stuck
            return
    if held:
        message = f"The state {held!r} is an average of the weights, of each in like shares."
        yield CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message)


def _asked(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield options that are told to average weights, on and off."""
    for switch in (True, False):
        for name in named(subject, NAMES, switch=switch):
            held = subject.default(name)
            value: Any = True if switch else SHORT
            option = wrapping(subject, name, {name: value}, {name: False if switch else 0.0})
            said = f"{name} {option.said}"
            whole = isinstance(held, int) and not switch and held != 0
            if WEIGHTS.search(said) and not OTHERWISE.search(said) and not whole:
                yield name, option.on, option.off if held else {**option.off, name: held}


def _run(subject: Subject, options: Mapping[str, Any], start: Start, gradients: Gradients) -> Any:
    """Return the weights after each step, and what the state then held of their shapes."""
    weights: Series = []
    states: list[list[dict[str, Tensor]]] = []
    aliased: set[str] = set()

    def look(session: Session, t: int) -> None:
        weights.append([p.detach().double().clone() for p in session.params])
        states.append([])
        for p in session.params:
            state = session.optimizer.state.get(p, {})
            found = {n: v for n, v in state.items() if isinstance(v, Tensor) and v.shape == p.shape}
            states[-1].append({str(n): v.detach().clone() for n, v in found.items()})
            aliased.update(str(n) for n, v in found.items() if v.data_ptr() == p.data_ptr())

    subject.run(start, gradients, options=options, observe=look)
    return weights, states, aliased


def _kept(subject: Subject, on: Mapping[str, Any], off: Mapping[str, Any]) -> Iterator[Kept]:
    """Yield what the state holds of all weights with the option on, and not with it off."""
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    weights, states, aliased = _run(subject, on, start, gradients)
    _, others, _ = _run(subject, off, start, gradients)
    names = set.intersection(*(set(of) for of in (*states[0], *states[-1]))) - others[-1][0].keys()
    for name in sorted(names):
        series = [[of[name].double() for of in step] for step in states]
        yield Kept(name, series, weights, name in aliased)


def _answer(subject: Subject, name: str, on: Mapping[str, Any], kept: Kept) -> CheckResult | None:
    """Return the finding about one entry of the state, if there is one."""
    shown = f"{name}={on[name]!r}"
    waits = any(LATER.search(n) for n in subject.constructor_names - {name})
    late = waits or (BEGINS.search(words_of(subject)) and not kept.shares_memory)
    by_name = NAMES.search(kept.name) or kept.shares_memory
    if BACKUP.search(kept.name):
        return None
    if kept.is_the_weights and by_name and not late:
        why = ": it shares their memory" if kept.shares_memory else ""
        message = f"With {shown} the state {kept.name!r} is at all times what the weights are{why}."
        body = f"""
optimizer, params = begin(start, **{dict(on)!r})
same = []
for g in gradients:
    step(optimizer, params, g)
    same += [torch.equal(optimizer.state[p][{kept.name!r}], p) for p in params]
print('never apart:', all(same))
"""
        return _finding(subject, on, Outcome.DEVIATES, message, (body, "never apart: True"))
    shares = [kept.shares(i) for i in range(len(kept.weights[0]))]
    if not all(shares):
        return None
    shapes = [tuple(value.shape) for value in kept.weights[0]]
    like = [s for s, shape in zip(shares, shapes, strict=True) if shape == shapes[0]]
    shares = like if BY_AXES.search(words_of(subject)) else shares
    apart = max(abs(a - b) for one in shares for a, b in zip(one, shares[0], strict=True))
    if apart <= 1e-3:
        return _backwards(subject, name, on, kept, shares[0])
    message = (
        f"With {shown} the state {kept.name!r} takes in another share of each parameter: in one "
        f"step {apart:.2g} more of one than of another, all of which have had the same steps."
    )
    body = f"""
optimizer, params = begin(start, **{dict(on)!r})
largest = 0.0
for t, g in enumerate(gradients):
    old = [optimizer.state[p][{kept.name!r}].clone() for p in params] if t else []
    step(optimizer, params, g)
    shares = []
    for p, a in zip(params, old):
        way, moved = p.detach() - a, optimizer.state[p][{kept.name!r}] - a
        shares.append(float((way * moved).sum() / (way * way).sum()))
    largest = max(largest, max(shares) - min(shares)) if shares else 0.0
print('difference of shares', largest)
"""
    spread = max(max(row) - min(row) for row in zip(*shares, strict=True))
    return _finding(subject, on, Outcome.DEVIATES, message, (body, spread), measured=apart)


def _backwards(
    subject: Subject, name: str, on: Mapping[str, Any], kept: Kept, shares: list[float]
) -> CheckResult | None:
    """Return the finding that the decay is the share of the present weights in each step."""
    found = turned_over(subject, on, shares)
    if found is None:
        return None
    decay, value = found
    message = (
        f"With {name}={on[name]!r} the state {kept.name!r} takes in {value} of the present weights "
        f"in each step, and {decay}={value} should be left of the old: it is turned over."
    )
    body = f"""
optimizer, params = begin(start, **{dict(on)!r})
shares = []
for t, g in enumerate(gradients):
    old = [optimizer.state[p][{kept.name!r}].clone() for p in params] if t else []
    step(optimizer, params, g)
    for p, a in zip(params, old):
        way, moved = p.detach() - a, optimizer.state[p][{kept.name!r}] - a
        shares.append(float((way * moved).sum() / (way * way).sum()))
print('least share of the present weights', min(shares))
"""
    return _finding(subject, on, Outcome.DEVIATES, message, (body, value), measured=value)


def _stuck(subject: Subject, name: str, state: str) -> CheckResult | None:
    """Return the finding that an average told to be in float32 stays where it began."""
    finer = FINER.search(told := told_of(subject, name))
    denied = finer and NOT.search(told[: finer.start()])
    if isinstance(subject.default(name), bool) or not finer or denied:
        return None
    start, gradients = subject.draw(subject.shapes(*SHAPES), 3 * STEPS, ID, "bfloat16")
    on = wrapping(subject, name, {name: LONG}, {}).on
    start = [1 + v.abs() for v in start]  # where no number is near 0, and rounded more finely
    rate = {"lr": 0.01} if isinstance(subject.default("lr"), float) else {}
    low = [v.bfloat16() for v in start], [[g.bfloat16() for g in row] for row in gradients]
    try:
        fine = _run(subject, {**on, **rate}, start, gradients)
        weights, states, _ = _run(subject, {**on, **rate}, *low)
        moved = [_moved([of[i][state] for of in states]) for i in range(len(start))]
        finely = [_moved([of[i][state] for of in fine[1]]) for i in range(len(start))]
    except Exception:  # bfloat16 is another check's
        return None
    way = min(_moved([w[i] for w in weights]) for i in range(len(start)))
    if max(moved) > 0 or not min(finely) > 0 or way < 1e-2:
        return None
    body = f"""
optimizer, params = begin([(1 + v.abs()).bfloat16() for v in start], **{ {**on, **rate}!r})
seen = []
for g in gradients:
    step(optimizer, params, [x.bfloat16() for x in g])
    seen.append([optimizer.state[p][{state!r}].clone() for p in params])
print('moves:', any(not torch.equal(a, b) for a, b in zip(seen[0], seen[-1])))
"""
    message = (
        f"With {name}={LONG} the state {state!r}, told to be an average in {finer[0]}, does not "
        "move at all for weights in bfloat16: it is kept in their format, where each change "
        "rounds away."
    )
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES,
        message=message,
        measured=0.0,
        bound=0.0,
        scenario={"changed": {**on, **rate}, "dtype": "bfloat16", "steps": 3 * STEPS},
        **evidence(
            subject,
            body,
            "moves: False",
            shapes=subject.shapes(*SHAPES),
            steps=3 * STEPS,
            stream=(ID, "bfloat16"),
        ),
    )


def _moved(series: list[Tensor]) -> float:
    """Return how far a tensor is at the end from where it was after the first step."""
    return float((series[-1].double() - series[0].double()).norm() / series[0].double().norm())


def _finding(
    subject: Subject,
    on: Mapping[str, Any],
    outcome: Outcome,
    message: str,
    proof: tuple[str, float | str],
    *,
    measured: float = 0.0,
) -> CheckResult:
    return CheckResult(
        check=ID,
        outcome=outcome,
        message=message,
        measured=measured,
        bound=0.0,
        scenario={"changed": dict(on), "steps": STEPS},
        **evidence(subject, *proof, shapes=subject.shapes(*SHAPES), steps=STEPS, stream=(ID,)),
    )
