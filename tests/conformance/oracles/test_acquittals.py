"""Readings that once looked like defects: each must come out as convention, variant or numerics."""

from typing import Any

import pytest
import torch

from lpfl.conformance.checks.definition.trajectory import trajectory
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.spec import OptimizerSpec
from lpfl.conformance.subject import Subject

HALF = ", bfloat16"


def follower(claim: str, convention: dict[str, str], *, inner: torch.dtype = torch.float64) -> Any:
    """Return an optimizer that follows a reference under a convention, rounding its scalars."""
    oracle = oracle_of(claim)
    assert oracle is not None

    class Follower(torch.optim.Optimizer):
        def __init__(self, params: Any, **options: Any) -> None:
            assert oracle is not None
            super().__init__(params, {**oracle.options, **options})

        @torch.no_grad()
        def step(self, closure: Any = None) -> Any:
            assert oracle is not None
            for group in self.param_groups:
                options = {n: self.rounded(group[n]) for n in oracle.options}
                _, setting, full = oracle.begin(options, convention)
                for p in group["params"]:
                    memory = self.state[p].setdefault("memory", {})
                    p.copy_(oracle.step([p.clone()], [p.grad], memory, setting, full)[0])

        def rounded(self, value: Any) -> Any:
            return float(torch.tensor(value, dtype=inner)) if isinstance(value, float) else value

    return Follower


CASES = [
    ("adopt", {"clip": "t^(1/3)"}, Outcome.CONVENTION),
    ("adopt", {"clip": "none"}, Outcome.CONVENTION),
    ("adopt", {"clip counter": "steps with this one"}, Outcome.CONVENTION),
    ("adafactor", {"factored": "last two axes if both exceed 16"}, Outcome.VARIANT),
    ("adafactor", {"factored": "not factored, as far as 64 x 65 weights tell"}, Outcome.VARIANT),
    ("muon", {"orthogonalisation": "polar express"}, Outcome.CONVENTION),
    ("muon", {"orthogonalisation": "exact polar factor"}, Outcome.CONVENTION),
    (
        "muon",
        {"orthogonalisation": "modded schedule", "shape factor": "sqrt(m/n)"},
        Outcome.CONVENTION,
    ),
    ("muon", {"shape factor": "0.2 sqrt(max(m, n))"}, Outcome.CONVENTION),
    ("shampoo", {"shape": "flattened to a matrix"}, Outcome.CONVENTION),
    (
        "shampoo",
        {"damping": "times the largest eigenvalue", "statistics": "average"},
        Outcome.CONVENTION,
    ),
    ("lars", {"vectors": "no trust ratio"}, Outcome.VARIANT),
    ("radam", {"below the threshold": "no step"}, Outcome.VARIANT),
    ("rmsprop", {"second moment starts at": "one"}, Outcome.CONVENTION),
    ("adam", {"eps": "inside the root"}, Outcome.CONVENTION),
    ("adam", {"eps": "clamp"}, Outcome.CONVENTION),
    ("soap", {"basis": "eigenvectors"}, Outcome.CONVENTION),
    ("lamb", {"bias correction": "none"}, Outcome.DEVIATES),
    ("muon", {"orthogonalised": "raw gradient"}, Outcome.DEVIATES),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{next(iter(c[1].values()))}")
def test_a_named_convention_is_found_and_graded(case: Any) -> None:
    claim, convention, wanted = case
    spec = OptimizerSpec(name=claim, factory=follower(claim, convention), claims=frozenset({claim}))
    (found,) = list(trajectory(Subject(spec, quick=True)))  # type: ignore[arg-type]
    assert found.outcome is wanted, found.message
    if wanted is not Outcome.DEVIATES:
        assert found.convention == convention


def test_scalars_in_single_precision_are_numerics() -> None:
    factory = follower("adam", {}, inner=torch.float32)
    spec = OptimizerSpec(name="adam", factory=factory, claims=frozenset({"adam"}))
    (found,) = list(trajectory(Subject(spec, quick=True)))  # type: ignore[arg-type]
    assert found.outcome is Outcome.NUMERICS, found.message
    assert found.measured is not None
    assert 1e-10 < found.measured < 1e-6
