"""Layers that are not called, and forward passes that are not alone: who forgets them, and how."""

import torch

from tests.conformance.layers.toys import Uses


class LooksUpAll(Uses):
    """The factors of every layer are looked up, those of one that was not called too."""

    @torch.no_grad()
    def step(self, closure=None):
        for W in self.weights():
            self.found[W]
        super().step(closure)


class LooksUpCalled(Uses):
    """The factors of every layer that was called are looked up, one without slopes too."""

    def watch(self, layer, inputs, output):
        layer.weight.called = True
        super().watch(layer, inputs, output)

    @torch.no_grad()
    def step(self, closure=None):
        for W in self.weights():
            if hasattr(W, "called"):
                del W.called
                self.found[W]
        super().step(closure)


class NeverAdded(Uses):
    """The layers of the first step are those of all steps."""

    @torch.no_grad()
    def step(self, closure=None):
        held = [p for p in self.param_groups[0]["params"] if p.grad is not None]
        self.first = getattr(self, "first", held)
        for p in held:
            if all(p is not q for q in self.first):
                p.grad = None
        super().step(closure)


class FullHooks(Uses):
    """Slopes come by full backward hooks, which lay a view over every output."""

    def __init__(self, model, lr=0.1, damping=1e-2, weight_decay=0.0):
        super().__init__(model, lr, damping, weight_decay)
        for layer in self.layers:
            layer.register_full_backward_hook(self.after)

    def watch(self, layer, inputs, output):
        if output.requires_grad:
            layer.seen = self.rows(layer, inputs[0].detach())

    def after(self, layer, _, slopes):
        self.keep(layer, layer.seen, slopes[0])


class SpeaksOfInPlace(FullHooks):
    """A KFAC with full backward hooks: models with in-place activations are not supported."""


class KeepsOutputs(Uses):
    """What a layer gave is kept for the output factor, and differentiated after the pass."""

    def __init__(self, model, lr=0.1, damping=1e-2, weight_decay=0.0):
        super().__init__(model, lr, damping, weight_decay)
        model.register_forward_hook(self.differentiate)

    def begin(self, *_):
        super().begin()
        self.kept = []

    def watch(self, layer, inputs, output):
        if output.requires_grad:
            self.kept.append((layer, self.rows(layer, inputs[0].detach()), output))

    def differentiate(self, model, inputs, total):
        if not total.requires_grad:
            return
        outputs = [output for *_, output in self.kept]
        slopes = torch.autograd.grad(total.sum(), outputs, retain_graph=True)
        for (layer, x, _), slope in zip(self.kept, slopes, strict=True):
            self.keep(layer, x, slope)


class CountsEveryCall(Uses):
    """Inputs are gathered in forward passes, slopes in backward ones, of which there are fewer."""

    def watch(self, layer, inputs, output):
        if not output.requires_grad:
            return
        x = self.rows(layer, inputs[0].detach())
        self.sums = getattr(self, "sums", {})
        self.sums[layer] = [*self.sums.get(layer, []), x]
        output.register_hook(lambda g: self.keep(layer, None, g))

    def store(self, weight, x, g):
        (layer,) = (m for m in self.layers if m.weight is weight)
        x = torch.cat(self.sums.pop(layer), 1)
        super().store(weight, x * (x.shape[1] / g.shape[1]) ** 0.5, g)


class HearsAll(Uses):
    """Calls without gradients enter the input factor."""

    def watch(self, layer, inputs, output):
        x = self.rows(layer, inputs[0].detach())
        if not output.requires_grad:
            layer.heard = x
            return
        x = torch.cat([x, *([layer.heard] if hasattr(layer, "heard") else [])], 1)
        layer.__dict__.pop("heard", None)
        output.register_hook(lambda g, x=x: self.keep(layer, x, g))


class HearsAllOnPurpose(HearsAll):
    """The input factor is that of every forward pass."""


class HearsLast(Uses):
    """The inputs of a layer are those of its last call before the slopes come."""

    def watch(self, layer, inputs, output):
        layer.last = self.rows(layer, inputs[0].detach())
        if output.requires_grad:
            output.register_hook(lambda g: self.keep(layer, layer.last, g))


class TakesEmpty(Uses):
    """A mean over no rows is taken too."""

    def empty(self, g):
        return False


class PositionalOnly(Uses):
    """The input of a layer is the first that has no name."""

    def hear(self, layer, inputs, named, output):
        self.watch(layer, inputs, output)


class StepsWeightsAlone(Uses):
    """What is no weight of a layer is held and not moved."""

    @torch.no_grad()
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            if all(p is not W for W in self.weights()):
                p.grad = None
        super().step(closure)


class BeginsInCopies(Uses):
    """Every forward pass begins anew, that of a copy too, whose optimizer was copied by halves."""

    def begin(self, *_):
        self.found.clear()


class HearsCopies(Uses):
    """Calls of copies are heard as those of the layer that was copied."""

    def __init__(self, model, lr=0.1, damping=1e-2, weight_decay=0.0):
        super().__init__(model, lr, damping, weight_decay)
        for layer in self.layers:
            layer.register_forward_hook(
                lambda m, x, y, layer=layer: self.watch(layer, x, y) if m is not layer else None
            )

    def begin(self, *_):
        """Keep what was heard."""


class Trains(Uses):
    """A step ends as if the model were to be trained as a whole."""

    def __init__(self, model, lr=0.1, damping=1e-2, weight_decay=0.0):
        super().__init__(model, lr, damping, weight_decay)
        self.model = model

    def step(self, closure=None):
        loss = super().step(closure)
        self.model.train()
        return loss


class FactorsAsSeen(Uses):
    """Factors have the format of what the layers saw."""

    def wide(self, factor, W):
        return factor


class Overflows(Uses):
    """The inverse of a factor in bfloat16 is infinite."""

    def rows(self, layer, x):
        return super().rows(layer, x) * (torch.inf if x.dtype is torch.bfloat16 else 1)


class OneRow(Uses):
    """Inputs of a sequence are averaged over its members, slopes are summed."""

    def watch(self, layer, inputs, output):
        x, sequence = inputs[0].detach(), inputs[0].ndim == 3 and hasattr(layer, "in_features")
        if not output.requires_grad:
            return
        x = self.rows(layer, x.mean(1) if sequence else x)
        output.register_hook(lambda g, x=x: self.keep(layer, x, g.sum(1) if sequence else g))


class MeanOverMembers(Uses):
    """The loss is taken for a mean over members too, and the inputs are summed over them."""

    def watch(self, layer, inputs, output):
        if not output.requires_grad:
            return
        x, R = inputs[0].detach(), inputs[0].shape[1] if inputs[0].ndim == 3 else 1
        x = self.rows(layer, x * R**0.5)
        output.register_hook(lambda g, x=x: self.keep(layer, x, g * R))


class PlainOnSequences(Uses):
    """Layers on sequences are not looked at."""

    def watch(self, layer, inputs, output):
        if inputs[0].ndim != 3:
            super().watch(layer, inputs, output)
