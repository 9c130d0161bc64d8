"""How much of figure 1 a scale runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from lpfl.experiments.core.experiment import Options
from lpfl.experiments.fig1.tasks import Sizes


@dataclass(frozen=True)
class Plan:
    """Sizes, replicates and steps.

    seeds, steps: of the comparison. tune_seeds: tasks on which the best rate is chosen, drawn
    apart from those of the comparison. noise_stds: noise of the main comparison, and of the noisy
    one, which has noisy_seeds. empirical_*: the same for natural gradient with the empirical
    Fisher matrix. sweep_*: of the sweep over condition numbers.
    """

    sizes: Sizes
    seeds: int
    steps: int
    tune_seeds: int
    noise_stds: tuple[float, float]
    noisy_seeds: int
    empirical_seeds: int
    empirical_steps: int
    empirical_tune_seeds: int
    empirical_tune_steps: int
    sweep_seeds: int
    sweep_steps: int
    sweep_sizes: Sizes
    cov_conditions: tuple[float, ...]
    head_conditions: tuple[float, ...]


_SWEEP = Sizes(input_dim=24, output_dim=6, rank=3, cov_condition=10.0, head_condition=2.0)
_QUICK = Plan(
    sizes=Sizes(),
    seeds=10,
    steps=300,
    tune_seeds=2,
    noise_stds=(0.1, 1.0),
    noisy_seeds=4,
    empirical_seeds=2,
    empirical_steps=60,
    empirical_tune_seeds=1,
    empirical_tune_steps=20,
    sweep_seeds=3,
    sweep_steps=600,
    sweep_sizes=_SWEEP,
    cov_conditions=(1.0, 3.0, 10.0, 30.0, 100.0),
    head_conditions=(1.0, 2.0, 4.0, 8.0),
)
PLANS: Mapping[str, Plan] = MappingProxyType(
    {
        "quick": _QUICK,
        "paper": replace(
            _QUICK,
            steps=1000,
            tune_seeds=3,
            noisy_seeds=10,
            empirical_seeds=10,
            empirical_steps=1000,
            empirical_tune_seeds=3,
            empirical_tune_steps=500,
            sweep_seeds=5,
            sweep_steps=3000,
            sweep_sizes=replace(_SWEEP, input_dim=48, output_dim=12, rank=6),
            cov_conditions=(1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
            head_conditions=(1.0, 2.0, 4.0, 8.0, 16.0),
        ),
    }
)


def plan_for(options: Options) -> Plan:
    """Return the plan of a scale; a number of seeds of its own replaces every larger number."""
    plan = PLANS[options.scale]
    if options.seeds is None:
        return plan
    few = options.seeds
    return replace(
        plan,
        seeds=few,
        noisy_seeds=min(few, plan.noisy_seeds) if options.scale == "quick" else few,
        empirical_seeds=min(few, plan.empirical_seeds) if options.scale == "quick" else few,
        sweep_seeds=min(few, plan.sweep_seeds) if options.scale == "quick" else few,
    )
