"""What the linear layers of a torch module see: inputs, and the Gauss-Newton factor of outputs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from lpfl.linalg import second_moment
from lpfl.optim.core.output_factor import sampled_residuals
from lpfl.optim.rule import Layer


class LayerStatistics:
    """Hooks on every ``nn.Linear`` of a module; the latest forward and backward pass counts.

    inputs: mean over rows of x x', with a 1 appended where the layer has a bias. outputs:
    "gauss_newton", mean over rows of J'J with J the derivative of the module's output in the
    layer's; "empirical", mean over rows of b b' with b the derivative of one row's loss in the
    layer's output, for a loss that is a mean over rows; "sampled", mean of J'z z'J over rows and
    standard normal z, those of the draw; "identity", none.
    rule: says which factor, samples per row and seed. draw: gives the number of the draw. A layer
    that is frozen, or not called, is left alone.
    Raises: ValueError for a module without a linear layer, or a trained parameter outside of them;
    in a forward pass, for a layer that is called twice in it.
    """

    def __init__(self, module: nn.Module, *, rule: Any, draw: Callable[[], int]) -> None:
        self._factor = rule.output_factor
        self._samples = {"samples_per_row": rule.samples_per_row, "seed": rule.sample_seed}
        self._draw = draw
        self._layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
        if not self._layers:
            raise ValueError("the module has 0 linear layers, needs at least 1")
        known = {id(p) for layer in self._layers for p in layer.parameters()}
        strangers = [
            name for name, p in module.named_parameters() if p.requires_grad and id(p) not in known
        ]
        if strangers:
            raise ValueError(f"parameters {strangers} lie outside linear layers: move them apart")
        self._inputs: dict[int, Tensor] = {}
        self._separate: dict[int, Tensor] = {}
        self._is_separate = False
        self._results: dict[int, GradientEdge] = {}
        self._outputs: dict[int, Tensor] = {}
        self._called: set[int] | None = None
        module.register_forward_pre_hook(self._begin)
        for layer in self._layers:
            layer.register_forward_hook(self._keep, with_kwargs=True)
        module.register_forward_hook(self._differentiate)

    def groups(self) -> list[dict[str, Any]]:
        """Return one parameter group a layer: weight, then bias.

        Raises: ValueError for layers that share a weight or a bias.
        """
        together = [list(layer.parameters()) for layer in self._layers]
        held = [id(p) for params in together for p in params]
        if len(set(held)) < len(held):
            raise ValueError(
                "two layers share a parameter, needs layers with parameters of their own"
            )
        return [{"params": params} for params in together]

    @contextmanager
    def separate_pass(self) -> Iterator[None]:
        """Forward passes inside show the layers the separate inputs, and nothing else."""
        self._is_separate = True
        try:
            yield
        finally:
            self._is_separate = False

    def seen(self, weight: Tensor, *, separate: bool = False) -> Layer:
        """Return what the layer of ``weight`` saw; separate: its inputs in the last separate pass.

        Raises: ValueError before a forward pass of the kind, or if the module's output was made
        without gradients at the layer (in a checkpoint with use_reentrant=True).
        """
        if id(weight) not in self._inputs:
            raise ValueError("a layer saw no inputs, needs a forward pass with gradients first")
        if separate and id(weight) not in self._separate:
            raise ValueError(
                "a layer saw no separate inputs, needs a pass in separate_pass() first"
            )
        if self._factor != "identity" and id(weight) not in self._outputs:
            raise ValueError("a layer saw no slopes of the outputs, needs a pass with gradients")
        inputs = (self._separate if separate else self._inputs)[id(weight)]
        return Layer(inputs, self._outputs.get(id(weight)))

    def _begin(self, module: nn.Module, inputs: Any) -> None:
        """Start a forward pass of the whole module, in which every layer is called once."""
        self._called = set()
        if torch.is_grad_enabled() and not self._is_separate:
            self._results.clear()

    def _keep(self, layer: nn.Module, inputs: Any, named: Any, output: Tensor) -> None:
        if not isinstance(layer, nn.Linear):
            return
        if not (self._is_separate or torch.is_grad_enabled()):
            return
        if self._called is not None and id(layer) in self._called:
            raise ValueError("a layer is called twice in one forward pass, needs one call")
        if self._called is not None:
            self._called.add(id(layer))
        given = inputs[0] if inputs else named["input"]
        rows = given.detach().reshape(-1, layer.in_features)
        if layer.bias is not None:
            rows = torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
        if self._is_separate:
            self._separate[id(layer.weight)] = second_moment(rows)
            return
        self._inputs[id(layer.weight)] = second_moment(rows)
        if output.requires_grad:
            self._results[id(layer.weight)] = get_gradient_edge(output)
        if self._factor == "empirical" and output.requires_grad:
            output.register_hook(_Empirical(self._outputs, id(layer.weight)))

    def _differentiate(self, module: nn.Module, inputs: Any, output: Tensor) -> None:
        self._called = None
        if self._is_separate or not output.requires_grad:
            return
        flat = output.reshape(-1, output.shape[-1])
        if self._factor == "gauss_newton":
            self._outputs.update(self._moments(flat.unbind(1)))
        elif self._factor == "sampled":
            samples = sampled_residuals(flat.detach(), **self._samples, draw=self._draw())
            parts = samples.split(flat.shape[0])
            totals = self._moments((flat * part).sum(1) for part in parts)
            self._outputs.update({key: total / len(parts) for key, total in totals.items()})

    def _moments(self, columns: Iterable[Tensor]) -> dict[int, Tensor]:
        """Return, by layer, the sum over columns of the second moment of their slopes."""
        keys, results = list(self._results), list(self._results.values())
        totals: dict[int, Tensor] = {}
        for column in columns if keys else ():
            slopes = torch.autograd.grad(
                column.sum(), results, retain_graph=True, allow_unused=True
            )
            for key, slope in zip(keys, slopes, strict=True):
                if slope is not None:
                    value = second_moment(slope.reshape(-1, slope.shape[-1]))
                    totals[key] = value + totals.get(key, 0.0)
        return totals


class _Empirical:
    """A gradient hook that keeps the second moment of the rows of a layer's output gradient."""

    def __init__(self, outputs: dict[int, Tensor], key: int) -> None:
        self._outputs, self._key = outputs, key

    def __call__(self, grad: Tensor) -> None:
        rows = grad.detach().reshape(-1, grad.shape[-1])
        self._outputs[self._key] = second_moment(rows * rows.shape[0])
