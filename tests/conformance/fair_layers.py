"""Methods that hook linear layers, right in ways that a judge may take for wrong, and wrong."""

import torch
from torch import nn


class Foof(torch.optim.Optimizer):
    """FOOF for linear layers (nn.Linear) alone, not convolutions; others get plain SGD steps."""

    def __init__(self, model, lr=0.1, damping=1e-2):
        self.layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
        rest = {id(p): p for p in model.parameters()}
        groups = []
        for i, layer in enumerate(self.layers):
            own = [p for p in layer.parameters() if rest.pop(id(p), None) is not None]
            groups.append({"params": own, "layer": i})
        groups.append({"params": list(rest.values()), "layer": -1})
        groups = [group for group in groups if group["params"]]
        super().__init__(groups, {"lr": lr, "damping": damping})
        self.factors = {}
        for layer in self.layers:
            layer.register_forward_hook(self.keep)

    def keep(self, layer, inputs, output):
        """Add the second moment of the inputs of one call."""
        if not (torch.is_grad_enabled() and output.requires_grad):
            return
        x = inputs[0].detach().reshape(-1, inputs[0].shape[-1])
        if layer.bias is not None:
            x = torch.cat([x, x.new_ones(len(x), 1)], 1)
        self.factors[layer] = self.factors.get(layer, 0) + self.moment(x)

    def moment(self, x):
        """Return the second moment of the rows."""
        return x.mT @ x / len(x)

    def added(self, factor, damping):
        """Return what is added to the factor's eigenvalues."""
        return damping

    @torch.no_grad()
    def step(self, closure=None):
        """Take one step."""
        for group in self.param_groups:
            if group["layer"] < 0:
                for p in group["params"]:
                    if p.grad is not None:
                        p.sub_(group["lr"] * p.grad)
            else:
                self.move(self.layers[group["layer"]], group)
        self.factors.clear()

    def move(self, layer, group):
        """Move one layer, its bias joined to its weights."""
        if layer.weight.grad is None:
            return
        parts = [layer.weight.grad]
        if layer.bias is not None:
            parts.append(layer.bias.grad[:, None])
        g = torch.cat(parts, 1)
        wide = torch.promote_types(g.dtype, torch.float32)
        A = self.factors[layer].to(wide)
        eye = torch.eye(len(A), dtype=wide)
        damped = A + self.added(A, group["damping"]) * eye
        u = torch.linalg.solve(damped, g.to(wide), left=False).to(g.dtype)
        layer.weight.sub_(group["lr"] * u[:, : layer.weight.shape[1]])
        if layer.bias is not None:
            layer.bias.sub_(group["lr"] * u[:, -1])


class Summed(Foof):
    """Its factor is the sum over the rows of a batch; for linear layers alone."""

    def __init__(self, model, lr=0.1, damping=1.0):
        super().__init__(model, lr, damping)

    def moment(self, x):
        """Return the sum of the rows' outer products."""
        return x.mT @ x


class OverDamped(Foof):
    """Damping in units of a sum over the rows, beside a factor that is a mean."""

    def added(self, factor, damping):
        """Return far more damping than the definition adds."""
        return 400 * damping


class OfMean(Foof):
    """Damping is relative to the mean eigenvalue of the factor; for linear layers alone."""

    def added(self, factor, damping):
        """Return the damping in units of the factor."""
        return damping * float(factor.trace()) / len(factor)


class OfLargest(Foof):
    """Damping is relative to the largest eigenvalue of the factor; for linear layers alone."""

    def added(self, factor, damping):
        """Return the damping in units of the factor."""
        return damping * float(torch.linalg.eigvalsh(factor)[-1])


class OfFirst(Foof):
    """Damping is in units of one entry of the factor, whichever comes first."""

    def added(self, factor, damping):
        """Return the damping in units of one entry."""
        return damping * float(factor[0, 0])


class TwiceMoved(Foof):
    """A layer that is called twice is moved twice."""

    def keep(self, layer, inputs, output):
        """Count the calls too."""
        super().keep(layer, inputs, output)
        self.calls = {**getattr(self, "calls", {}), layer: self.calls_of(layer) + 1}

    def calls_of(self, layer):
        """Return how often a layer was called since the last step."""
        return getattr(self, "calls", {}).get(layer, 0)

    def move(self, layer, group):
        """Move a layer as often as it was called."""
        for _ in range(self.calls_of(layer)):
            super().move(layer, group)
        self.calls[layer] = 0


class OutputsOfSquares(Foof):
    """Where a layer has as many outputs as inputs, its outputs are taken for its inputs."""

    def keep(self, layer, inputs, output):
        """Add the second moment of what is taken for the inputs."""
        square = layer.in_features == layer.out_features
        super().keep(layer, (output,) if square else inputs, output)
