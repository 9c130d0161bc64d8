"""Rows under preconditioning by a power of the curvature (LR-41), measured for five methods."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp

import numpy as np

from lpfl.experiments.core.estimates import Comparison, Estimate, curve, dots, estimate, picture
from lpfl.experiments.core.estimates import verdict as verdict_of
from lpfl.experiments.core.experiment import Options, Say, Section, Table
from lpfl.experiments.variants.truth import Truth, squares
from lpfl.optim import OPTIMIZERS, Method
from lpfl.problems.linear_representation import Weights
from lpfl.problems.linear_representation.moments import sample_moments
from lpfl.seeding import generator
from theory.linear_representation import samples_to_reach
from theory.linear_representation.variants.steps.powers import LR_41, overhead_of

FASTEST = 0.06  # what the fastest mode loses in a step: the law is that of small steps
ROWS = 500
WARM_UP = 100
MEMORY = 0.9999  # decay of the statistics, far longer than the warm-up and the run
MARGIN = 0.12  # of the rows: the noise of the statistics, steps that are not small, d/n
TRUTH = Truth(
    heads=np.array([1.5, 0.9, 0.6]),
    inputs=np.array([1.0, 0.9, 1.1, 2.0, 1.6, 1.0, 0.7, 0.4]),
    output_dim=4,
    accuracy=1e-8,
    start=1e-7,
    rows=1e4,
)


@dataclass(frozen=True)
class Power:
    """A method that divides the gradient by a power of the curvature where noise dominates.

    make(step size, truth): with the scale of the statistics of noise in the step size. fastest:
    what its fastest mode loses in a step.
    """

    name: str
    power: float
    colour: int
    make: Callable[[float, Truth], Method]
    fastest: float = FASTEST


def _adam(step_size: float, truth: Truth) -> Method:
    size = step_size * truth.noise_std / ROWS**0.5
    more = {"beta1": 0.0, "beta2": MEMORY, "epsilon": 1e-30, "head": "frozen"}
    return OPTIMIZERS["adam"](step_size=size, **more)


def _shampoo(exponent: float) -> Callable[[float, Truth], Method]:
    def make(step_size: float, truth: Truth) -> Method:
        spread = float(truth.heads.sum() * truth.inputs.sum())
        size = step_size * (truth.noise_std**2 / ROWS) ** (2 * exponent) * spread**exponent
        more = {"statistics": "average", "averaging": MEMORY, "head": "frozen"}
        return OPTIMIZERS["shampoo"](step_size=size, exponent=exponent, **more)

    return make


POWERS = (
    Power("SGD", 0.0, 1, lambda step, truth: OPTIMIZERS["sgd"](step_size=step, head="frozen")),
    Power("Shampoo, exponent 1/4", 0.25, 6, _shampoo(0.25)),
    Power("Shampoo, exponent 1/2", 0.5, 8, _shampoo(0.5)),
    Power("Adam, diagonal H and Σ", 0.5, 3, _adam, FASTEST / 10),
    Power("KFAC", 1.0, 0, lambda step, truth: OPTIMIZERS["kfac"](step_size=step)),
)


def known(truth: Truth, power: float) -> Mapping[str, float]:
    """Return what LR-41 needs about the modes."""
    return {
        "noise_std": truth.noise_std,
        "batch_size": ROWS,
        "head_power_trace": float((truth.heads**-power).sum()),
        "schur_power_trace": float((truth.schurs**-power).sum()),
    }


def rows_over_bound(power: float, log_ratio: float) -> float:
    """Return the predicted rows over A/accuracy, for ln(start/accuracy)."""
    needed = samples_to_reach(
        power,
        accuracy=TRUTH.accuracy,
        start=TRUTH.accuracy * exp(log_ratio),
        noise_std=TRUTH.noise_std,
        head_eigenvalues=TRUTH.heads,
        schur_eigenvalues=TRUTH.schurs,
    )
    return needed / TRUTH.rows


def run(one: Power, log_ratio: float, options: Options, *, replicates: int) -> Estimate:
    """Run for as many rows as predicted; return the rows over A/ε that the error is worth.

    The accuracy is that of the step size whose fastest mode loses ``fastest`` a step, turned so
    that the steps are a whole number; rows are inversely proportional to the error that is reached.
    """
    overhead = overhead_of(log_ratio)
    slow = float(TRUTH.heads.min() * TRUTH.schurs.min())
    fast = float(TRUTH.heads.max() * TRUTH.schurs.max())
    rate = one.fastest * (slow / fast) ** (1 - one.power)
    steps = ceil((overhead - 1) / (2 * rate))
    step_size = (overhead - 1) / (2 * steps) / slow ** (1 - one.power)
    unit = LR_41["best_step"].number(accuracy=1.0, overhead=overhead, **known(TRUTH, one.power))
    accuracy = step_size / float(unit)
    truth = Truth(
        TRUTH.heads,
        TRUTH.inputs,
        TRUTH.output_dim,
        accuracy,
        accuracy * exp(log_ratio),
        TRUTH.tangent_noise / accuracy,
    )
    problem = truth.problem(replicates, options.device)
    method = one.make(step_size, truth)
    stream = generator(
        options.seed, "variants", "powers", one.name, f"{log_ratio:g}", device=options.device
    )
    solution = Weights(problem.head_star, problem.representation_star)
    weights, memory = solution, method.init(solution)
    for _ in range(WARM_UP):
        weights, memory = method.step(solution, memory, sample_moments(problem, ROWS, stream))
    weights = truth.begin(problem)
    for _ in range(steps):
        weights, memory = method.step(weights, memory, sample_moments(problem, ROWS, stream))
    reached = squares(weights, problem).cpu().numpy() / accuracy
    return estimate(reached * steps * ROWS / truth.rows)


def powers_section(
    options: Options, *, ratios: Sequence[float], replicates: int, say: Say
) -> Section:
    """Return rows over the Cramér-Rao bound against ln(start/accuracy), for five methods."""
    grid = np.linspace(0.5, max(ratios) + 1, 40)
    series, rows, comparisons = [], [], []
    for one in POWERS:
        found = [run(one, L, options, replicates=replicates) for L in ratios]
        say(f"{one.name}: {len(ratios)} accuracies")
        line = [rows_over_bound(one.power, float(L)) for L in grid]
        series.append(curve(one.name, grid, line, one.colour))
        series.append(dots(one.name, ratios, found, one.colour))
        row: list[str | float] = [one.name, one.power]
        for L, value in zip(ratios, found, strict=True):
            predicted = rows_over_bound(one.power, L)
            row += [predicted, value.text]
            where = f"{one.name}, ln(E₀/ε) = {L:g}"
            comparisons.append(Comparison(where, predicted, value, MARGIN * predicted))
        rows.append(row)
    last = ratios[-1]
    worst, best = rows_over_bound(0.0, last), rows_over_bound(1.0, last)
    finding = (
        f"At ln(E₀/ε) = {last:g} small constant steps of SGD need {worst:.1f} times the rows "
        f"of the Cramér-Rao bound, those of KFAC {best:.1f} times; Shampoo and Adam lie between, "
        "in the order of their power."
    )
    text = (
        f"LR-41: d = {TRUTH.input_dim}, k = {TRUTH.rank}, {ROWS} rows a step, start in the slowest "
        "mode. Each method runs at its best constant step size for exactly the rows that theory "
        "gives it, and the error it reaches is turned into rows. Statistics of Adam and Shampoo "
        "were gathered at the solution beforehand: noise dominates them.",
        verdict_of(comparisons, "the rows over the bound"),
    )
    header = ["method", "power θ"]
    for L in ratios:
        header += [f"L = {L:g}", "measured"]
    drawing = picture(
        "Rows over the Cramér-Rao bound",
        "ln(E₀/ε)",
        "rows over A/ε",
        series,
        y_scale="log",
        note="Dotted: prediction. Whiskers: 95 % interval of the mean.",
        wide=True,
    )
    table = Table(header, rows, "Rows over A/ε at L = ln(E₀/ε): predicted, measured")
    return Section("What a power of the curvature costs", finding, text, (drawing,), (table,))
