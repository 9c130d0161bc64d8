"""A hybrid's rule for vectors, held against the method that is claimed for them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from torch import Tensor

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.option_names import NAMES, places
from lpfl.conformance.definition.runs import Candidate, total
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.trajectory_verdict import CHECK, in_any_form, judge
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.oracles.base import Convention, Memory, Oracle
from lpfl.conformance.outcomes import CheckResult, Outcome, worst
from lpfl.conformance.subject import Subject

CONSTANTS = {
    "beta1": (0.9, 0.95, 0.8),
    "beta2": (0.999, 0.95, 0.99),
    "eps": (1e-8, 1e-10, 1e-7, 1e-6),
    "momentum": (0.0, 0.9, 0.95),
}
"""What a rule beside another may keep as a constant."""
SAME = 1e-6


def on_vectors(subject: Subject) -> Iterator[CheckResult]:
    """Yield an answer for each claim about vectors alone."""
    for claim in sorted(subject.beside):
        oracle = oracle_of(claim)
        if oracle is not None:
            alone = subject.on_vectors(claim)
            alone.taken = _taken(subject)
            answer = _judged(alone, oracle)
            yield replace(answer, message=f"Vectors and numbers alone: {answer.message}")


def _taken(subject: Subject) -> frozenset[str]:
    """Return the options that the methods for matrices use."""
    methods = [o for claim in subject.spec.claims - subject.beside if (o := oracle_of(claim))]
    return frozenset(p.option for o in methods for p in places(subject, o).values())


def _judged(subject: Subject, oracle: Oracle) -> CheckResult:
    if not any(map(subject.handles, ((3,), (5,)))):
        message = "it takes no weights but matrices."
        return CheckResult(check=CHECK, outcome=Outcome.UNDRIVABLE, message=message)
    answer = in_any_form(oracle, lambda form: at_any_rate(subject, beside_another(form)))
    if answer.outcome is not Outcome.DEVIATES:
        return answer
    other = in_any_form(
        oracle, lambda form: at_any_rate(subject, without(subject, beside_another(form)))
    )
    return answer if other.outcome is Outcome.DEVIATES else other


def without(subject: Subject, oracle: Oracle) -> Oracle:
    """Return a reference whose constants are none of the options that matrices use already."""
    where = places(subject, oracle)
    shared = [n for n in CONSTANTS if n in where and where[n].option in subject.taken]
    return replace(oracle, aliases={**oracle.aliases, **dict.fromkeys(shared, ())})


def at_any_rate(subject: Subject, oracle: Oracle) -> CheckResult:
    """Return the answer about a rule for vectors, which may have a rate of its own."""
    comparison = Comparison(subject, oracle)
    answer = judge(comparison)
    own = own_rate(comparison) if answer.outcome is Outcome.DEVIATES else None
    if own is None:
        return answer
    words, with_rate = own
    other = judge(Comparison(subject, with_rate))
    if other.outcome is Outcome.DEVIATES:
        return answer
    graver = worst([other.outcome, Outcome.VARIANT])
    return replace(other, outcome=graver, message=f"With {words}: {other.message}")


def beside_another(oracle: Oracle) -> Oracle:
    """Return a method as a rule beside another: with own constants, and decay left out or not."""
    options = {n: (oracle.options[n], *CONSTANTS[n]) for n in CONSTANTS if n in oracle.options}
    constants = {
        n: tuple(dict.fromkeys([*oracle.hidden.get(n, ()), *v])) for n, v in options.items()
    }
    free = oracle.departures.get("decayed", frozenset())
    return replace(
        oracle,
        hidden={**oracle.hidden, **constants},
        departures={a: v for a, v in oracle.departures.items() if a != "decayed"},
        variants={**oracle.variants, **({"decayed": free} if free else {})},
    )


def own_rate(comparison: Comparison) -> tuple[str, Oracle] | None:
    """Return the reference with the rate that vectors have, in words too; or None.

    The rate of vectors may be a multiple of lr, or a constant that no option holds. An option
    of their own that names it is kept to.
    """
    place = comparison.where.get("lr")
    if "lr" not in comparison.oracle.options or (place and place.option not in NAMES["lr"]):
        return None
    lr = float(comparison.common.get("lr") or comparison.settled["lr"] or 0.0)
    one, two = first_step(comparison, lr), first_step(comparison, 2 * lr)
    if one == 0 or two == 0:
        return None
    if abs(2 * two - one) <= SAME * one:
        return f"a constant rate of {lr * one:.4g}", rated(comparison.oracle, constant=lr * one)
    if abs(two - one) <= SAME * one and abs(one - 1) > SAME:
        return f"{one:.4g} times lr as rate", rated(comparison.oracle, factor=one)
    return None


def first_step(comparison: Comparison, lr: float) -> float:
    """Return the length of the first step over that of the reference, at this rate; 0 for none."""
    oracle = comparison.oracle
    options = {"lr": lr, **({"weight_decay": 0.0} if "weight_decay" in comparison.where else {})}
    runs = comparison.runs(Scenario(f"first step at lr = {lr}", ((5,),), steps=1, options=options))
    unknown = {n: v[0] for n, v in oracle.hidden.items() if n not in comparison.where}
    for run in runs:
        wanted = total(run.reference(oracle, Candidate(oracle.paper(), unknown))[0])
        return near(total(run.moves()[0]) / wanted) if wanted > 0 else 0.0
    return 0.0


def near(ratio: float) -> float:
    """Return a measured ratio, or the number of four digits that it is but for rounding and eps."""
    short = float(f"{ratio:.4g}")
    return short if abs(short - ratio) <= SAME * ratio else ratio


def rated(oracle: Oracle, *, factor: float = 0.0, constant: float = 0.0) -> Oracle:
    """Return a reference whose rate is ``factor`` times lr, or ``constant``."""

    def rate(lr: float) -> float:
        return constant or factor * lr

    def step(
        weights: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        memory: Memory,
        o: Any,
        c: Convention,
    ) -> list[Tensor]:
        given = vars(o)
        own = SimpleNamespace(**{**given, "lr": rate(o.lr), "first_lr": rate(o.first_lr)})
        return oracle.step(weights, gradients, memory, own, c)

    return replace(oracle, step=step)
