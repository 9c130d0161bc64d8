"""LR-29 without sampling error: one step, and the floor that it leads to, over all batches."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lpfl.optim.core.method import Method
from lpfl.optim.kfac import kfac
from lpfl.optim.kfac.joint import kfac_joint
from lpfl.verify.expect import Comparison, Same
from lpfl.verify.setups.linear import edges
from lpfl.verify.setups.linear.all_batches.means import Nodes, together, wishart
from lpfl.verify.setups.linear.all_batches.runs import Array, Bench, Step, stated
from lpfl.verify.trial import Trial
from theory.linear_representation import factor_floor, factor_multiplier

FEW_ROWS = 5  # of the factor's batch beyond d: its moments are far from those of many rows
ALL_BATCHES = "mean over all batches"


def exact_factors(trial: Trial, eta: float, *, wide: bool) -> Iterator[Comparison]:
    """Refitted heads with a complement of two dimensions; joint heads with two or three inputs."""
    yield from refitted(trial, eta)
    for rank, input_dim in ((1, 3), (2, 3)) if wide else ((1, 2),):
        yield from joint(trial, eta, rank, input_dim)
    yield edges.of_factor_floors()


def refitted(trial: Trial, eta: float) -> Iterator[Comparison]:
    """Factors of the population, of the batch and of another batch."""
    k, n, n_f = int(trial.rank), int(trial.batch_size), int(trial.factor_rows)
    bench, free = Bench(trial, k, k + 2, n), n - k
    own = wishart(free, 2, degree=2)
    other = wishart(n_f - k, 2, inverse=2)
    eye = Nodes(np.eye(2)[None], np.ones(1))
    method = kfac(step_size=eta, input_factor="separate")
    for source, factor, rows in (("population", eye, 1), ("independent", other, n_f)):
        (S, K), weights = together([own, factor])
        steps: list[Step] = [(bench.moment(S, n), bench.moment(K, rows))]
        more: dict[str, Any] = {"factor_rows": n_f} if source == "independent" else {}
        yield from compared(trial, bench, method, steps, weights, source, eta, more)
    if free > 3:
        batches = wishart(free, 2, inverse=1)
        steps = [(bench.moment(batches.matrices, n), None)]
        plain = kfac(step_size=eta)
        noise = bench.noise(plain, steps, batches.weights)
        yield same(
            bench,
            "same_batch_floor",
            noise / (1.0 - bench.kept(plain, steps, batches.weights)),
            factor_floor("same_batch", step_size=eta, n=n, d=k + 2, k=k),
        )


def compared(
    trial: Trial,
    bench: Bench,
    method: Method,
    steps: list[Step],
    weights: Array,
    source: str,
    eta: float,
    more: dict[str, Any],
) -> Iterator[Same]:
    """Compare multiplier, largest stable step and floor, and what else the population has."""
    prefix = "independent_" if source == "independent" else ""
    known: dict[str, Any] = {"step_size": eta, **bench.sizes, **more}
    sizes = {"batch_size": bench.rows, "input_dim": bench.input_dim, "rank": bench.rank, **more}
    first, kept = bench.mean(method, steps, weights), bench.kept(method, steps, weights)
    noise = bench.noise(method, steps, weights)
    lost = (1.0 - first) / eta
    squares = (kept - 1.0 + 2.0 * eta * lost) / eta**2
    yield same(bench, f"{prefix}multiplier", first, factor_multiplier(source, **known))
    yield same(bench, f"{prefix}floor", noise / (1.0 - kept), factor_floor(source, **known))
    stable = stated(trial, f"{prefix}stability", **sizes)
    yield same(bench, f"{prefix}stability", 2.0 * lost / squares, stable)
    if source == "population":
        told = stated(trial, "mean_square", step_size=eta, **sizes)
        yield same(bench, "mean_square", kept, told)
        yield same(bench, "best_step", lost / squares, stated(trial, "best_step", **sizes))
        left = stated(trial, "no_one_step_solution", **sizes)
        yield same(bench, "no_one_step_solution", 1.0 - lost**2 / squares, left)


def joint(trial: Trial, eta: float, rank: int, input_dim: int) -> Iterator[Same]:
    """Both layers: two coupled mean squares, their floor from the solved recursion."""
    eta, eta_F = eta / 2.0, float(trial.head_step_size) / 2.0
    n, n_f = int(trial.batch_size), input_dim + FEW_ROWS
    bench = Bench(trial, rank, input_dim, n)
    method = kfac_joint(step_size=eta, head_step_size=eta_F, input_factor="separate")
    own, other = wishart(n, input_dim, degree=2), wishart(n_f, input_dim, inverse=2)
    eye = Nodes(np.eye(input_dim)[None], np.ones(1))
    for source, factor, rows in (("population", eye, 1), ("independent", other, n_f)):
        (S, K), weights = together([own, factor])
        steps: list[Step] = [(bench.moment(S, n), bench.moment(K, rows))]
        from_head = bench.squares(bench.linear(method, steps, head=1.0), weights)
        from_tangent = bench.squares(bench.linear(method, steps, tangent=1.0), weights)
        noise = sum(
            bench.squares(bench.linear(method, steps, noise=(0, j)), weights)
            for j in range(input_dim)
        )
        recursion = np.stack([from_head, from_tangent], axis=1)
        settled = np.linalg.solve(np.eye(2) - recursion, noise)[1] / (input_dim - rank)
        more: dict[str, Any] = {"factor_rows": n_f} if source == "independent" else {}
        steps_of = {"step_size": eta, "head_step_size": eta_F, "head": "joint"}
        known: dict[str, Any] = {**steps_of, **bench.sizes, **more}
        part = "joint_floor" if source == "population" else "independent_joint_floor"
        yield same(bench, part, settled, factor_floor(source, **known), f"d = {input_dim}")
        if source == "population":
            talk = stated(
                trial, "cross_talk", step_size=eta, batch_size=n, input_dim=input_dim, rank=rank
            )
            yield same(bench, "cross_talk", from_head[1], talk, f"d = {input_dim}")
        mean = bench.mean(method, steps, weights)
        part = "joint_multiplier" if source == "population" else "independent_multiplier"
        yield same(
            bench, part, mean, factor_multiplier(source, **known), f"both layers, d = {input_dim}"
        )


def same(bench: Bench, part: str, measured: float, predicted: float, more: str = "") -> Same:
    """Compare a mean over all batches with its prediction."""
    label = f"{ALL_BATCHES}, {more}" if more else ALL_BATCHES
    return Same(
        part=part, measured=measured, predicted=predicted, tolerance=bench.tolerance, label=label
    )
