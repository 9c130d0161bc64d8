"""OP-34 and OP-35: scenario spaces, changes of variables, and the deviation of two runs."""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import torch

from lpfl.linalg.covariance import FAMILIES, ROTATIONS
from lpfl.measure import invariance
from lpfl.measure.invariance import NEAR_IDENTITY
from lpfl.optim import OPTIMIZERS
from lpfl.optim.core.method import Method
from lpfl.problems.linear_representation import sample
from lpfl.seeding import generator
from lpfl.verify.check import check
from lpfl.verify.expect import Below, Comparison, Same
from lpfl.verify.oracles import model
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import (
    Choice,
    Covariances,
    Integers,
    Reals,
    ScenarioSpace,
)
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

COUNT = 64
LETTERS = ("a", "b", "c")
WORDS = ("one", "two", "three", "four", "five")
CAP = ("geometric", 1.5)  # a family whose condition number ends earlier, and log10 of its end
TOP = Integers("top", 4, 20)
INPUT_DIM = Integers("input_dim", 3, 6)


@check("OP-34", (TOP,))
def spaces(trial: Trial) -> Iterator[Comparison]:
    """Draw Sobol scenarios of a space with every kind of axis, and look at its ends."""
    trial.admit()
    space = ScenarioSpace(
        (
            Integers("input_dim", 2, trial.top),
            Integers("log_integer", 1, trial.top, log=True),
            Choice("word", WORDS),
            Choice("letter", LETTERS),
            Reals("plain", -1.0, 2.0),
            Reals("far", 0.5, 2.0, easy="high"),
            Reals("log_real", 0.01, 100.0, log=True),
            Covariances(max_log10_cond=3.0),
        )
    )
    drawn, more = (space.sobol(COUNT, trial.integer_seed(name)) for name in ("sobol", "more"))
    exact = rounding(trial.dtype, dim=1)
    specs = [scenario.covariance for scenario in drawn]
    for label, found, asked in (
        ("words", {scenario.word for scenario in drawn}, WORDS),
        ("families", {spec.family for spec in specs}, FAMILIES),
        ("rotations", {spec.rotation for spec in specs}, ROTATIONS),
        ("pairs", {(s.word, s.letter) for s in drawn}, list(product(WORDS, LETTERS))),
        ("scenarios", set(drawn), range(COUNT)),
        ("scenarios of two seeds", {*drawn, *more}, range(2 * COUNT)),
    ):
        yield Same(
            part="choices", measured=len(found), predicted=len(asked), tolerance=exact, label=label
        )
    for name, low in (("input_dim", 2), ("log_integer", 1)):
        values = [scenario[name] for scenario in drawn]
        yield Same(
            part="integers",
            measured=[min(values), max(values)],
            predicted=[low, trial.top],
            tolerance=exact,
            label=name,
        )
    yield from ends(trial, drawn)
    yield from levels(trial, space)


def ends(trial: Trial, drawn: list[Scenario]) -> Iterator[Comparison]:
    """Measure how far from each end of a real axis the scenarios stay."""
    shares = {
        "plain": [(s.plain + 1.0) / 3.0 for s in drawn],
        "far": [(s.far - 0.5) / 1.5 for s in drawn],
        "log_real": [(math.log10(s.log_real) + 2.0) / 4.0 for s in drawn],
        "log10_cond": [
            s.covariance.log10_cond / 3.0 for s in drawn if s.covariance.family != "identity"
        ],
    }
    for name, values in shares.items():
        yield Below(
            part="reals",
            measured=np.array([min(values, default=1.0), 1.0 - max(values, default=0.0)]),
            limit=trial.number("reals"),
            tolerance=rounding(trial.dtype, dim=1),
            label=name,
        )


def levels(trial: Trial, space: ScenarioSpace) -> Iterator[Comparison]:
    """Read the first level of every axis, and the middle one of a logarithmic axis."""
    exact = rounding(trial.dtype, dim=4)
    known = {"input_dim": 2}
    axes = {axis.name: axis for axis in space.axes}
    firsts = {"input_dim": 2, "log_integer": 1, "plain": -1.0, "far": 2.0, "log_real": 0.01}
    for name, easy in firsts.items():
        yield Same(
            part="easy",
            measured=axes[name].from_unit([0.0], known),
            predicted=easy,
            tolerance=exact,
            label=name,
        )
    first = axes["word"].from_unit([0.0], known)
    spec = axes["covariance"].from_unit([0.0] * 4, known)
    place = (FAMILIES.index(CAP[0]) + 0.5) / len(FAMILIES)
    capped = Covariances(max_log10_cond=3.0, caps=(CAP,))
    last = capped.from_unit([place, 1.0, 0.0, 0.0], known)
    yield Below(
        part="reals",
        measured=abs(1.0 - last.log10_cond / CAP[1]),
        limit=trial.number("reals"),
        tolerance=exact,
        label="the end of a family that ends earlier",
    )
    yield Same(
        part="easy",
        measured=[WORDS.index(first), FAMILIES.index(spec.family), ROTATIONS.index(spec.rotation)],
        predicted=[0, 0, 0],
        tolerance=exact,
        scale=1.0,
        label="words",
    )
    yield Same(
        part="middle",
        measured=axes["log_real"].from_unit([0.5], known),
        predicted=trial.number("middle", low_end=0.01, high_end=100.0),
        tolerance=exact,
    )


@check("OP-35", (INPUT_DIM, Integers("copies", 12, 16)))
def transforms(trial: Trial) -> Iterator[Comparison]:
    """Draw every kind of map; follow SGD in two coordinate systems by hand."""
    trial.admit()
    d, R = trial.input_dim, trial.copies
    exact, root = rounding(trial.dtype, dim=4 * d), float(torch.finfo(trial.dtype).eps ** 0.5)

    def draw(kind: str) -> np.ndarray:
        stream = trial.stream(kind)
        return as_numpy(invariance.draw_transform(kind, d, R, stream, dtype=trial.dtype))

    for kind in ("rotation", "permutation", "signed_permutation", "gauge_rotation"):
        A = draw(kind)
        yield Same(
            part="orthogonal",
            measured=np.swapaxes(A, -1, -2) @ A,
            predicted=np.broadcast_to(np.eye(d), A.shape),
            tolerance=exact,
            axes=2,
            label=kind,
        )
        if not kind.endswith("permutation"):
            continue
        sums = np.stack([np.abs(A).sum(axis) for axis in (-1, -2)])
        counts = np.stack([(A != 0.0).sum(axis) for axis in (-1, -2)])
        for label, found in (("sums", sums), ("counts", counts)):
            yield Same(
                part="permutation",
                measured=found,
                predicted=np.ones_like(found),
                tolerance=exact,
                label=f"{kind}, {label}",
            )
        signs = sorted({float(x) for x in A[A != 0.0]})
        yield Same(
            part="signs",
            measured=[len(signs), signs[0], signs[-1]],
            predicted=[1, 1.0, 1.0] if kind == "permutation" else [2, -1.0, 1.0],
            tolerance=exact,
            label=kind,
        )
    scale = draw("scale")
    twice = np.broadcast_to(2.0 * np.eye(d), scale.shape)
    yield Same(part="scale", measured=scale, predicted=twice, tolerance=exact, axes=2)
    for kind in ("diagonal", "general", "gauge", NEAR_IDENTITY):
        A = (draw(kind) - np.eye(d)) / root if kind == NEAR_IDENTITY else draw(kind)
        s = np.linalg.svd(A, compute_uv=False)
        yield Below(
            part="spread",
            measured=2.0 / np.array([1.0 / s.min(), s.max()]),
            limit=trial.number("spread"),
            tolerance=exact if kind != NEAR_IDENTITY else exact.times(1.0 / root, "over it"),
            label=f"{kind}, some singular values below 1 and some above",
        )
        yield Below(
            part="spread",
            measured=np.maximum(s, 1.0 / s).max(-1),
            limit=trial.number("spread"),
            tolerance=exact if kind != NEAR_IDENTITY else exact.times(1.0 / root, "over it"),
            label=kind,
        )
    for kind in ("general", "gauge"):
        yield deviation(trial, kind)
    yield magnified(trial, root)


def magnified(trial: Trial, root: float) -> Comparison:
    """Divide the deviation of a map close to the identity by its distance from it."""
    run: dict[str, Any] = {"steps": 3, "replicates": 2, "seed": 7, "dtype": trial.dtype}

    def factory() -> Method:
        return OPTIMIZERS["sgd"](step_size=0.05)

    moved = invariance.input_transform_deviation(factory, transform=NEAR_IDENTITY, **run)
    return Same(
        part="magnification",
        measured=invariance.magnification(factory, **run),
        predicted=moved / root,
        tolerance=rounding(trial.dtype, dim=1),
    )


def deviation(trial: Trial, kind: str) -> Comparison:
    """Run SGD twice by hand on the same streams and compare the largest deviation."""
    d, R, k, m, n, steps, eta, seed = trial.input_dim, trial.copies, 2, 3, 20, 3, 0.05, 7

    def stream(name: str) -> torch.Generator:
        return generator(seed, "invariance", name)

    measured = invariance.input_transform_deviation(
        lambda: OPTIMIZERS["sgd"](step_size=eta), transform=kind, input_dim=d, output_dim=m,
        rank=k, batch_size=n, steps=steps, seed=seed, replicates=R, dtype=trial.dtype,
    )  # fmt: skip
    problem, start = invariance.draw_run(R, d, m, k, 0.5, stream("problem"), trial.dtype)
    of_gauge = kind == "gauge"
    A = as_numpy(
        invariance.draw_transform(kind, k if of_gauge else d, R, stream(kind), dtype=trial.dtype)
    )
    F, G = (as_numpy(W) for W in start)
    inverse = np.linalg.inv(A)
    twin = model.Layers(F @ inverse, A @ G) if of_gauge else model.Layers(F, G @ inverse)
    ends = []
    for at, through in ((model.Layers(F, G), None), (twin, None if of_gauge else A)):
        rows = stream("rows")
        for _ in range(steps):
            batch = sample(problem, n, rows)
            assert batch.inputs is not None
            assert batch.targets is not None
            X = as_numpy(batch.inputs)
            X = X if through is None else X @ np.swapaxes(through, -1, -2)
            slope = model.slopes(at, model.Rows(X, as_numpy(batch.targets)))
            at = model.Layers(*[W - eta * g for W, g in zip(at, slope, strict=True)])
        whole = at.head @ at.representation
        ends.append(whole if through is None else whole @ through)
    norm = np.linalg.norm
    gaps = norm(ends[1] - ends[0], axis=(-2, -1)) / norm(ends[0] - F @ G, axis=(-2, -1))
    return Same(
        part="deviation",
        measured=measured,
        predicted=gaps.max(),
        tolerance=rounding(trial.dtype, dim=n * steps, condition=64.0,
                           why="epsilon times the rows seen and squared condition numbers"),
        label=kind,
    )  # fmt: skip
