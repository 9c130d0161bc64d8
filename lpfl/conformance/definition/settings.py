"""The settings of each definition: one to fit a convention in, all others to hold it against."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.precision import FLOOR
from lpfl.conformance.definition.runs import Candidate, Run, total
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.oracles.base import Oracle

PERIOD = 3
SUMS = re.compile(r"\b1(\.0)?\b[^.]{0,40}\bsum|\bsum\w*[^.]{0,40}\b1(\.0)?\b", re.IGNORECASE)
"""Words by which a weight of the past of 1 stands for a sum."""


def fitting(oracle: Oracle) -> Scenario:
    """Return the setting in which conventions are told apart."""
    shapes = ((5, 5), (6, 4), (4, 6), (5,))
    return determined(oracle, Scenario("options off their defaults", shapes))


def determined(oracle: Oracle, scenario: Scenario) -> Scenario:
    """Return a setting in which bases, where a method has them, are free nowhere that counts."""
    if oracle.free_bases and scenario.profile == "mixed":
        return replace(scenario, profile="narrow")
    return scenario


def holding(comparison: Comparison) -> list[Scenario]:
    """Return the settings in which a fitted convention must hold, likeliest to break it first."""
    quick = comparison.subject.quick
    square = ((6, 4), (5, 5), (5,))
    usual = square if comparison.oracle.free_bases else square[::2]
    found = [
        Scenario("third-order weights", ((3, 4, 5),), steps=6),
        Scenario("convolution kernels", ((4, 3, 2, 2), (8, 2, 1, 3)), steps=6),
        Scenario("a single row or column", ((1, 6), (6, 1)), steps=6),
        Scenario("transposed views", ((6, 4), (4, 3, 2)), steps=6, strided=True),
        Scenario("falling gradients", square, profile="falling"),
        Scenario("growing gradients", square, profile="growing"),
        Scenario("zero entries", square, steps=12, profile="zeros"),
        Scenario("default options", usual, at_defaults=True),
        Scenario("32 x 40", ((32, 40),), steps=4),
    ]
    found += switches(comparison)
    found += asides(comparison)
    found += stand_ins(comparison)
    second = {"lr": 0.02, "weight_decay": 0.03, "eps": 3e-3}
    second = {n: v for n, v in second.items() if comparison.per_group(n)}
    if second and not comparison.oracle.joint:
        found.append(Scenario("two groups of different options", square[1:], second=second))
        found.append(Scenario("two groups of different options", square[:2], second=second))
    decays = "weight_decay" in comparison.where and comparison.common.get("weight_decay")
    plain = {"weight_decay": 0.0} if decays else {}
    if plain:
        found.append(Scenario("no weight decay", square, options=plain))
    found.append(Scenario("small gradients", square, steps=12, profile="small", options=plain))
    found += extremes(comparison, plain)
    if comparison.oracle.sees_weights:
        found.append(Scenario("weights that start at zero", square, steps=6, start=0.0))
    found.append(Scenario("gradients that turn round", square, steps=12, profile="turning"))
    pauses = Scenario("zero gradients now and then", square[1:], steps=12, profile="pauses")
    if all(continuous(comparison, run) for run in comparison.runs(pauses)):
        found.append(pauses)
    if "lr" in comparison.where and not comparison.oracle.fixed.get("lr"):
        later = {7: {"lr": comparison.common.get("lr", 0.05) / 2}}
        found.append(Scenario("lr halved at step 7", square, steps=12, changes=later))
    if "period" in comparison.where:
        found.append(Scenario(f"period {PERIOD}", ((5, 5),), options={"period": PERIOD}))
    if not quick:
        found.append(Scenario("40 steps", ((5,), (5, 5)), steps=40))
        found.append(Scenario("64 x 65", ((64, 65),), steps=3))
    found.append(Scenario("float32", ((6, 4), (5, 5), (5,)), steps=12, dtype=torch.float32))
    return [determined(comparison.oracle, scenario) for scenario in found]


def extremes(comparison: Comparison, options: Mapping[str, Any]) -> list[Scenario]:
    """Return settings in which gradients, or weights, are far from 1.

    Not those of tiny gradients where a constant that the subject does not show decides the steps.
    """
    shapes = ((5, 5), (5,))
    found = [
        Scenario("gradients of 1e8", shapes, steps=6, profile="huge", options=options),
        Scenario("weights of 1e-8", shapes, steps=6, start=1e-8, options=options),
    ]
    tiny = Scenario("gradients of 1e-8", shapes, steps=6, profile="tiny", options=options)
    if all(shown(comparison, run) for run in comparison.runs(tiny)):
        found.append(tiny)
    return found


def shown(comparison: Comparison, run: Run) -> bool:
    """Return whether no epsilon decides a run but those that the subject has as options."""
    oracle = comparison.oracle
    hidden = [n for n in oracle.options if "eps" in n and n not in comparison.where]
    known = {n: v[0] for n, v in oracle.hidden.items()}
    plain = run.reference(oracle, Candidate(oracle.paper(), known))
    for name in hidden:
        given = known.get(name, run.options.get(name, oracle.options[name]))
        other = Candidate(oracle.paper(), {**known, name: 2.0 * given + 1e-12})
        moved = run.reference(oracle, other)
        pairs = [
            (a, b) for u, v in zip(plain, moved, strict=True) for a, b in zip(u, v, strict=True)
        ]
        if not all(torch.allclose(a, b, rtol=FLOOR, atol=0.0, equal_nan=True) for a, b in pairs):
            return False
    return True


def continuous(comparison: Comparison, run: Run) -> bool:
    """Return whether the definition's steps at zero gradients are those at very small ones.

    Where they are not, papers leave open what a zero gradient does.
    """
    oracle = comparison.oracle
    reading = Candidate(oracle.paper(), {n: v[0] for n, v in oracle.hidden.items()})
    first = run.gradients[0]
    tiny = [
        [1e-9 * f if not g.any() else g for f, g in zip(first, row, strict=True)]
        for row in run.gradients
    ]
    exact, near = (r.reference(oracle, reading) for r in (run, replace(run, gradients=tiny)))
    apart = [
        total([a - b for a, b in zip(u, v, strict=True)]) for u, v in zip(exact, near, strict=True)
    ]
    return max(apart) < 1e-6 * max(map(total, exact))


def switches(comparison: Comparison) -> list[Scenario]:
    """Return one setting for each option that is on or off, turned the other way."""
    found = []
    apart = {next(iter(own)) for own in comparison.oracle.asides}
    for name in [n for n in comparison.where if n not in apart]:
        held = comparison.defaults[name]
        both = isinstance(held, bool) and isinstance(comparison.oracle.options[name], bool)
        if both and name not in comparison.oracle.fixed:
            options: dict[str, Any] = {name: not held}
            if name == "nesterov" and "dampening" in comparison.where:
                options["dampening"] = 0.0
            name_of = f"{comparison.where[name].option} = {not held}"
            found.append(Scenario(name_of, ((6, 4), (5,)), options=options, switch=name))
    return [*found, *together(found)]


def asides(comparison: Comparison) -> list[Scenario]:
    """Return the settings of options that show only there, such as a limit that is never met.

    An option must act in the first of its own settings; another one may be at its edge.
    """
    found: list[Scenario] = []
    seen: set[str] = set()
    for options in comparison.oracle.asides:
        name = next(iter(options))
        switch = "" if name in seen else name
        seen.add(name)
        if name in comparison.where and comparison.defaults[name] != options[name]:
            name_of = f"{comparison.where[name].option} = {options[name]}"
            known = {n: v for n, v in options.items() if n in comparison.where}
            profile = "parallel" if comparison.oracle.free_bases else "mixed"
            shapes = ((5, 5), (6, 4), (5,))
            found.append(Scenario(name_of, shapes, options=known, switch=switch, profile=profile))
    return found


def stand_ins(comparison: Comparison) -> list[Scenario]:
    """Return one setting for each option below 0, which stands for another that is off its own."""
    found = []
    for name in comparison.where:
        held = comparison.defaults[name]
        if isinstance(held, int | float) and held < 0 and name in comparison.common:
            name_of = f"{comparison.where[name].option} = {held}"
            found.append(Scenario(name_of, ((5, 5), (5,)), steps=6, options={name: held}))
    optimizer = comparison.runs_optimizer()
    told = optimizer is not None and SUMS.search(documentation(comparison.subject, optimizer))
    if told and comparison.oracle.sums_at_one and "beta2" in comparison.where:
        name_of = f"{comparison.where['beta2'].option} with 1 for the past"
        found.append(Scenario(name_of, ((5, 5), (5,)), steps=6, options={"beta2": 1.0}))
    return found


def together(single: Sequence[Scenario]) -> list[Scenario]:
    """Return the settings of two switches turned at once: one may be lost beside the other."""
    found = []
    for one, two in itertools.combinations(single, 2):
        options = {**two.options, **one.options}
        name = f"{one.name} with {two.name}"
        found.append(Scenario(name, ((5,),), options=options, switch=one.switch))
    return found
