"""Past the edge of a domain: one axis of a claim is swept, and what happens there is drawn.

What is found here is no verdict. A scenario outside the space, or outside the assumptions of the
claim, is run all the same; the record says so, and no gate or baseline takes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from lpfl.decide import Outcome
from lpfl.linalg.covariance import MAX_LOG10_COND, CovarianceSpec
from lpfl.verify.check import Check, Finding, alpha_per_decision, decided, worst
from lpfl.verify.registry import CHECKS, CLAIMS
from lpfl.verify.running.runner import DTYPES, Plan, noisy_claims
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import Axis, Choice, Covariances, Integers, Reals, ScenarioSpace
from lpfl.verify.trial import Trial

FACTORS = (2.0, 4.0, 8.0)  # past the edges of a logarithmic axis
WHOLE_FACTORS = (1.5, 2.0, 3.0)  # of an axis of whole numbers: sizes, whose cost grows with them
SPANS = (0.5, 1.0, 2.0)  # past the upper edge of a linear axis, in widths of the axis
HALVES = (2.0, 4.0)  # below the lower edge of a linear axis that starts above 0
MORE_LOG10_COND = (0.5, 1.0, 2.0)
NO_NUMBER = "no number"
MOST_STATISTIC = 1e9  # a record holds finite numbers


@dataclass(frozen=True)
class Point:
    """One value of the swept axis: where it lies, and what the deciding finding said.

    inside: within the space that is drawn. outside: assumptions of the claim that do not hold.
    outcome: a word of ``Outcome``, or "no number" where the run ended in an error, told in
    ``detail``. parts: the statistic of each part, 1 is its limit.
    """

    value: float
    inside: bool
    outside: tuple[str, ...]
    outcome: str
    part: str = ""
    predicted: float | None = None
    measured: float | None = None
    statistic: float | None = None
    parts: Mapping[str, float] | None = None
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self) | {"outside": list(self.outside), "parts": dict(self.parts or {})}


def sweepable(space: ScenarioSpace) -> list[Axis]:
    """Return the axes that have something beyond them: a list of words has nothing."""
    return [axis for axis in space.axes if not isinstance(axis, Choice)]


def axis_named(claim_id: str, name: str) -> Axis:
    """Return an axis of a claim's space; raise ValueError naming those that can be swept."""
    axes = {axis.name: axis for axis in sweepable(CHECKS[claim_id].space)}
    if name not in axes:
        raise ValueError(f"beyond={name!r}, {claim_id} needs one of {list(axes)}")
    return axes[name]


def middle(space: ScenarioSpace) -> Scenario:
    """Return the scenario in the middle of every axis."""
    values: dict[str, Any] = {}
    for axis in space.axes:
        values[axis.name] = axis.from_unit([0.5] * axis.width, values)
    return Scenario(values)


def before(space: ScenarioSpace, axis: Axis, base: Scenario) -> dict[str, Any]:
    """Return the values of the axes before ``axis``."""
    names = [one.name for one in space.axes]
    return {name: base[name] for name in names[: names.index(axis.name)]}


def edges(space: ScenarioSpace, axis: Axis, base: Scenario) -> tuple[float, float]:
    """Return the ends of the drawn range; of a covariance those of its condition number."""
    values = before(space, axis, base)
    if isinstance(axis, Integers | Reals):
        low, high = (bound(values) if callable(bound) else bound for bound in (axis.low, axis.high))
        return float(low), float(high)
    return 1.0, spectrum_at(
        base, axis.name, getattr(axis, "max_log10_cond", 0.0)
    ).condition_number()


def stations(space: ScenarioSpace, axis: Axis, base: Scenario) -> list[Any]:
    """Return the values that are tried, ascending: both ends, the middle, and what lies beyond."""
    if isinstance(axis, Covariances):
        most = axis.max_log10_cond
        levels = [0.0, most / 2, most, *(most + more for more in MORE_LOG10_COND)]
        kept = sorted({min(level, MAX_LOG10_COND) for level in levels})
        return [spectrum_at(base, axis.name, level) for level in kept]
    low, high = edges(space, axis, base)
    whole = isinstance(axis, Integers)
    if getattr(axis, "log", False) and low > 0:
        below = [low / factor for factor in FACTORS]
        above = [high * factor for factor in (WHOLE_FACTORS if whole else FACTORS)]
        inside = [low, (low * high) ** 0.5, high]
    else:
        below = [low / half for half in HALVES] if low > 0 else []
        span = max(high - low, 1.0 if whole else abs(high))
        above = [high + share * span for share in SPANS]
        inside = [low, (low + high) / 2, high]
    tried = [*below, *inside, *above]
    if whole:
        return sorted({max(1, round(value)) for value in tried})
    return sorted({float(f"{value:.6g}") for value in tried})


def spectrum_at(base: Scenario, name: str, log10_cond: float) -> CovarianceSpec:
    """Return the covariance of ``base`` at another condition number; the identity has none."""
    spec: CovarianceSpec = base[name]
    family = "geometric" if spec.family == "identity" and log10_cond > 0.0 else spec.family
    return replace(spec, family=family, log10_cond=float(f"{log10_cond:.6g}"))


def scenario_at(space: ScenarioSpace, base: Scenario, axis: Axis, value: Any) -> Scenario:
    """Return ``base`` with another value of ``axis``; later axes keep theirs where it fits."""
    values: dict[str, Any] = {}
    for one in space.axes:
        kept = base[one.name]
        if one.name == axis.name:
            values[one.name] = value
            continue
        if isinstance(one, Covariances):
            kept = replace(kept, dim=values[one.dim_from])
        try:
            one.require(kept, values)
            values[one.name] = kept
        except ValueError:
            values[one.name] = one.from_unit([0.5] * one.width, values)
    return Scenario(values)


def sweep(plan: Plan, axis: Axis, base: Scenario) -> Iterator[Point]:
    """Run the claim of ``plan`` at every station of the axis."""
    (claim_id,) = plan.claim_ids
    check = CHECKS[claim_id]
    for value in stations(check.space, axis, base):
        number = value.condition_number() if isinstance(value, CovarianceSpec) else float(value)
        yield tried(plan, check, axis, base, value, number)


def tried(plan: Plan, check: Check, axis: Axis, base: Scenario, value: Any, number: float) -> Point:
    """Run one value; an error ends the run, and what was decided before it is kept."""
    claim = CLAIMS[check.claim_id]
    inside, detail = False, ""
    outside: tuple[str, ...] = ()
    findings: list[Finding] = []
    trial: Trial | None = None
    try:
        scenario = scenario_at(check.space, base, axis, value)
        inside = within(check.space, scenario)
        outside = tuple(claim.violated(check.facts(scenario)))
        alpha = alpha_per_decision(noisy_claims(), check.decisions)
        trial = Trial(
            claim, scenario, plan.seed, alpha, plan.device, DTYPES[plan.dtype], beyond=True
        )
        for item in check.measure(trial):
            findings.append(decided(item, trial))
    except Exception as error:
        detail = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if trial is not None:
        outside = tuple(dict.fromkeys((*outside, *trial.memory.get("outside", ()))))
    if not findings:
        return Point(number, inside, outside, NO_NUMBER, detail=detail)
    final = worst(findings)
    parts: dict[str, float] = {}
    for finding in findings:
        statistic = min(finding.verdict.statistic, MOST_STATISTIC)
        parts[finding.part] = max(parts.get(finding.part, 0.0), statistic)
    return Point(
        number,
        inside,
        outside,
        final.verdict.outcome.value,
        final.name,
        final.verdict.predicted,
        final.verdict.measured,
        min(final.verdict.statistic, MOST_STATISTIC),
        parts,
        detail,
    )


def within(space: ScenarioSpace, scenario: Scenario) -> bool:
    """Say whether the space draws such scenarios."""
    try:
        space.require(scenario)
    except ValueError:
        return False
    return True


def summary(points: Sequence[Point]) -> str:
    """Return in one sentence up to where the statement held, and where it first did not."""
    held = [p.value for p in points if p.outcome == Outcome.CONFIRMED.value]
    broke = [p.value for p in points if p.outcome == Outcome.REFUTED.value]
    said = [
        f"confirmed at {len(held)} of {len(points)} values"
        + (f", from {min(held):.4g} to {max(held):.4g}" if held else "")
    ]
    if broke:
        said.append(f"refuted at {', '.join(f'{value:.4g}' for value in broke)}")
    for word in (Outcome.INCONCLUSIVE.value, NO_NUMBER):
        at = [f"{p.value:.4g}" for p in points if p.outcome == word]
        said += [f"{word} at {', '.join(at)}"] if at else []
    return "; ".join(said)
