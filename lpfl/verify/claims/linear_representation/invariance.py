"""LR-27: which changes of variables every optimizer commutes with, and which it must not."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lpfl import decide, linalg
from lpfl.decide import Outcome, Verdict
from lpfl.measure.invariance import input_transform_deviation
from lpfl.optim import OPTIMIZERS, Method
from lpfl.verify.check import Check, Finding, Trial
from lpfl.verify.scenario import Scenario
from lpfl.verify.setups import linear as setup
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
    cells = {
        (name, transform): cell(trial, name, row, transform)
        for name, row in ROWS.items()
        for transform in TRANSFORMS
        if transform in row.kept or transform in row.broken
    }
    first, *others = cells.values()
    table = table_of({place: finding.verdict for place, finding in cells.items()}, trial.scenario)
    return [*setup.exact_findings(trial), replace(first, table=table), *others]


def table_of(verdicts: Mapping[tuple[str, str], Verdict], scenario: Scenario) -> dict[str, Any]:
    """Return the table of optimizers x transforms in words, from (name, transform) -> verdict."""
    extra = _steps("soap", scenario) - STEPS
    return {
        "title": "What each optimizer commutes with",
        "header": ["optimizer", *(_spaced(transform) for transform in TRANSFORMS)],
        "rows": [
            [_spaced(name), *(_words(row, t, verdicts.get((name, t))) for t in TRANSFORMS)]
            for name, row in ROWS.items()
        ],
        "note": (
            "Two runs from the same function on the same batches, one of them transformed: the "
            "first three columns map the inputs (x to A x, G to G A⁻¹), the gauge columns change "
            "the basis of the representation (G to R G, F to F R⁻¹). In brackets: how far apart "
            f"the products F G of the two runs are after {STEPS} steps (SOAP: {extra} more, until "
            "its statistics have full rank), in units of the change by training, the larger of "
            f"{REPLICATES} replicates. “invariant”: required, and equal up to rounding. “fails as "
            f"it must”: required to deviate by at least {VISIBLE:g}, and does. “—”: not defined, "
            "as the method orthonormalises the rows of G. First scenario of the run."
        ),
    }


def _words(row: Row, transform: str, verdict: Verdict | None) -> str:
    if verdict is None:
        return "—"
    kept = transform in row.kept
    said = {
        Outcome.CONFIRMED: "invariant" if kept else "fails as it must",
        Outcome.REFUTED: "NOT invariant" if kept else "does NOT fail",
        Outcome.INCONCLUSIVE: "undecided",
    }
    return f"{said[verdict.outcome]} ({_minus(verdict.measured)})"


def _minus(value: float | None) -> str:
    """Return two digits of ``value`` with a minus sign at which no line breaks."""
    return "—" if value is None else f"{value:.2g}".replace("-", "\N{MINUS SIGN}")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _steps(name: str, scenario: Scenario) -> int:
    return STEPS + (int(scenario.input_dim) if name == "soap" else 0)


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
        steps=_steps(name, scenario),
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
    return Finding(_spaced(f"{name}: {transform}"), verdict)


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
