"""SI-10: the spikes of the feature matrix of fresh rows after one large step."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lpfl.problems.links import activation_named
from lpfl.verify.check import check
from lpfl.verify.expect import Comparison, Near, Ordered, Rival, Same
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups.single_index import feature_runs as runs
from lpfl.verify.setups.single_index import gauss_means
from lpfl.verify.setups.single_index import layer as layers
from lpfl.verify.setups.single_index import limiting_cases as cases
from lpfl.verify.setups.single_index import scenarios as setup
from lpfl.verify.space import Choice, Integers, Reals
from lpfl.verify.tolerance import Tolerance, finite_size, judgement, truncation
from lpfl.verify.trial import Trial
from theory.single_index import feature_outliers, spike_count, spike_matrix
from theory.single_index.features import harmonic_formula, harmonic_scale

SEPARATED = 2.0  # a predicted spike this many times the bulk's edge is compared
RELATIVE = 0.03
COORDINATES = (0.3, 0.8, 1.5)  # spike coordinates at which the harmonics are read
DEGREES = 4
QUADRATURE = truncation(1e-3, "40 nodes over the spike coordinate; 2e-4 at the largest spread")
ALPHAS = (0.1, 0.3, 0.41, 0.452)  # between two thresholds each
ABSENT = judgement(0.02, "of the first harmonic: a twentieth of what ReLU's second one has")
ALPHA, FACTOR, GROWTH_SPREAD = 0.45, 3, 1.0  # step n^alpha at two sizes, a factor apart
GROWTH = judgement(0.15, "a third of the distance to a harmonic that does not grow")
STILL = judgement(0.08, "a fifth of the exponent of a harmonic that grows")


def facts(scenario: Scenario) -> dict[str, Any]:
    """Add the strength and whose features are looked at."""
    return {
        **layers.facts(scenario),
        "spike_strength": runs.strength(scenario),
        "feature_data": "fresh",
    }


ANCHORS = (
    layers.scenario(
        128, n=512, width=160, activation="relu", method="sgd", damping=0.1, spread=1.0
    ),
    layers.scenario(
        128, n=512, width=160, activation="relu", method="kfac", damping=0.1, spread=1.2
    ),
    layers.scenario(128, n=512, width=160, method="kfac", damping=0.1, spread=0.8),
)
# The paper's sizes of figure 3.
LARGE = layers.scenario(
    900, n=5000, width=1000, activation="relu", method="kfac", damping=0.1, spread=1.0
)


@check(
    "SI-10",
    (
        Integers("input_dim", 96, 128),
        layers.COVARIANCE,
        Reals("aspect", 0.2, 0.4),
        Choice("link", ("tanh", "erf")),
        layers.NOISE_STD,
        Reals("width_ratio", 1.0, 1.5),
        layers.ACTIVATION,
        layers.METHOD,
        layers.DAMPING,
        Reals("spread", 0.6, 1.4),
    ),
    anchors=ANCHORS,
    large=(LARGE,),
    decisions=10,
    facts=facts,
)
def features(trial: Trial) -> Iterator[Comparison]:
    """Singular values and left vectors of the centred features, the matrix of the harmonics."""
    seen = runs.measured(trial, replicates=runs.replicates(trial.scenario))
    expected = runs.predicted(trial, seen["spread"])
    yield from outliers(trial, seen, expected["outliers"])
    yield from gram(trial, seen, expected)
    yield harmonics(trial)
    yield from by_quadrature(trial)


def outliers(
    trial: Trial, seen: Mapping[str, NDArray[np.float64]], expected: NDArray[np.float64]
) -> Iterator[Comparison]:
    """Position and left vector of every spike that is predicted well outside the bulk."""
    edge, n = float(seen["edge"].mean()), setup.batch_size(trial.scenario)
    for k in range(runs.SPIKES):
        mean = float(expected[:, k].mean())
        if mean < SEPARATED * edge:
            continue
        bulk = (edge / mean) ** 2
        allowed = position_tolerance(trial, k + 1, bulk)
        yield Near(
            part="outlier",
            samples=mean * seen["values"][:, k] / expected[:, k],
            predicted=mean,
            tolerance=allowed.times(mean, "of the position"),
            rival=Rival("edge of the bulk", edge),
            label=f"spike {k + 1}, position",
        )
        yield Near(
            part="outlier",
            samples=seen["span"][:, k],
            predicted=1.0,
            tolerance=allowed + finite_size(bulk / 2, "noise of the bulk in the vector"),
            rival=Rival("a random vector", runs.DEGREE / n),
            label=f"spike {k + 1}, left vector in the span of the harmonics",
        )


def position_tolerance(trial: Trial, k: int, bulk: float) -> Tolerance:
    """Return the relative margin of the k-th spike, ``bulk`` = (edge/spike)^2.

    bulk/2: noise of rank min(n, N) moves a singular value from s^2 to s^2 + (n+N) w + n N w^2/s^2,
    with (n+N) w below the edge's square. 6/N: the mean over N neurons of a heavy-tailed function
    of f_j. (k-1) F^2/2: the remainder of Frobenius ratio F (SI-01) adds F^2 a^2 to the variance of
    a pre-activation of spike coordinate a, which the rule neglects; whitening can double it.
    """
    scenario = trial.scenario
    ratio = layers.remainder_ratio(scenario)
    remainder = (k - 1) * ratio**2 / 2 * (2.0 if scenario["method"] == "kfac" else 1.0)
    return finite_size(
        bulk / 2 + 6.0 / layers.width(scenario) + remainder,
        "bulk/2 + 6/N + the remainder's share in the k-th spike",
    ) + judgement(RELATIVE, "3 % of the position")


def gram(
    trial: Trial,
    seen: Mapping[str, NDArray[np.float64]],
    expected: Mapping[str, NDArray[np.float64]],
) -> Iterator[Comparison]:
    """The first two diagonal entries, from the harmonics of real features (two halves of rows)."""
    first = float(expected["gram"][:, 0].mean())
    for k in range(runs.SPIKES):
        mean = float(expected["gram"][:, k].mean())
        if mean < ABSENT.value * first:
            yield Near(
                part="gram",
                samples=seen["gram"][:, k],
                predicted=mean,
                tolerance=ABSENT.times(first, "the first entry"),
                label=f"entry {k + 1}, absent",
            )
            continue
        # an entry goes as the square of a position; its rows are projected, so no bulk enters
        allowed = position_tolerance(trial, k + 1, 0.0).times(2.0 * mean, "twice, as a square")
        yield Near(
            part="gram",
            samples=seen["gram"][:, k] / expected["gram"][:, k] * mean,
            predicted=mean,
            tolerance=allowed,
            rival=Rival("no harmonic", 0.0),
            label=f"entry {k + 1}",
        )


def harmonics(trial: Trial) -> Same:
    """Read sh_j(a) on a grid of z and t, and by the printed formula from act(scale t)."""
    act = activation_named(trial.scenario.activation).value
    t = torch.linspace(-9.0, 9.0, 1201, dtype=torch.float64, device="cpu")
    weight = torch.exp(-(t**2) / 2) / math.sqrt(2 * math.pi) * float(t[1] - t[0])
    basis = torch.stack([gauss_means.hermite(t, j) for j in range(1, DEGREES + 1)])
    degrees = np.arange(1, DEGREES + 1)
    formula, scale = harmonic_formula(trial.claim), harmonic_scale(trial.claim)
    measured, predicted = [], []
    for a in COORDINATES:
        smoothed = act(t[:, None] + a * t[None, :]).mul(weight[:, None]).sum(0)
        measured.append((basis * weight * smoothed).sum(-1).numpy())
        scaled = (basis * weight * act(float(scale(head_spike=a)) * t)).sum(-1).numpy()
        predicted.append(formula(hermite_coefficient=scaled, degree=degrees, head_spike=a))
    return Same(
        part="harmonic",
        measured=np.array(measured),
        predicted=np.array(predicted),
        scale=1.0,
        tolerance=truncation(1e-4, "the square of the grid's step 0.015 at a kink"),
        label="on a grid",
    )


def by_quadrature(trial: Trial) -> Iterator[Comparison]:
    """The whole matrix of a finite network by grids, its outliers, and how many may grow."""
    width, spread = layers.width(trial.scenario), runs.spread(trial.scenario)
    act = trial.scenario.activation
    own = gauss_means.spike_gram(act, spread=spread, width=width, degrees=DEGREES)
    nu2 = layers.spike_variance(layers.predicted_direction(trial.scenario))
    stated = spike_matrix(
        act,
        spike_strength=runs.strength(trial.scenario),
        spike_variance=nu2,
        width=width,
        harmonics=DEGREES,
    )
    yield Same(
        part="gram",
        measured=own,
        predicted=stated,
        scale=float(own[0, 0]),
        tolerance=QUADRATURE,
        label="every entry, by grids",
    )
    n = setup.batch_size(trial.scenario)
    yield Same(
        part="outlier",
        measured=np.sqrt(n * np.linalg.svd(own, compute_uv=False)),
        predicted=feature_outliers(own, samples=n),
        scale=float(np.sqrt(n * own[0, 0])),
        tolerance=QUADRATURE,
        label="of that matrix",
    )
    grown = [sum(exponent_of(trial, j, x) > 0 for j in range(1, 99)) for x in ALPHAS]
    yield cases.same_function("threshold", np.array([spike_count(x) for x in ALPHAS]), grown)


@features.extra("growth", on=(ANCHORS[0], ANCHORS[2]))
def growth(trial: Trial) -> Iterator[Comparison]:
    """Grow every size by 3 and the step by 3^alpha; follow the outliers over the edge."""
    small = runs.at_spread(trial, 0.5, GROWTH_SPREAD)
    large = runs.at_spread(trial, 0.5 * FACTOR, GROWTH_SPREAD * FACTOR ** (ALPHA - 0.5))
    before, after = (runs.log_heights(one) for one in (small, large))
    exponents = (after - before) / math.log(FACTOR)
    even = trial.scenario.activation == "relu"
    for j in range(1, runs.SPIKES + 1):
        seen = exponents[:, j - 1]
        if j == 2 and not even:
            yield Near(
                part="growth",
                samples=seen,
                predicted=0.0,
                tolerance=STILL,
                rival=Rival("a harmonic that grows", exponent_of(trial, j)),
                label="degree 2, which the activation lacks",
            )
            continue
        limit = exponent_of(trial, j)
        yield Near(
            part="growth",
            samples=seen,
            predicted=limit,
            tolerance=GROWTH,
            rival=Rival("no growth", 0.0),
            label=f"degree {j}",
        )
        sign = float(setup.printed(trial, "threshold", step_exponent=ALPHA, degree=j))
        yield Ordered(
            part="threshold",
            better=sign * seen,
            worse=np.zeros_like(seen),
            slack=finite_size(0.0, "a strict order"),
            label=f"degree {j}, exponent of growth",
        )


def exponent_of(trial: Trial, j: int, alpha: float = ALPHA) -> float:
    """Return the printed exponent of the j-th harmonic at the step n^alpha."""
    return float(setup.printed(trial, "growth", step_exponent=alpha, degree=j))
