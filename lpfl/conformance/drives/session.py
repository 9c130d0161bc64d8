"""One optimizer on its parameters: gradients in, values out. The plain drive is injection."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from lpfl.conformance.pulse import beat
from lpfl.conformance.signatures import set_options
from lpfl.conformance.trajectory import Trajectory

Gradients = Sequence[torch.Tensor | None]
LossFunction = Callable[[], torch.Tensor]


def copied(value: torch.Tensor) -> torch.Tensor:
    """Return a copy with the same strides, gaps in memory included."""
    if value.is_sparse or value.numel() == 0 or value.is_contiguous() or 0 in value.stride():
        return value.detach().clone()
    copy = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=value.device)
    return copy.copy_(value.detach())


class Session:
    """Injection: p.grad is set, step() is called. Other drives override ``step``, ``advance``.

    params: the parameters, in the order of the start values. model: the module that holds them,
    if the optimizer hooks modules. text: source of the function ``advance`` for snippets.
    """

    text = """\
def step(optimizer, params, gradients):
    for p, g in zip(params, gradients):
        p.grad = None if g is None else g.clone()
    return optimizer.step()
"""

    model: Any = None

    def __init__(
        self, optimizer: Any, params: list[torch.nn.Parameter], needs: frozenset[str]
    ) -> None:
        self.optimizer = optimizer
        self.params = params
        self.needs = needs
        self.steps = 0
        if "mode" in needs:
            optimizer.train()

    @classmethod
    def program_text(cls, needs: frozenset[str]) -> str:
        """Return the text of a step of a program that shows a finding."""
        return cls.text

    @property
    def prescribes(self) -> bool:
        """Whether a step by prescribed gradients is what a step on a loss with them would be."""
        fine = all(p.dtype == torch.float64 for p in self.params)
        return type(self) is Session and fine and "sparse" not in self.needs

    def step(self, gradients: Gradients) -> Any:
        """Take one step in which the gradient of parameter i is gradients[i]."""
        for p, g in zip(self.params, gradients, strict=True):
            if "keeps_grad" in self.needs and p.grad is not None and g is not None:
                p.grad.add_(g.to(p.device))
            else:
                p.grad = None if g is None else self._fresh(g, p)
        self.steps += 1
        beat()
        return self.optimizer.step()

    def follow(
        self, rows: Sequence[Gradients], move: Callable[[Gradients], Any] | None = None
    ) -> Trajectory:
        """Return the way through a row of gradients per step; ``move``: instead of ``step``."""
        values = [self.values()]
        for t, row in enumerate(rows, self.steps + 1):
            (move or self.step)(row)
            self.steps = max(self.steps, t)  # a move of its own counts no steps
            values.append(self.values())
        return Trajectory(values, self.optimizer)

    def _fresh(self, g: torch.Tensor, p: torch.nn.Parameter) -> torch.Tensor:
        """Return a copy of the gradient with its own strides, or a sparse one."""
        if "sparse" in self.needs:
            return g.detach().to(p.device).to_sparse()
        finer = g.dtype == torch.float64 and p.dtype == torch.float32
        return copied(g.detach().to(p.device, p.dtype if finer else g.dtype))

    def advance(self, loss_function: LossFunction) -> Any:
        """Take one step on a loss; ``loss_function()`` returns it with its graph."""
        self.zero()
        loss_function().backward()
        self.steps += 1
        beat()
        return self.optimizer.step()

    def zero(self) -> None:
        """Forget the gradients, unless the optimizer keeps its memory in them."""
        if "keeps_grad" not in self.needs:
            for p in self.params:
                p.grad = None

    def values(self) -> list[torch.Tensor]:
        """Return float64 copies of the parameters, read in eval mode where there is one.

        Before the first step both modes hold the start; whether eval() works there is a check.
        """
        other = "mode" in self.needs and self.steps > 0
        if other:
            self.optimizer.eval()
        copies = [p.detach().to("cpu", torch.float64, copy=True) for p in self.params]
        if other:
            self.optimizer.train()
        return copies

    def set(self, **options: Any) -> None:
        """Set options on every group from now on.

        Raises: Undrivable for an option that no group has.
        """
        set_options(self.optimizer, options)
