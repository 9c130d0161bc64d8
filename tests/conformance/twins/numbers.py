"""Mistakes with complex and sparse numbers, rates in tensors, closures and later groups."""

import torch

from tests.conformance.twins.frame import DEVIATES, LIMIT, Frame, Twin, method


class Kinds(Frame):
    """Takes complex parameters, sparse gradients and a learning rate in a tensor."""

    def __init__(self, params, **options):
        self.built = 0
        super().__init__(params, **options)
        self.built = len(self.param_groups)

    @torch.no_grad()
    def step(self, closure=None):
        if self.fault == "closure called twice" and closure is not None:
            with torch.enable_grad():
                closure()
        return super().step(closure)

    def update(self, p, g, state, group):
        if g.is_sparse:
            values, (rows,) = g._values(), g._indices()
            whole = torch.zeros_like(p)
            if self.fault == "entries of one place overwritten":
                whole[rows] = values
            else:
                whole.index_add_(0, rows, values)
            g = whole
        rate = group["lr"]
        if self.fault == "rate in a tensor falls" and isinstance(rate, torch.Tensor):
            rate.mul_(0.9)
        place = [q is p for one in self.param_groups[: self.built] for q in one["params"]]
        if self.fault == "later groups take the defaults" and not any(place):
            group = {**group, **self.defaults}
        if p.is_complex():
            if self.fault == "imaginary part lost":
                g = g.real.to(p.dtype)
            if self.fault == "conjugate for the gradient":
                g = g.conj()
            if self.fault != "square of a complex number":
                p, g = torch.view_as_real(p), torch.view_as_real(g.resolve_conj())
        super().update(p, g, state, group)


@method("momentum", frame=Kinds, lr=0.1, momentum=0.9, weight_decay=0.0)
def momentum(p, g, s, o, fault):
    g = g + o.weight_decay * p
    s["v"] = o.momentum * s["v"] + g if "v" in s else g.clone()
    p -= o.lr * s["v"]


@method("adam", frame=Kinds, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
def adam(p, g, s, o, fault):
    t = s["t"] = s.get("t", 0) + 1
    b1, b2 = o.betas
    s["m"] = b1 * s.get("m", torch.zeros_like(p)) + (1 - b1) * g
    s["v"] = b2 * s.get("v", torch.zeros_like(p)) + (1 - b2) * g * g
    p -= o.lr * (s["m"] / (1 - b1**t)) / ((s["v"] / (1 - b2**t)).sqrt() + o.eps)


METHODS = {"momentum": momentum, "adam": adam}
TWINS = [
    Twin("momentum", "imaginary part lost", {"api.complex": LIMIT}),
    Twin("momentum", "conjugate for the gradient", {"api.complex": LIMIT}),
    Twin("momentum", "entries of one place overwritten", {"api.sparse": DEVIATES}),
    Twin("momentum", "rate in a tensor falls", {"api.lr-tensor": LIMIT}),
    Twin("momentum", "closure called twice", {"api.closure": LIMIT}),
    Twin("momentum", "later groups take the defaults", {"api.add-group": DEVIATES}),
    Twin("adam", "square of a complex number", {"api.complex": LIMIT}),
]
