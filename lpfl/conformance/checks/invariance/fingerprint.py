"""inv.fingerprint: which changes of coordinates training feels, and which it must not."""

import math
from collections.abc import Iterable
from dataclasses import replace

from lpfl.conformance.checks.invariance.bound_to_entries import bound_to_entries
from lpfl.conformance.claims import LOSS, PROPERTIES, Pair, Promise, promises
from lpfl.conformance.learning.affine import Cause, cause
from lpfl.conformance.learning.fingerprint import (
    World,
    deviation,
    spent,
    trained_steps,
    variation,
)
from lpfl.conformance.learning.fingerprint_table import (
    CALLS,
    ID,
    LARGE,
    LOSS_FACTOR,
    ORDER,
    SAME_LOSS,
    WORLDS,
    Seen,
    look,
    loss_domain,
)
from lpfl.conformance.learning.inner_rounding import precision
from lpfl.conformance.learning.twin_snippet import twin_program
from lpfl.conformance.outcomes import CheckResult, Outcome, severity
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import proven
from lpfl.conformance.subject import Subject

SMALLER = {2: ((2, 2), (3, 3), (4, 4)), 3: ((2, 2, 2), (3, 2, 4))}
CHANGED = {
    "general": "mixed by a general matrix",
    "rotation": "rotated",
    "scale": "scaled by one factor",
    "diagonal": "scaled one by one",
    "permutation": "permuted",
}
SUPPORTED = (
    "rotation-equivariant",
    "permutation-equivariant",
    "affine-equivariant",
    "gauge-invariant",
    "loss-scale-invariant",
)


@check(ID, tags=("inv",), cost=0.6, control=False)
def fingerprint(subject: Subject) -> Iterable[CheckResult]:
    """Training feels no change of coordinates that the claims exclude."""
    promised = {c: p for c, p in promises(subject.spec.claims).items() if p.keeps or p.breaks}
    seen = look(subject, promised)
    if not seen.values:
        why = "; ".join(f"{w}: {r}" for w, r in seen.refused.items())
        yield CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=f"Not trained: {why}.")
        return
    for claim, promise in promised.items():
        yield _judged(seen, claim, promise)
    yield _profile(seen)


def _judged(seen: Seen, claim: str, promise: Promise) -> CheckResult:
    failed = [(*seen.felt(pair)[0], pair) for pair in promise.keeps if seen.felt(pair)]
    blind = [pair for pair in promise.breaks if seen.holds(pair)]
    kept = [pair for pair in promise.keeps if seen.holds(pair)]
    if failed:
        return _explained(seen, claim, failed)
    if blind:
        side, kind = blind[0]
        where, value = max(seen.telling(blind[0]).items(), key=lambda entry: entry[1])
        text, why = _program(seen.subject, WORLDS[where], blind[0], value)
        return CheckResult(
            check=ID,
            outcome=Outcome.DEVIATES,
            message=f"Training with {spoken(blind[0])} ends only {value:.2g} of its way apart, but "
            f"{claim} is tied to its coordinates and must feel it.",
            measured=value,
            scenario={"claim": claim, "side": side, "transform": kind},
            snippet=text,
            details={"snippet": why} if why else {},
        )
    if not kept and promise.keeps:
        message = f"Rounding and chance hide what {claim} promises: nothing could be told."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    values = [v for pair in kept for v in seen.telling(pair).values()] or [0.0]
    bounds = [seen.bound(w, pair) for pair in kept for w in seen.telling(pair)] or [0.0]
    more = f", and a rotation is felt ({_felt_most(seen, promise):.2g})" if promise.breaks else ""
    return CheckResult(
        check=ID,
        outcome=Outcome.CONFORMS,
        message=f"The largest deviation under the {len(kept)} changes of coordinates that {claim} "
        f"excludes is {max(values):.2g}{more}.",
        measured=max(values),
        bound=max(bounds),
        details={"claim": claim, "kept": sorted(f"{s}: {t}" for s, t in kept)},
    )


def spoken(pair: Pair) -> str:
    """Return a change of coordinates in words, such as "the inputs rotated"."""
    if pair == LOSS:
        return f"a loss {LOSS_FACTOR:g} times as large"
    side = {"inputs": "inputs", "outputs": "outputs", "hidden": "hidden units"}[pair[0]]
    return f"the {side} {CHANGED[pair[1]]}"


def _program(subject: Subject, world: World, pair: Pair, value: float) -> tuple[str, str]:
    """Return the twin's program, executed, or why there is none.

    Deviations at the level of rounding are printed as being below a millionth.
    """
    text = twin_program(subject, world, *pair)
    if not text:
        return "", "the drive has no program"
    if value < 1e-6:
        return proven(subject, f"{text}print('felt:', DEVIATION > 1e-6)\n", "felt: False")
    return proven(subject, text, value)


def _felt_most(seen: Seen, promise: Promise) -> float:
    return max((v for pair in promise.breaks for v, _ in seen.felt(pair)), default=0.0)


def _explained(seen: Seen, claim: str, failed: list[tuple[float, str, Pair]]) -> CheckResult:
    """Grade the deviations by what they come from, one per side; the gravest cause counts."""
    worlds = tuple(WORLDS)
    failed = sorted(failed, key=lambda f: (ORDER.index(f[2][1]), worlds.index(f[1]), -f[0]))
    one_per_side = {entry[2][0]: entry for entry in reversed(failed)}
    causes = [
        (_cause(seen, claim, world, pair), world, pair) for _, world, pair in one_per_side.values()
    ]
    found, world, pair = max(causes, key=lambda entry: severity(entry[0].outcome))
    value = one_per_side[pair[0]][0]
    layers, steps = WORLDS[world].sizes, WORLDS[world].steps
    text, why = "", ""
    if found.outcome is Outcome.DEVIATES:
        small = replace(WORLDS[world], factor=LOSS_FACTOR if pair == LOSS else 1.0)
        if pair != LOSS:
            small, value = _smallest(seen.subject, world, pair, value, seen.bound(world, pair))
        layers, steps = small.sizes, small.steps
        text, why = _program(seen.subject, small, pair, value)
    what = spoken(pair)
    aside = found.outcome is Outcome.CONVENTION
    return CheckResult(
        check=ID,
        outcome=found.outcome,
        message=f"Training with {what} ends {value:.2g} of its way apart, and {claim} must not "
        f"feel it; {found.says}.",
        measured=value,
        bound=seen.bound(world, pair),
        convention={"beside the moments": found.says} if aside else {},
        scenario={
            "claim": claim,
            "side": pair[0],
            "transform": pair[1],
            "layers": layers,
            "steps": steps,
        },
        snippet=text,
        details={**found.details, **({"snippet": why} if why else {})},
    )


def _cause(seen: Seen, claim: str, world: str, pair: Pair) -> Cause:
    subject, where, bound = seen.subject, WORLDS[world], seen.bound(world, pair)
    if pair == LOSS:
        small = variation(subject, where, factor=1e4)
        more = variation(subject, replace(where, factor=1e4), factor=1e6)
        if min(small, more) <= SAME_LOSS:
            return Cause(Outcome.CONVENTION, "eps or damping fades for losses 1e4 times as large")
        return Cause(Outcome.DEVIATES, f"it is {small:.2g} for a loss 1e4 times as large")
    if pair[1] not in ("rotation", "permutation"):
        return cause(subject, where, *pair, bound)
    permuted = seen.holds((pair[0], "permutation")) is False
    tied = bound_to_entries(subject, claim, where, pair, permuted=permuted)
    if tied is not None:
        return tied
    large = LARGE[len(where.sizes)]
    try:
        value, least = deviation(subject, large, *pair), precision(subject, large).bound
    except Exception:
        return Cause(Outcome.DEVIATES, "larger layers cannot be trained")
    if value <= least < 0.2:
        return Cause(Outcome.VARIANT, f"from {large.sizes} on it is {value:.2g}: a gate on sizes")
    return Cause(Outcome.DEVIATES, f"it is {value:.2g} for layers of {large.sizes} too")


def _smallest(
    subject: Subject, world: str, pair: Pair, value: float, bound: float
) -> tuple[World, float]:
    """Return the smallest world in which the deviation is at least a fifth as large."""
    start, given = trained_steps(subject), WORLDS[world]
    for sizes in SMALLER[len(given.sizes)]:
        for steps in (2, 6, given.steps):
            small = replace(given, sizes=sizes, steps=steps, rows=8)
            try:
                seen = deviation(subject, small, *pair)
                least = precision(subject, small).bound
            except Exception:
                break
            if seen >= 0.2 * min(value, 1.0) and seen > 3 * max(least, bound) and seen < math.inf:
                return small, seen
            if spent(subject, start) > CALLS[subject.quick]:
                return given, value
    return given, value


def _profile(seen: Seen) -> CheckResult:
    keeps: dict[str, list[str]] = {}
    feels: dict[str, list[str]] = {}
    table: dict[str, dict[str, float]] = {}
    for world, side, kind in seen.values:
        table.setdefault(f"{side}, {world}", {})[kind] = seen.values[world, side, kind]
    for pair in dict.fromkeys((side, kind) for _, side, kind in seen.values):
        held = seen.holds(pair)
        if held is False or (held and not seen.hidden(pair)):
            (keeps if held else feels).setdefault(pair[0], []).append(pair[1])
    told = lambda pair: seen.holds(pair) and not seen.hidden(pair)  # noqa: E731
    supports = [w for w in SUPPORTED if all(told(p) for p in PROPERTIES[w].keeps)]
    words = "; ".join(f"{side}: {', '.join(kinds)}" for side, kinds in keeps.items()) or "none"
    message = f"The changes of coordinates that training does not feel are {words}."
    details: dict[str, object] = {
        "deviation": table,
        "rounding": seen.bounds,
        "felt": feels,
        "supports": supports,
        "not trained": seen.refused,
    }
    if not seen.subject.quick:
        details["loss within 5 %"] = loss_domain(seen)
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, details=details)
