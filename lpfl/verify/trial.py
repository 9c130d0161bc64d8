"""One scenario of one claim, with everything that a measurement may depend on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lpfl.linalg.covariance import CovarianceSpec
from lpfl.seeding import derive_seed, generator
from lpfl.verify.scenario import Scenario
from theory.core.claim import Claim


@dataclass(frozen=True)
class Trial:
    """One scenario of one claim, with everything a measurement may depend on.

    effort: by how much planned numbers of replicates are multiplied (1, or that of a second look).
    beyond: the run may leave the domain, and only says how; what it finds is no verdict.
    """

    claim: Claim
    scenario: Scenario
    seed: int
    alpha: float
    device: str = "cpu"
    dtype: torch.dtype = torch.float64
    effort: int = 1
    beyond: bool = False
    memory: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __getattr__(self, name: str) -> Any:
        """Return a field of the scenario: ``trial.step_size``."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.scenario, name)

    def admit(self, **facts: Any) -> None:
        """Test the domain of the claim on the facts of the run itself, by code name.

        A setup calls this with what it really built (sizes of the batch, noise of the problem,
        the law of its inputs), so that the facts cannot differ from what runs. What the run does
        not know comes from the scenario. Raises ValueError outside the domain.
        """
        known = {**default_facts(self.scenario), **self.memory.get("facts", {}), **facts}
        problems = self.claim.violated(known)
        if problems and self.beyond:
            self.memory["outside"] = tuple(problems)
        elif problems:
            raise ValueError(f"{self.claim.id}: run outside the domain: {'; '.join(problems)}")
        self.memory["facts"] = known

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was admitted. Raises LookupError before any run was."""
        self.require_admitted()
        return self.memory["facts"]

    def require_admitted(self) -> None:
        """Raise LookupError unless a run was admitted."""
        if "facts" not in self.memory:
            raise LookupError(f"{self.claim.id}: no run was admitted, needs trial.admit(...)")

    def number(self, part: str, **values: Any) -> Any:
        """Return the right side of ``part``; what ``values`` lack is taken from the scenario.

        Tensors are read on the host in float64, whatever the device.
        """
        bound = self.claim[part]
        names = bound.formula.code_names
        known = {name: self.scenario[name] for name in names if name in self.scenario}
        read = {n: as_numpy(v) if isinstance(v, torch.Tensor) else v for n, v in values.items()}
        return bound.number(**{**known, **read})

    def replicates(self, planned: int) -> int:
        """Return how many independent replicates to draw where ``planned`` were planned."""
        return planned * self.effort

    def stream(self, *name: str | int) -> torch.Generator:
        """Return the random stream ``name`` of this claim and scenario, on the device."""
        return generator(self.seed, *self._path(*name), device=self.device)

    def integer_seed(self, *name: str | int) -> int:
        """Return a seed for code that takes integers (the exact readings)."""
        return derive_seed(self.seed, *self._path(*name)) >> 24

    def _path(self, *name: str | int) -> tuple[str | int, ...]:
        look = () if self.effort == 1 else ("effort", self.effort)
        return (self.claim.id, self.scenario.canonical(), *look, *name)

    def tensor(self, values: Any) -> Tensor:
        """Return ``values`` on the device in the run's dtype."""
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)


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
