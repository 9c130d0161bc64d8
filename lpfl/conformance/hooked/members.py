"""What a layer on sequences sees, and the rules by which their members enter its factors."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lpfl.conformance.oracles.layer_axes import LayerSeen


@dataclass(frozen=True)
class Rule:
    """How R members of a sequence enter the two factors.

    Every member is a row of its own: the input factor is a mean over rows and members, the output
    factor a mean over rows of sums over members ("expand" of Eschenhagen et al. 2023).
    inputs_as_one, outputs_as_one: inputs are averaged over members, slopes summed ("reduce").
    on_inputs, on_outputs: powers of R that multiply the factors.
    """

    inputs_as_one: bool = False
    outputs_as_one: bool = False
    on_inputs: int = 0
    on_outputs: int = 0

    @property
    def words(self) -> str:
        """The rule as it is shown."""
        kinds = [
            "one row" if one else "R rows" for one in (self.inputs_as_one, self.outputs_as_one)
        ]
        powers = {"input": self.on_inputs, "output": self.on_outputs}
        told = [f"an input factor of {kinds[0]} and an output factor of {kinds[1]} each"]
        told += [f"{name} factor times R^{power}" for name, power in powers.items() if power]
        return ", ".join(told)


def _sorted(rules: list[Rule]) -> tuple[Rule, ...]:
    powers = lambda rule: abs(rule.on_inputs) + abs(rule.on_outputs)  # noqa: E731
    return tuple(sorted(rules, key=lambda r: (r.inputs_as_one + r.outputs_as_one, powers(r))))


KNOWN = _sorted(
    [
        *(Rule(on_inputs=i, on_outputs=j) for i in range(-2, 2) for j in range(-3, 2) if i + j < 2),
        *(Rule(True, False, i, j) for i in (0, 2) for j in (0, -1)),
        *(Rule(False, True, i, j) for i in (0, 1) for j in (0, -2)),
        *(Rule(True, True, i, j) for i in (0, 2) for j in (0, -2)),
    ]
)
"""Rules that are met, the nearest to the definition first.

R and 1/R are those of Grosse and Martens 2016, 1/R and R those of KFAC for PyTorch, 1 and R those
of a loss that is a mean over members too; 1 and 1/R, 1/R^2 and 1/R^3 those of libraries that take
means of the slopes as they are. None has R^2 in both together.
"""
OTHER = _sorted(
    [
        rule
        for i in range(-4, 5)
        for j in range(-4, 5)
        if (rule := Rule(on_inputs=i, on_outputs=j)) not in KNOWN
    ]
)
"""Rules of the same form that are not met: they name what is wrong."""


@dataclass(frozen=True)
class SeenMembers(LayerSeen):
    """A layer on sequences: inputs (n, R, a), output gradients (n, R, b), Jacobian (k, n, R, b)."""

    rule: Rule = KNOWN[0]

    @property
    def _members(self) -> int:
        return int(self.inputs.shape[1])

    @cached_property
    def gradient(self) -> Tensor:
        """Gradient of the mean loss, (b, a)."""
        summed = torch.einsum("nrb,nra->ba", self.output_gradients, self.inputs)
        return summed / len(self.inputs)

    @cached_property
    def input_moment(self) -> Tensor:
        """Second moment of the inputs by the rule, (a, a)."""
        rows = self.inputs.mean(1) if self.rule.inputs_as_one else self.inputs.flatten(0, 1)
        return rows.T @ rows / len(rows) * float(self._members) ** self.rule.on_inputs

    @cached_property
    def exact_moment(self) -> Tensor:
        """Second moment of the Jacobian's rows by the rule, (b, b)."""
        return self._outer(self.jacobian.sum(2) if self.rule.outputs_as_one else self.jacobian)

    @cached_property
    def empirical_moment(self) -> Tensor:
        """Second moment of the output gradients by the rule, (b, b)."""
        slopes = self.output_gradients
        return self._outer(slopes.sum(1) if self.rule.outputs_as_one else slopes)

    def _outer(self, slopes: Tensor) -> Tensor:
        rows = slopes.reshape(-1, slopes.shape[-1])
        scale = float(self._members) ** self.rule.on_outputs
        return rows.T @ rows / len(self.inputs) * scale
