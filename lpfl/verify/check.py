"""A check: one claim, the space it is drawn from, and how one scenario is measured."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.decide import Outcome, Verdict
from lpfl.linalg.covariance import CovarianceSpec
from lpfl.seeding import derive_seed, generator
from lpfl.verify.scenario import Scenario
from lpfl.verify.space import ScenarioSpace
from theory.core.claim import Claim

ALPHA_TOTAL = 1e-4
MAX_SCENARIOS = 256  # more than any profile evaluates for one claim: 200 drawn plus anchors


@dataclass(frozen=True)
class Trial:
    """One scenario of one claim, with everything a measurement may depend on."""

    claim: Claim
    scenario: Scenario
    seed: int
    alpha: float
    device: str = "cpu"
    dtype: torch.dtype = torch.float64

    def stream(self, *name: str | int) -> torch.Generator:
        """Return the random stream ``name`` of this claim and scenario, on the device."""
        path = (self.claim.id, self.scenario.canonical(), *name)
        return generator(self.seed, *path, device=self.device)

    def integer_seed(self, *name: str | int) -> int:
        """Return a seed for code that takes integers (the exact readings)."""
        return derive_seed(self.seed, self.claim.id, self.scenario.canonical(), *name) >> 24

    def tensor(self, values: Any) -> Tensor:
        """Return ``values`` on the device in the run's dtype."""
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)


@dataclass(frozen=True)
class Finding:
    """One decision about one part of a claim in one scenario.

    table: {"title", "header": texts, "rows": lists of texts, "note"}, the note if there is one.
    """

    part: str
    verdict: Verdict
    picture: Mapping[str, Any] | None = None
    table: Mapping[str, Any] | None = None


def default_facts(scenario: Scenario) -> dict[str, Any]:
    """Return what assumptions can be evaluated on: the fields, and what follows from them.

    A scenario without a field for damping, noise or covariance has none of it.
    """
    facts: dict[str, Any] = {"damping": 0.0, "noise_std": 0.0, "condition_number": 1.0}
    facts |= {
        name: value for name, value in scenario.items() if not isinstance(value, CovarianceSpec)
    }
    covariance = scenario.get("covariance")
    if isinstance(covariance, CovarianceSpec):
        facts["condition_number"] = covariance.condition_number()
    if "head_log10_cond" in facts:
        flat = scenario.get("rank", 2) == 1
        facts["head_condition_number"] = 1.0 if flat else 10.0 ** facts["head_log10_cond"]
    return facts


@dataclass(frozen=True)
class Check:
    """How a claim is confronted with runs.

    measure(trial) -> findings. decisions: how many of them are statistical (each gets an equal
    share of the error budget). facts(scenario): what the claim's assumptions are evaluated on.
    """

    claim_id: str
    space: ScenarioSpace
    measure: Callable[[Trial], Sequence[Finding]]
    decisions: int = 0
    facts: Callable[[Scenario], Mapping[str, Any]] = default_facts

    def require_domain(self, claim: Claim, scenario: Scenario) -> None:
        """Raise ValueError if ``scenario`` violates an assumption of ``claim``."""
        problems = claim.violated(self.facts(scenario))
        if problems:
            raise ValueError(f"{claim.id}: scenario outside the domain: {'; '.join(problems)}")


def alpha_per_decision(noisy_claims: int, decisions: int) -> float:
    """Return the level of one decision: the union bound over claims, scenarios and decisions."""
    return ALPHA_TOTAL / (max(noisy_claims, 1) * MAX_SCENARIOS * max(decisions, 1))


def worst(findings: Sequence[Finding], *, bounds_decide: bool = True) -> Finding:
    """Return the finding that decides: refuted before inconclusive, then the smallest margin.

    Without ``bounds_decide``, confirmed bounds come last: their margin may be zero by nature.
    """
    severity = {Outcome.REFUTED: 0, Outcome.INCONCLUSIVE: 1, Outcome.CONFIRMED: 2}

    def rank(finding: Finding) -> tuple[int, bool, float]:
        verdict = finding.verdict
        confirmed_bound = verdict.sharp and verdict.outcome is Outcome.CONFIRMED
        return (severity[verdict.outcome], confirmed_bound and not bounds_decide, verdict.margin)

    return min(findings, key=rank)


def as_numpy(tensor: Tensor) -> NDArray[np.float64]:
    """Return ``tensor`` as a float64 array on the host."""
    return tensor.detach().to(device="cpu", dtype=torch.float64).numpy()


def condition_of(*matrices: Tensor) -> float:
    """Return the product of the condition numbers (largest over replicates), at least 1."""
    product = 1.0
    for matrix in matrices:
        values = torch.linalg.svdvals(matrix.to(torch.float64))
        product *= float((values[..., 0] / values[..., -1]).max())
    if math.isinf(product) or math.isnan(product):
        raise ValueError("a matrix of the scenario is singular: condition number inf")
    return max(product, 1.0)
