"""LR-27: which changes of variables every optimizer commutes with, and which it must not."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from lpfl import decide, linalg
from lpfl.invariance import input_transform_deviation
from lpfl.optim import OPTIMIZERS, Method
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.checks import linear_setup as setup
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import Choice, Integers, Reals, ScenarioSpace

STEPS = 4
REPLICATES = 2
VISIBLE = 1e-4  # of the path of training: no rounding, by orders of magnitude
# White inputs and n >= 10 d: Sh, F'F and the squares of A have condition numbers below 1e4.
CONDITION = 1e4
# Shampoo's and SOAP's statistics fill up rank by rank: small eigenvalues on the way.
FILLING_CONDITION = 1e9

INPUTS = ("signed_permutation", "rotation", "general")
TRANSFORMS = (*INPUTS, "gauge_rotation", "gauge")


@dataclass(frozen=True)
class Row:
    """One optimizer of the table: what it commutes with, and what it must be seen to break."""

    make: Callable[[Scenario], Callable[[], Method]]
    kept: tuple[str, ...]
    broken: tuple[str, ...]
    condition: float = CONDITION


def _row(
    name: str,
    kept: tuple[str, ...],
    *,
    stated: tuple[str, ...] = TRANSFORMS,
    condition: float = CONDITION,
    **options: float | str,
) -> Row:
    def make(scenario: Scenario) -> Callable[[], Method]:
        return partial(OPTIMIZERS[name], step_size=scenario.step_size, **options)

    return Row(make, kept, tuple(t for t in stated if t not in kept), condition)


def _soap(scenario: Scenario) -> Callable[[], Method]:
    """SOAP is a function of its inputs once its statistics have full rank on every layer."""
    longest = max(scenario.input_dim, scenario.output_dim)
    warmup = math.ceil(longest / scenario.rank) + 1
    return partial(OPTIMIZERS["soap"], step_size=scenario.step_size, warmup=warmup)


ORTHOGONAL = ("signed_permutation", "rotation", "gauge_rotation")
COORDINATES = ("signed_permutation",)
ROWS = {
    "kfac": _row("kfac", TRANSFORMS),
    "kfac_joint": _row("kfac_joint", TRANSFORMS),
    "kfac_sequential": _row("kfac_sequential", TRANSFORMS),
    "ngd, equivariant gauge": _row("ngd", TRANSFORMS, gauge="equivariant"),
    "foof": _row("foof", (*INPUTS, "gauge_rotation")),
    "ngd": _row("ngd", ORTHOGONAL),
    "ngd_empirical": _row("ngd_empirical", ORTHOGONAL, condition=FILLING_CONDITION),
    "sgd": _row("sgd", ORTHOGONAL),
    "sgd_momentum": _row("sgd_momentum", ORTHOGONAL),
    "shampoo": _row("shampoo", ORTHOGONAL, condition=FILLING_CONDITION),
    "soap": Row(_soap, ORTHOGONAL, ("general", "gauge"), FILLING_CONDITION),
    "muon": _row("muon", ORTHOGONAL),
    "scion": _row("scion", ORTHOGONAL),
    "polyak": _row("polyak", ORTHOGONAL),
    "batch_norm": _row("batch_norm", ORTHOGONAL),
    # Rows are orthonormalised, the head is that of the old rows: F G is not a matter of the gauge.
    "amgd": _row("amgd", ORTHOGONAL[:2], stated=INPUTS),
    "dfw": _row("dfw", ORTHOGONAL[:2], stated=INPUTS),
    "adam": _row("adam", COORDINATES),
    "adamw": _row("adamw", COORDINATES),
    "sign_sgd": _row("sign_sgd", COORDINATES),
}
if missing := set(OPTIMIZERS) - set(ROWS):
    raise ValueError(f"optimizers {sorted(missing)} have no row in the table of invariances")


def measure_invariances(trial: Trial) -> list[Finding]:
    """The exact identities, then one decision per optimizer and transform."""
    findings = setup.exact_findings(trial)
    for name, row in ROWS.items():
        for transform in TRANSFORMS:
            if transform in row.kept or transform in row.broken:
                findings.append(cell(trial, name, row, transform))
    return findings


def cell(trial: Trial, name: str, row: Row, transform: str) -> Finding:
    """Return the deviation of the transformed run: rounding, or at least ``VISIBLE``."""
    scenario = trial.scenario
    deviation = input_transform_deviation(
        row.make(scenario),
        transform=transform,
        input_dim=scenario.input_dim,
        output_dim=scenario.output_dim,
        rank=scenario.rank,
        batch_size=scenario.batch_size,
        noise_std=scenario.noise_std,
        steps=STEPS + (scenario.input_dim if name == "soap" else 0),
        seed=trial.integer_seed("run"),
        replicates=REPLICATES,
        dtype=trial.dtype,
        device=trial.device,
    )
    if transform in row.kept:
        tolerance = linalg.machine_tolerance(
            trial.dtype, dim=scenario.input_dim, condition=row.condition
        )
        verdict = decide.identity(deviation, tolerance=tolerance).with_detail("invariant")
    else:
        verdict = decide.bound(VISIBLE / max(deviation, 1e-300), 1.0, rounding=0.0)
        verdict = replace(verdict, predicted=VISIBLE, measured=deviation)
        verdict = verdict.with_detail("must fail: deviates by at least the predicted value")
    return Finding(f"{name}: {transform}", verdict)


INVARIANCES = Check(
    claim_id="LR-27",
    space=ScenarioSpace(
        axes=(
            Integers("input_dim", 4, 6),
            Integers("rank", 2, 3),
            Integers("output_dim", lambda v: v["rank"], lambda v: v["rank"] + 2),
            Integers("batch_size", lambda v: 10 * v["input_dim"], lambda v: 16 * v["input_dim"]),
            Reals("noise_std", 0.1, 1.0),
            Reals("step_size", 0.05, 0.1),
            Choice("input_law", ("gaussian",)),
        ),
    ),
    measure=measure_invariances,
)
