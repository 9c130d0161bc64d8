"""LR-33 without sampling error: a sampled output factor over all its draws."""

from collections.abc import Iterator

import numpy as np

from lpfl.optim.kfac import Kfac
from lpfl.optim.rule import Layer
from lpfl.verify.expect import Same
from lpfl.verify.setups.linear.all_batches.means import wishart
from lpfl.verify.setups.linear.all_batches.runs import stated
from lpfl.verify.tolerance import rounding
from lpfl.verify.trial import Trial, as_numpy

MORE_THAN_RANK = 6  # samples beyond the rank: few, so that one more or less shows
MOST_OUTPUTS = 2


def sampled_factor_of_all_draws(trial: Trial) -> Iterator[Same]:
    """Steps of the rule with a Wishart factor of whitened outputs: their mean and mean square."""
    k = min(int(trial.rank), MOST_OUTPUTS)
    samples = k + MORE_THAN_RANK
    draws = wishart(samples, k, inverse=2)
    eye = trial.tensor(np.eye(k)).expand(len(draws.weights), k, k)
    outputs = trial.tensor(draws.matrices / samples)
    rule = Kfac(step_size=1.0)
    W = 0.0 * eye
    moved, _ = rule.update(W, eye, rule.start(W), Layer(inputs=eye, outputs=outputs))
    steps = -as_numpy(moved)
    first = float(draws.weights @ np.trace(steps, axis1=1, axis2=2)) / k
    second = float(draws.weights @ np.square(steps).sum((1, 2))) / k
    known = {"samples_per_row": 1, "batch_size": samples, "rank": k, "step_size": 0.1}
    tolerance = rounding(trial.dtype, dim=100, condition=100.0)
    for part, measured in (
        ("sampled", 1.0 - 0.1 * first),
        ("sampled_stable", 2.0 * first / second),
    ):
        yield Same(
            part=part,
            measured=measured,
            predicted=stated(trial, part, **known),
            tolerance=tolerance,
            label="mean over all draws of the samples",
        )
