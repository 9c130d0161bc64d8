"""LR-38 without sampling error: the floor as the sum of the squares of a response to noise."""

from lpfl.optim.core.method import Method
from lpfl.problems import linear_representation as model
from lpfl.verify.expect import Same
from lpfl.verify.setups.linear import input_factor as factors
from lpfl.verify.setups.linear.all_batches.means import wishart
from lpfl.verify.setups.linear.all_batches.runs import Bench
from lpfl.verify.trial import Trial, as_numpy
from theory.linear_representation import tangent_floor

ROWS = 6  # with two inputs, n - d - 1 is half of n
FORGOTTEN = 1e-13  # of the sum of the squares, in the last two of them
MOST_STEPS = 5000


def momentum_floor_of_all_batches(trial: Trial, kind: str, method: Method) -> Same:
    """Label noise of one batch, then batches without noise, which contract in the same way."""
    bench = Bench(trial, rank=1, input_dim=2, rows=ROWS)
    batches = wishart(ROWS - 1, 1, inverse=1)
    problem = bench.truth(len(batches.weights))
    weights = model.Weights(problem.head_star, problem.representation_star)
    memory, cov = method.init(weights), bench.moment(batches.matrices, ROWS)
    total, before = 0.0, 1.0
    for t in range(MOST_STEPS):
        batch = bench.batch(problem, cov, 1 if t == 0 else None, bench.small)
        weights, memory = method.step(weights, memory, batch)
        T = as_numpy(factors.tangents_of(problem, weights, small=bench.small))
        last = float(batches.weights @ T[:, 0, 0] ** 2)
        total += last
        # two in a row: what swings passes through 0
        if t > 2 and max(before, last) < FORGOTTEN * total:
            break
        before = last
    stated = tangent_floor(
        "kfac",
        head_eigenvalues=[1.0],
        schur_eigenvalues=[1.0],
        step_size=trial.step_size,
        noise_std=1.0,
        n=ROWS,
        momentum=trial.momentum,
        momentum_kind=kind,
    )
    return Same(
        part=f"{kind}_floor",
        label="mean over all batches",
        measured=total,
        predicted=stated,
        tolerance=bench.tolerance,
    )
