"""LR-31 without sampling error: cycles of two, three and four steps over all batches."""

from collections.abc import Iterator

import numpy as np

from lpfl.optim.kfac import kfac
from lpfl.verify.expect import Same
from lpfl.verify.setups.linear.all_batches.factors import same
from lpfl.verify.setups.linear.all_batches.means import Nodes, together, wishart
from lpfl.verify.setups.linear.all_batches.runs import Bench, stated
from lpfl.verify.trial import Trial
from theory.linear_representation import cycle_floor
from theory.linear_representation.variants.factors.stale_cycle import stale_cycle


def exact_cycles(trial: Trial) -> Iterator[Same]:
    """A complement of two dimensions; longer cycles have many nodes, so often of one."""
    yield from cycle(trial, 2, 2)
    yield from cycle(trial, 3, 2 if trial.rank == 2 and trial.long_cycle == 3 else 1)
    yield from cycle(trial, 4, 1)
    yield from given(trial)


def cycle(trial: Trial, length: int, complement: int) -> Iterator[Same]:
    """The factor of the first batch in all steps: mean, mean square and floor."""
    k, eta = int(trial.rank), float(trial.step_size)
    rows = max(int(trial.batch_size), k + complement + 4 * length)
    bench = Bench(trial, k, k + complement, rows)
    first = wishart(rows - k, complement, inverse=2 * length - 1)
    others = [wishart(rows - k, complement, degree=2)] * (length - 1)
    matrices, weights = together([first, *others])
    steps = [(bench.moment(W, rows), None) for W in matrices]
    method = kfac(step_size=eta, factor_every=length)
    kept, noise = bench.kept(method, steps, weights), bench.noise(method, steps, weights)
    named = {"batch_size": rows, "input_dim": bench.input_dim, "rank": k, "step_size": eta}
    said = f"{length} steps, d - k = {complement}"
    if length < 4:
        part = "cycle_of_two" if length == 2 else "cycle_of_three"
        mean = bench.mean(method, steps, weights)
        yield same(bench, part, mean, stated(trial, part, **named), said)
    if length == 2:
        yield same(bench, "cycle_square", kept, stated(trial, "cycle_square", **named), said)
        told = stated(trial, "cycle_floor", **named)
        yield same(bench, "cycle_floor", noise / (1.0 - kept), told, said)
    moments = stale_cycle(length, step_size=eta, **bench.sizes)._asdict()
    told = stated(trial, "square_of_cycle", step_size=eta, cycle_kept=moments["cycle_kept"])
    yield same(bench, "square_of_cycle", kept, told, said)
    told = stated(trial, "floor_of_cycle", step_size=eta, **moments)
    yield same(bench, "floor_of_cycle", noise / (1.0 - kept), told, said)
    public = cycle_floor(factor_every=length, step_size=eta, **bench.sizes)
    yield same(bench, "floor_of_cycle", noise / (1.0 - kept), public, f"the function, {said}")


def given(trial: Trial) -> Iterator[Same]:
    """One old factor that is known, and all batches of a step on it."""
    k, n, eta = int(trial.rank), int(trial.batch_size), float(trial.step_size)
    bench, eigenvalue = Bench(trial, k, k + 1, n), 1.5
    old = Nodes(np.full((1, 1, 1), n / eigenvalue), np.ones(1))
    matrices, weights = together([old, wishart(n - k, 1, degree=2)])
    steps = [(bench.moment(W, n), None) for W in matrices]
    mean = bench.mean(kfac(step_size=eta, factor_every=2), steps, weights) / (1.0 - eta)
    told = stated(trial, "stale_multiplier", stale_eigenvalue=eigenvalue)
    yield same(bench, "stale_multiplier", mean, told)
    told = stated(trial, "stale_stability", stale_eigenvalue=eigenvalue)
    yield same(bench, "stale_stability", 2.0 * eta / (1.0 - mean), told)
