"""Every rule as an ordinary ``torch.optim.Optimizer``."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from lpfl.optim.core.clip import Piece, clip_factor
from lpfl.optim.core.hyper import bounds_of
from lpfl.optim.core.layer_statistics import LayerStatistics
from lpfl.optim.rule import Layer, MatrixRule


class RuleOptimizer(torch.optim.Optimizer):
    """A :class:`MatrixRule` on the parameters of a torch module.

    A parameter with more than two axes is moved as the matrix (first axis, all others), a vector
    as one column, a number as a 1 x 1 matrix. A rule that reads what its layer saw needs the
    module in place of its parameters: its ``nn.Linear`` layers are hooked (see
    :class:`LayerStatistics`), and a bias is moved with its weight, as one more column.

    With gradients accumulated over several passes, what the layers see is that of the last one.
    Half precision is computed in float32; the state keeps the precision of the parameter.

    lr stands for ``step_size``, so that learning-rate schedules work; at 0 the state goes on and
    the parameters stay. Every other hyper-parameter of the rule keeps its name, and may differ by
    group, but for output_factor and its draws, which are those of the whole module. The state of a
    parameter holds tensors and numbers only; the first group counts the draws.
    Raises: ValueError for a hyper-parameter outside its bound, when built and in a step; when
    built, for hooked layers that share a parameter; in a step, for one of which only weight or bias
    is frozen.
    """

    def __init__(
        self,
        params: Iterable[Any] | nn.Module,
        *,
        rule: type[MatrixRule],
        lr: float | None = None,
        **hyperparameters: Any,
    ) -> None:
        made = rule(**hyperparameters) if lr is None else rule(step_size=lr, **hyperparameters)
        self._kind = rule
        self._layers: LayerStatistics | None = None
        if rule.needs_layer:
            if not isinstance(params, nn.Module):
                raise ValueError(f"{rule.name} reads what its layers see, needs the module")
            self._layers = LayerStatistics(params, rule=made, draw=self._draw)
            params = self._layers.groups()
        elif isinstance(params, nn.Module):
            params = params.parameters()
        defaults = {name: getattr(made, name) for name in bounds_of(rule) if name != "step_size"}
        super().__init__(params, {"lr": made.step_size, **defaults})
        if defaults.get("output_factor") == "sampled":
            self.param_groups[0]["draw"] = 0

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs; hooks on a module cannot be copied with the optimizer."""
        if self._layers is not None:
            raise TypeError(f"{self._kind.name} hooks a module: copy both, or use state_dict")
        return {**super().__getstate__(), "_kind": self._kind, "_layers": None}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; ``closure`` evaluates the model again, with gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        matrices = [
            (together, layer, group)
            for group in self.param_groups
            if self._layers is None or any(p.grad is not None for p in group["params"])
            for together, layer in self._matrices(group)
            if together[0].grad is not None and together[0].numel() > 0
        ]
        scale = self._clip(matrices)
        for together, layer, group in matrices:
            self._move(together, layer._replace(scale=scale), group)
        if "draw" in self.param_groups[0]:
            self.param_groups[0]["draw"] += 1
        return loss

    def _draw(self) -> int:
        """Return how many steps were made: the samples of a step are named by it."""
        return int(self.param_groups[0].get("draw", 0))

    def separate_pass(self) -> AbstractContextManager[None]:
        """Return a context: forward passes inside give the factors of input_factor "separate".

        Raises: TypeError if the rule reads nothing of its layers.
        """
        if self._layers is None:
            raise TypeError(
                f"{self._kind.name} reads nothing of its layers, needs no separate pass"
            )
        return self._layers.separate_pass()

    def _matrices(self, group: Mapping[str, Any]) -> list[tuple[list[Tensor], Layer]]:
        """Return the columns of each matrix of a group, and what its layer saw.

        They are a weight, and the bias of its layer if there is one.
        """
        params = group["params"]
        if self._layers is None:
            return [([p], Layer()) for p in params]
        if len({p.requires_grad for p in params}) > 1:
            raise ValueError("one of weight and bias of a layer is frozen, needs both or neither")
        separate = group.get("input_factor") == "separate"
        return [(params, self._layers.seen(params[0], separate=separate))]

    def _piece(self, together: list[Tensor], layer: Layer, group: Mapping[str, Any]) -> Piece:
        """Return the matrix with its state, in single precision at least."""
        lr = float(group["lr"])
        values = {name: group[name] for name in bounds_of(self._kind) if name != "step_size"}
        rule = self._kind(step_size=lr if lr != 0.0 else 1.0, **values)
        dtype = torch.promote_types(together[0].dtype, torch.float32)
        W = _matrix(together).to(dtype)
        grad = _matrix([_gradient(p) for p in together]).to(dtype)
        memory = self.state[together[0]]
        fresh, shape = pytree.tree_flatten(rule.start(W))
        kept = [_cast(memory.get(f"leaf_{i}", leaf), dtype) for i, leaf in enumerate(fresh)]
        seen = Layer(*[None if moment is None else moment.to(dtype) for moment in layer])
        return Piece(rule, W, grad, pytree.tree_unflatten(kept, shape), seen)

    def _clip(self, matrices: list[tuple[list[Tensor], Layer, Any]]) -> Tensor | None:
        """Return the factor of the clip over all groups that move, if a group has one."""
        clipping = [one for one in matrices if one[2].get("kl_clip") and float(one[2]["lr"]) > 0.0]
        return clip_factor([self._piece(*one) for one in clipping])

    def _move(self, together: list[Tensor], layer: Layer, group: Mapping[str, Any]) -> None:
        """Move the columns of one matrix."""
        moved, after = self._piece(together, layer, group).moved()
        memory = self.state[together[0]]
        for i, leaf in enumerate(pytree.tree_leaves(after)):
            memory[f"leaf_{i}"] = _cast(leaf, together[0].dtype)
        if float(group["lr"]) != 0.0:
            widths = [_matrix([p]).shape[1] for p in together]
            for p, part in zip(together, moved.split(widths, dim=1), strict=True):
                p.copy_(part.reshape(p.shape))


def _cast(leaf: Any, dtype: torch.dtype) -> Any:
    """Return a tensor of the state in a precision; numbers stay what they are."""
    return leaf.to(dtype) if isinstance(leaf, Tensor) else leaf


def _gradient(p: Tensor) -> Tensor:
    return torch.zeros_like(p) if p.grad is None else p.grad


def _matrix(together: list[Tensor]) -> Tensor:
    """Return the parameters side by side: (first axis, all others) each."""
    flat = [p.reshape(p.shape[0] if p.ndim else 1, -1) for p in together]
    return torch.cat(flat, dim=1) if len(flat) > 1 else flat[0].clone()


def torch_optimizer(rule: type[MatrixRule]) -> Callable[..., RuleOptimizer]:
    """Return ``(params_or_module, *, lr, **hyperparameters) -> Optimizer`` of a rule."""

    def build(params: Iterable[Any] | nn.Module, **options: Any) -> RuleOptimizer:
        return RuleOptimizer(params, rule=rule, **options)

    build.__name__ = build.__qualname__ = rule.name
    build.__doc__ = f"{rule.name} as a torch optimizer."
    return build
