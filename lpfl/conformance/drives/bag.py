"""Layers side by side in one model: a prescribed gradient for each, through real layers."""

import torch


class Scale(torch.nn.Module):
    """y = x * weight for a weight of one dimension or none."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return x (n, ...) times the weight."""
        return x * self.weight


def layer(weight: torch.Tensor) -> torch.nn.Module:
    """Return the layer with this weight: linear, a convolution as large as its image, a scale."""
    if weight.ndim < 2:
        return Scale(weight)
    rows, columns, *kernel = weight.shape
    if not kernel:
        made: torch.nn.Module = torch.nn.Linear(columns, rows, bias=False, dtype=weight.dtype)
    elif len(kernel) == 1:
        made = torch.nn.Conv1d(columns, rows, kernel[0], bias=False, dtype=weight.dtype)
    else:
        side = (kernel[0], kernel[1])
        made = torch.nn.Conv2d(columns, rows, side, bias=False, dtype=weight.dtype)
    made.weight = torch.nn.Parameter(weight)
    return made


class Bag(torch.nn.Module):
    """One layer per weight. forward(inputs): the outputs side by side, (n, all outputs).

    Every output depends on every layer (with slope zero on the others), because optimizers that
    differentiate the outputs expect so.
    """

    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(layer(w) for w in weights)

    def forward(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        """Return (n, sum of the layers' outputs) of one input (n, ...) per layer."""
        outputs = [m(x).flatten(1) for m, x in zip(self.layers, inputs, strict=True)]
        total = torch.stack([out.sum() for out in outputs]).sum()
        return torch.cat(outputs, 1) + 0.0 * total

    def places(self, gradients: list[torch.Tensor], seed: int) -> tuple[list[torch.Tensor], ...]:
        """Return inputs X and output gradients B per layer with B'X = gradient.

        X is normal, (n, fan in) with n three more than the largest fan in.
        """
        stream = torch.Generator().manual_seed(seed)
        fans = [g[:1].numel() if g.ndim > 1 else 1 for g in gradients]
        n = max(fans) + 3
        inputs, slopes = [], []
        for g, fan in zip(gradients, fans, strict=True):
            if g.ndim < 2:
                x, b = torch.ones(n, *([1] * g.ndim), dtype=torch.float64), g.double() / n
                inputs.append((x * torch.ones_like(g.double())).to(g))
                slopes.append((b * torch.ones(n, *([1] * g.ndim))).flatten(1).to(g))
                continue
            x = torch.randn(n, fan, generator=stream, dtype=torch.float64)
            b = torch.linalg.pinv(x).T @ g.double().cpu().flatten(1).T
            inputs.append(x.reshape(n, *g.shape[1:]).to(g))
            slopes.append(b.to(g))
        return inputs, slopes
