"""The KFACs of ``toys`` with a group for each layer, or that mix groups or paddings up."""

from tests.conformance.layers.toys import Uses


class GroupOfEach(Uses):
    """Each trained layer is a group of its own, with a rate of its own."""

    def held(self, model):
        trained = [m for m in self.layers if any(p.requires_grad for p in m.parameters())]
        return [{"params": list(m.parameters())} for m in trained]

    def step(self, closure=None):
        groups, whole = self.param_groups, [p for g in self.param_groups for p in g["params"]]
        before = [p.detach().clone() for p in whole]
        self.param_groups = [{**groups[0], "params": whole, "lr": 1.0}]
        loss = super().step(closure)
        self.param_groups = groups
        for p, old in zip(whole, before, strict=True):
            p.data = old + self.rate(p) * (p.data - old)
        return loss

    def rate(self, p):
        held = [g["lr"] for g in self.param_groups if any(p is other for other in g["params"])]
        return held[0]


class PerLayer(GroupOfEach):
    """Layers must not share weights."""


class CountsFrozen(PerLayer):
    """The k-th layer has the rate of the k-th group, also where a frozen one has none."""

    def rate(self, p):
        layer = next(m for m in self.layers if any(p is other for other in m.parameters()))
        place = self.layers.index(layer)
        return self.param_groups[min(place, len(self.param_groups) - 1)]["lr"]


class PaddingAsWritten(Uses):
    """Hands a convolution's padding on as it is, a word included."""

    def padding(self, layer):
        return layer.padding


class DampsByPlaces(Uses):
    """Damping of a convolution is over the number of its places."""

    def keep(self, layer, x, g):
        places = g[0, 0].numel() if g.ndim == 4 and len(g) else 1
        self.places = {**getattr(self, "places", {}), layer.weight: places}
        super().keep(layer, x, g)

    def damping(self, W, damping):
        return damping / self.places[W]
