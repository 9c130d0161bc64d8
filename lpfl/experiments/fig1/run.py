"""Figure 1: twelve methods learn a linear representation, side by side."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from lpfl.experiments.core.experiment import Experiment, Options, Part, Say, Section
from lpfl.experiments.fig1 import sections as shown
from lpfl.experiments.fig1.compare import head_to_head
from lpfl.experiments.fig1.methods import ALL
from lpfl.experiments.fig1.plan import Plan, plan_for
from lpfl.experiments.fig1.sweep import LEVEL, NATURAL_RATE, START_TANGENT, sweep
from lpfl.experiments.fig1.sweep_section import sweep_section

Pairs = Sequence[tuple[float, float]]
EMPIRICAL_WORK = 1.0  # of a step of the empirical Fisher matrix, over one of all other methods
SWEEP_WORK = 0.05  # of a step of the sweep's methods at its sizes, over the same
SAYS = (
    "Targets y = F*G*x + noise, model F G x, fresh batches at every step. Shown is how fast each "
    "method finds the row space of G*, first at the learning rates of the paper, then at the best "
    "rate of each method, together with what theory predicts."
)
UNKNOWN = "not known to us"
PAPER = {
    "Sizes": "d = 100, m = 15, k = 8, n = 1024 rows; steps and replicates are not known to us.",
    "Inputs": "x = root of Sigma times independent random signs.",
    "Sigma": "A covariance for training and one for transfer; the family is not known to us.",
    "F* and G*": "A head for training and one for transfer, one G*; their law is not known to us.",
    "Noise": "Gaussian, with a level for training and one for transfer; values not known to us.",
    "Start": UNKNOWN,
    "Losses": "Training loss and subspace distance are shown; the definition of the distance and "
    "how the head of the transfer loss is found are not known to us.",
    "Best rate": "Learning rate 10⁻², and 10⁻⁴ for natural gradient.",
    "Bands": UNKNOWN,
    "Empirical Fisher": "Full second-order methods are far behind KFAC, in rate and stability; "
    "which Fisher matrix is meant is not known to us.",
    "KFAC": "Eq. (5): G moves with the old head, then F at the new G, which has a step size of its "
    "own. Here the head is the least-squares one of the same batch; at these sizes the order "
    "changes the distance by about 1 %.",
}


def settings(options: Options) -> list[tuple[str, str]]:
    """Return what the paper does not say and what this scale leaves out."""
    plan = plan_for(options)
    s = plan.sizes
    low, high = plan.noise_stds
    rows = [
        (
            "Sizes",
            f"d = {s.input_dim}, m = {s.output_dim}, k = {s.rank}, n = {s.batch_size} rows per "
            f"step, {plan.steps} steps, {plan.seeds} replicates. Sizes as in the paper; a "
            "replicate has its own tasks, start and batches, and every method sees the same ones.",
        ),
        ("Inputs", "x = root of Sigma times independent random signs, as in the paper."),
        (
            "Sigma",
            f"Ours: geometric spectrum, mean 1, condition number {s.cov_condition:g}, eigenvectors "
            "uniform. The transfer task has its own, of the same law.",
        ),
        (
            "F* and G*",
            f"Ours: singular values of F* geometric with condition number {s.head_condition:g}, "
            "‖F*‖² = k, bases uniform; rows of G* orthonormal, uniform. The transfer task has "
            "its own F*, and the same G*.",
        ),
        (
            "Noise",
            f"Ours: standard deviation {low:g} per output. There the step of natural gradient with "
            f"the empirical Fisher matrix at 10⁻⁴ is worth 10⁻⁴/{low:g}² = "
            f"{1e-4 / low**2:g} in units of the others (LR-21), which is the learning rate the "
            f"paper gives to them. A comparison at {high:g} follows.",
        ),
        (
            "Start",
            "Ours: rows of G orthonormal and uniform, so that the largest principal angle is "
            "nearly a right angle; F is the least-squares head of these rows on infinite data, the "
            "same for every method.",
        ),
        (
            "Losses",
            "The training loss is the exact excess over the noise, for the head that the method "
            "hands out. The transfer loss is the exact excess of the best new head on the frozen G "
            "given infinite data (LR-26): the noise of the transfer task does not enter it.",
        ),
        (
            "Best rate",
            f"The rate of the grid with the smallest median distance after {plan.steps} steps on "
            f"{plan.tune_seeds} tasks that the comparison does not use. A rate at the end of its "
            "grid is marked in the table.",
        ),
        (
            "Bands",
            "Lines are medians over replicates, bands reach from the 10 % to the 90 % quantile.",
        ),
        (
            "Empirical Fisher",
            f"A step solves a system of size {s.rank * (s.input_dim + s.output_dim)} per "
            f"replicate. This scale runs it for {plan.empirical_steps} steps on "
            f"{plan.empirical_seeds} replicates, and chooses its rate with "
            f"{plan.empirical_tune_seeds} and {plan.empirical_tune_steps} steps.",
        ),
        (
            "Sweep",
            f"d = {plan.sweep_sizes.input_dim}, m = {plan.sweep_sizes.output_dim}, "
            f"k = {plan.sweep_sizes.rank}, {plan.sweep_seeds} replicates, infinite batches, start "
            f"at tangent {START_TANGENT:g}, steps to distance {LEVEL:g} (at most "
            f"{plan.sweep_steps}). KFAC and natural gradient keep the rate {NATURAL_RATE:g} "
            "throughout (at rate 1 one step would do); every other method takes the best rate of a "
            "grid of powers of two at each condition number.",
        ),
    ]
    return rows + [(entrant.name, f"{entrant.setup}.") for entrant in ALL]


def parts(options: Options, say: Say) -> list[Part]:
    """Return the parts of the figure."""
    return parts_of(plan_for(options), seed=options.seed, device=options.device, say=say)


def parts_of(plan: Plan, *, seed: int, device: str, say: Say) -> list[Part]:
    """Return the parts of a plan; shares are steps times replicates, roughly."""
    low, high = plan.noise_stds
    common: dict[str, Any] = {"seed": seed, "device": device, "say": say}
    base = plan.sweep_sizes

    def main() -> list[Section]:
        fixed, tuned, tasks = head_to_head(
            plan, noise_std=low, seeds=plan.seeds, empirical=True, **common
        )
        return [
            shown.fixed_section(fixed),
            shown.tuned_section(tuned, fixed),
            shown.prediction_section(fixed, tuned, tasks, plan.sizes.batch_size),
        ]

    def noisy() -> list[Section]:
        fixed, tuned, _ = head_to_head(
            plan, noise_std=high, seeds=plan.noisy_seeds, empirical=noisy_empirical, **common
        )
        return [shown.noisy_section(fixed, tuned, high)]

    def sweep_over(title: str, conditions: Sequence[float], pairs: Pairs) -> list[Section]:
        outcome = sweep(base, pairs, plan.sweep_seeds, num_steps=plan.sweep_steps, **common)
        return [sweep_section(title, conditions, outcome)]

    noisy_empirical = plan.empirical_seeds >= plan.noisy_seeds
    work = plan.empirical_seeds * plan.empirical_steps * EMPIRICAL_WORK
    of_inputs = [(c, base.head_condition) for c in plan.cov_conditions]
    of_heads = [(base.cov_condition, c) for c in plan.head_conditions]
    per_pair = plan.sweep_seeds * plan.sweep_steps * SWEEP_WORK
    return [
        Part("side by side", main, plan.seeds * plan.steps + work),
        Part("more noise", noisy, plan.noisy_seeds * plan.steps + noisy_empirical * work),
        Part(
            "condition number of Sigma",
            partial(sweep_over, "Sigma", plan.cov_conditions, of_inputs),
            len(of_inputs) * per_pair,
        ),
        Part(
            "condition number of F*",
            partial(sweep_over, "F*", plan.head_conditions, of_heads),
            len(of_heads) * per_pair,
        ),
    ]


FIG1 = Experiment(
    "fig1",
    "Learning a linear representation: twelve optimizers side by side",
    SAYS,
    settings,
    parts,
    PAPER,
)
