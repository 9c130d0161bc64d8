"""What a subject does instead, where no convention fits: scale, shape factor or direction."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.precision import UNDETERMINED, amplification
from lpfl.conformance.definition.runs import Candidate, Run, gaps
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.settings import fitting
from lpfl.conformance.oracles.base import Oracle

ALIGNED = 1e-6
SHAPES = ((6, 4), (4, 6), (5, 5), (8, 2), (3, 9), (5,))


@dataclass(frozen=True)
class Diagnosis:
    """A residual in words.

    kind: still, broken, sign, scale, step, shape, place or direction.
    """

    kind: str
    text: str
    reading: Candidate
    run: Run
    step: int
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ratio:
    """Per step: factor of the update on the reference's, and the relative rest."""

    run: Run
    factors: list[float]
    rests: list[float]


def ratio(run: Run, oracle: Oracle, reading: Candidate) -> Ratio:
    """Split each update of a run into a multiple of the reference's and the rest."""
    factors, rests = [], []
    for us, refs in zip(run.moves(), run.reference(oracle, reading), strict=True):
        u = torch.cat([x.reshape(-1) for x in us])
        r = torch.cat([x.reshape(-1) for x in refs])
        size, norm = float(r.dot(r)), float(u.norm())
        c = float(u.dot(r)) / size if size > 0 else 0.0
        factors.append(c)
        rests.append(float((u - c * r).norm()) / norm if norm > 0 else 0.0)
    return Ratio(run, factors, rests)


def readings(comparison: Comparison) -> list[Candidate]:
    """Return the paper's reading and those that differ from it on one axis."""
    oracle = comparison.oracle
    paper = oracle.paper()
    hidden = {n: v[0] for n, v in oracle.hidden.items() if n not in comparison.where}
    found = [Candidate(paper, hidden)]
    for axis, values in oracle.conventions.items():
        faults = oracle.departures.get(axis, frozenset())
        found += [
            Candidate({**paper, axis: value}, hidden, 1)
            for value in values[1:]
            if value not in faults
        ]
    return found


def settings_without_decay(comparison: Comparison) -> Scenario:
    options: dict[str, Any] = {}
    if comparison.common.get("weight_decay"):
        options["weight_decay"] = 0.0
    if comparison.common.get("eps") and comparison.defaults["eps"] is not None:
        options["eps"] = min(comparison.defaults["eps"], comparison.common["eps"])
    steps = fitting(comparison.oracle).steps
    return Scenario("residual", SHAPES, steps=steps, options=options)


def diagnose(comparison: Comparison) -> Diagnosis | None:
    """Return what kind of residual the nearest reading leaves; None if nothing runs."""
    oracle = comparison.oracle
    with_decay = comparison.runs(fitting(oracle))
    runs = comparison.runs(settings_without_decay(comparison))
    if not runs:
        return None
    if all(float(u.norm()) == 0 for run in runs for row in run.moves() for u in row):
        return Diagnosis("still", "it never moves", readings(comparison)[0], runs[0], 1)
    broken = next((run for run in runs if not _finite(run)), None)
    if broken is not None:
        step = next(t for t, row in enumerate(broken.values) if not _all_finite(row))
        text = f"weights of shape {_names([broken])} turn NaN or infinite in step {step}"
        return Diagnosis("broken", text, readings(comparison)[0], broken, step)
    runs = determined(runs, oracle, readings(comparison)[0])
    best, reading = min(
        (
            (_quality(runs, oracle, reading), i, reading)
            for i, reading in enumerate(readings(comparison))
        ),
        key=lambda entry: entry[:2],
    )[0::2]
    split = [ratio(run, oracle, reading) for run in runs]
    if best[0] == 0 and best[-1] < ALIGNED:
        bad = _first_bad(with_decay, oracle, reading)
        if bad is not None:
            plain = settings_without_decay(comparison).options
            held = " and ".join(f"{name} = {value:g}" for name, value in plain.items())
            text = f"with {held} it is right, with other values it is not"
            return Diagnosis("decay", text, reading, *bad)
    right = [r.run for r in split if max(gaps(r.run, r.run.reference(oracle, reading))) < ALIGNED]
    if right and len(right) < len(split) and not oracle.joint:
        wrong = next(r for r in split if r.run not in right)
        text = (
            f"right for weights of shape {_names(right)}, off for "
            f"{_names([r.run for r in split if r.run not in right])}"
        )
        return Diagnosis("place", text, reading, wrong.run, _where(wrong))
    if max(max(r.rests) for r in split) < ALIGNED:
        return _scale(split, reading, comparison)
    worst = max(split, key=lambda r: max(r.rests))
    step = _where(worst)
    late = "from the first step" if step == 1 else f"from step {step}; earlier steps agree"
    text = f"the direction is off by {max(worst.rests):.2g} of the update, {late}"
    numbers = {"rests": worst.rests, "since": f"the direction is off {late}"}
    return Diagnosis("direction", text, reading, worst.run, step, numbers)


def _finite(run: Run) -> bool:
    return all(_all_finite(row) for row in run.values)


def _all_finite(row: Sequence[torch.Tensor]) -> bool:
    return all(bool(x.isfinite().all()) for x in row)


def determined(runs: list[Run], oracle: Oracle, reading: Candidate) -> list[Run]:
    """Return the runs that the definition determines, or all if it determines none."""
    kept = [run for run in runs if max(amplification(oracle, run, reading)) <= UNDETERMINED]
    return kept or runs


def _quality(runs: Sequence[Run], oracle: Oracle, reading: Candidate) -> tuple[int, int, float]:
    """Return (misaligned runs, minus the steps until the first is off, worst distance)."""
    splits = [ratio(run, oracle, reading) for run in runs]
    bad = sum(max(r.rests) >= ALIGNED for r in splits)
    errors = [gaps(run, run.reference(oracle, reading)) for run in runs]
    right = [next((t for t, e in enumerate(row) if not e < ALIGNED), len(row)) for row in errors]
    return bad, -min(right), max(max(row) for row in errors)


def _first_bad(runs: Sequence[Run], oracle: Oracle, reading: Candidate) -> tuple[Run, int] | None:
    for run in runs:
        for t, gap in enumerate(gaps(run, run.reference(oracle, reading)), 1):
            if gap > ALIGNED:
                return run, t
    return None


def _where(split: Ratio) -> int:
    """Return the first step that is off, in direction or, failing that, in size."""
    for t, (c, rest) in enumerate(zip(split.factors, split.rests, strict=True), 1):
        if rest >= ALIGNED or abs(c - 1) >= ALIGNED:
            return t
    return 1


def _names(runs: Sequence[Run]) -> str:
    return ", ".join(" x ".join(map(str, run.shapes[0])) or "()" for run in runs)


def _scale(split: Sequence[Ratio], reading: Candidate, comparison: Comparison) -> Diagnosis:
    """Explain factors on an update whose direction is right."""
    run, step = split[0].run, _where(split[0])
    used = [[c for c in r.factors if c != 0] or [0.0] for r in split]
    flat = [c for row in used for c in row]
    if max(flat) - min(flat) < ALIGNED * max(map(abs, flat)):
        if flat[0] < 0:
            text = f"the update has the wrong sign: {flat[0]:.6g} times the definition's"
            return Diagnosis("sign", text, reading, run, 1, {"factor": flat[0]})
        text = f"every update is {flat[0]:.6g} times the definition's"
        return Diagnosis("scale", text, reading, run, 1, {"factor": flat[0]})
    if all(max(row) - min(row) < ALIGNED * max(map(abs, row)) for row in used):
        return _shape([(r.run, row[0]) for r, row in zip(split, used, strict=True)], reading)
    return _step(split, reading, run, step, comparison)


def _shape(factors: Sequence[tuple[Run, float]], reading: Candidate) -> Diagnosis:
    wide = [(run, c) for run, c in factors if len(run.shapes[0]) == 2 and c > 0]
    numbers = {_names([run]): c for run, c in factors}
    text = "the update is right up to a factor by shape: " + ", ".join(
        f"{name}: {c:.4g}" for name, c in numbers.items()
    )
    if len(wide) > 3:
        m, n = (np.log([run.shapes[0][i] for run, _ in wide]) for i in (0, 1))
        design = np.stack([m, n, np.ones_like(m)], 1)
        target = np.log([c for _, c in wide])
        found, *_ = np.linalg.lstsq(design, target, rcond=None)
        if float(np.abs(design @ found - target).max()) < ALIGNED:
            text = (
                f"the update is {math.exp(found[2]):.4g} rows^{found[0]:.3g} "
                f"columns^{found[1]:.3g} times the definition's"
            )
            numbers |= {"rows": float(found[0]), "columns": float(found[1])}
    return Diagnosis("shape", text, reading, factors[0][0], 1, numbers)


def _step(
    split: Sequence[Ratio], reading: Candidate, run: Run, step: int, comparison: Comparison
) -> Diagnosis:
    """Regress the logarithm of the factor on log(1 - b^t) for every beta, and on log t."""
    factors = np.array(split[0].factors)
    text = f"the update is right up to a factor by step, {factors[0]:.4g} at first"
    numbers: dict[str, Any] = {"factors": factors.tolist()}
    kept = factors > 0
    skipped = int(np.argmax(factors != 0))  # first steps that only fill the statistics
    t = np.arange(1 - skipped, len(factors) + 1 - skipped)[kept]
    columns = {"t": np.log(t)}
    for name, value in split[0].run.options.items():
        weight = name.startswith(("beta", "rho", "alpha", "momentum"))
        if weight and isinstance(value, float) and 0 < value < 1:
            columns[f"1 - {name}^t"] = np.log1p(-(value**t))
    design = np.stack([*columns.values(), np.ones(len(t))], 1)
    if kept.sum() > len(columns) + 2:
        found, *_ = np.linalg.lstsq(design, np.log(factors[kept]), rcond=None)
        if float(np.abs(design @ found - np.log(factors[kept])).max()) < 1e-4:
            powers = {n: round(float(e), 4) for n, e in zip(columns, found, strict=False)}
            text = _powers(math.exp(found[-1]), {n: e for n, e in powers.items() if abs(e) > 1e-3})
            numbers["exponents"] = powers
    return Diagnosis("step", text, reading, run, step, numbers)


def _powers(factor: float, powers: Mapping[str, float]) -> str:
    """Return in words by what a factor departs that is a product of powers."""
    times = [f"({n})^{e:g}" if e != 1 else f"({n})" for n, e in powers.items()]
    first = [] if abs(factor - 1) < 1e-3 else [f"{factor:.4g}"]
    text = f"the update is the definition's times {' '.join([*first, *times])}"
    left_out = {"1 - beta1^t": 1.0, "1 - beta2^t": -0.5}  # the second stands under a root
    said = [
        f"the correction by {name} is {'left out' if powers[name] == e else 'made once more'}"
        for name, e in left_out.items()
        if abs(powers.get(name, 0.0)) == abs(e)
    ]
    return f"{text}: {'; '.join(said)}" if said else text
