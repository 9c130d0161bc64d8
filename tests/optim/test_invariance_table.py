"""LR-27 judges every optimizer that is found: what it states, states wrongly, or does not state."""

from collections.abc import Callable
from functools import partial
from types import MappingProxyType

import pytest

from lpfl import decide, optim
from lpfl.decide import Outcome
from lpfl.optim import OPTIMIZERS, Method
from lpfl.optim.core.invariances import EVERY, ROTATIONS, SIGNED_PERMUTATIONS
from lpfl.optim.core.method import Memory
from lpfl.problems.linear_representation import Batch, Weights, gradients
from lpfl.results.store import encode_record
from lpfl.verify.check import Finding, Trial, findings_of
from lpfl.verify.registry import CHECKS, CLAIMS
from lpfl.verify.running import runner
from lpfl.verify.running.claim_run import ClaimRun
from lpfl.verify.running.claim_run import observation as record_of
from lpfl.verify.setups.optimizers import invariance


def trial_of(index: int = 0) -> Trial:
    scenario = CHECKS["LR-27"].space.sobol(2, 0)[index]
    return runner.make_trial("LR-27", scenario, seed=0)


def table_in(findings: list[Finding]) -> dict[str, list[str]]:
    (table,) = [f.table for f in findings if f.table is not None]
    return {row[0]: row[1:] for row in table["rows"]}


def without_numbers(cells: list[str]) -> list[str]:
    return [cell.partition(" (")[0] for cell in cells]


def gradient_method(
    *, step_size: float = 0.1, invariances: tuple[str, ...] | None = None
) -> Method:
    """Gradient descent under another name, written as a foreign package would."""

    def step(weights: Weights, memory: Memory, batch: Batch) -> tuple[Weights, Memory]:
        slope = gradients(weights, batch)
        return Weights(*(W - step_size * g for W, g in zip(weights, slope, strict=True))), memory

    return Method("foreign", step, invariances=invariances)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Method]], list[Finding]]:
    """Return what LR-27 finds when SGD and one foreign optimizer are all there is."""

    def findings(factory: Callable[..., Method]) -> list[Finding]:
        found = {"sgd": OPTIMIZERS["sgd"], "foreign": factory}
        monkeypatch.setattr(optim, "OPTIMIZERS", MappingProxyType(found))
        monkeypatch.setattr(invariance, "VARIANTS", {})
        return findings_of(CHECKS["LR-27"], trial_of())

    return findings


def outcomes(findings: list[Finding]) -> dict[str, Outcome]:
    return {f.label: f.verdict.outcome for f in findings if f.label.startswith("foreign")}


def test_an_optimizer_without_a_statement_is_a_row(
    alone: Callable[[Callable[..., Method]], list[Finding]],
) -> None:
    findings = alone(gradient_method)
    assert set(without_numbers(table_in(findings)["foreign"])) == {"not stated"}
    assert not outcomes(findings)
    assert {f.verdict.outcome for f in findings} == {Outcome.CONFIRMED}


def test_a_true_statement_is_confirmed(
    alone: Callable[[Callable[..., Method]], list[Finding]],
) -> None:
    found = outcomes(alone(partial(gradient_method, invariances=ROTATIONS)))
    assert len(found) == len(EVERY)
    assert set(found.values()) == {Outcome.CONFIRMED}


@pytest.mark.parametrize(
    ("stated", "wrong", "said"),
    [
        (EVERY, "foreign: general", "stated, does NOT commute"),
        (SIGNED_PERMUTATIONS, "foreign: rotation", "not stated, COMMUTES"),
        ((), "foreign: rotation", "not stated, COMMUTES"),
    ],
)
def test_a_false_statement_is_refuted(
    alone: Callable[[Callable[..., Method]], list[Finding]],
    stated: tuple[str, ...],
    wrong: str,
    said: str,
) -> None:
    findings = alone(partial(gradient_method, invariances=stated))
    assert outcomes(findings)[wrong] is Outcome.REFUTED
    assert said in without_numbers(table_in(findings)["foreign"])


def raises(**options: float) -> Method:
    raise RuntimeError("no such device")


def fails_in_its_step(*, step_size: float) -> Method:
    def step(*inputs: object) -> None:
        raise RuntimeError("no such device")

    return Method("foreign", step, invariances=EVERY)  # type: ignore[arg-type]


@pytest.mark.parametrize("factory", [raises, fails_in_its_step])
def test_an_optimizer_that_does_not_run_confirms_nothing_and_stops_nothing(
    alone: Callable[[Callable[..., Method]], list[Finding]], factory: Callable[..., Method]
) -> None:
    findings = alone(factory)
    assert table_in(findings)["foreign"] == ["does not run"] * len(EVERY)
    assert outcomes(findings) == {"foreign: does not run": Outcome.INCONCLUSIVE}
    (detail,) = [f.verdict.detail for f in findings if f.label == "foreign: does not run"]
    assert "no such device" in detail
    assert [f for f in findings if f.label == "sgd: rotation"]


def test_an_unknown_change_of_variables_is_refused() -> None:
    with pytest.raises(ValueError, match=r"foreign: invariances name \['shear'\], needs some of"):
        gradient_method(invariances=("rotation", "shear"))


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return findings_of(CHECKS["LR-27"], trial_of())


def test_every_optimizer_is_in_the_table(findings: list[Finding]) -> None:
    words = {name: without_numbers(cells) for name, cells in table_in(findings).items()}
    names = {name.replace("_", " ") for name in (*OPTIMIZERS, *invariance.VARIANTS)}
    assert set(words) == names
    yes, no = "commutes", "does not commute"
    assert words["adam"] == [yes, no, no, no, no]
    assert words["kfac"] == [yes] * 5
    assert words["muon"] == [yes, yes, no, yes, no]
    assert words["amgd"] == [yes, yes, no, "—", "—"]
    assert not [name for name, cells in words.items() if "not stated" in cells]


def test_the_table_goes_into_the_record(findings: list[Finding]) -> None:
    (shown,) = [f for f in findings if f.table is not None]
    record = record_of(trial_of(), shown, illustrated=True)
    encode_record(record)
    assert record["table"] == shown.table


def test_every_cell_says_what_its_finding_measured(findings: list[Finding]) -> None:
    measured = {f.label: f.verdict.measured for f in findings}
    for name, cells in table_in(findings).items():
        for transform, cell in zip(EVERY, cells, strict=True):
            label = f"{name}: {transform.replace('_', ' ')}"
            assert (label in measured) == (cell != "—")
            if label in measured:
                assert cell.endswith(f" ({measured[label]:.2g})".replace("-", "−"))


def test_only_the_first_scenario_keeps_its_table() -> None:
    table = {"title": "t", "header": ["h"], "rows": [["c"]], "note": "n"}
    run = ClaimRun(CLAIMS["LR-27"])
    verdict = decide.identity([0.1], tolerance=1.0, coarsest=2.0)
    for index in range(2):
        run.add(trial_of(index), [Finding("a", verdict, table=table), Finding("b", verdict)])
    assert [record.get("table") for record in run.records()] == [table, None, None, None, None]
