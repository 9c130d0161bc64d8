"""Mistakes of the torch interface: state, groups, closures, gradients, paths."""

import copy

import torch

from tests.conformance.twins.frame import LIMIT, Frame, Twin, average, count, method


class Stateful(Frame):
    """The frame with every mistake that lies outside of the rule."""

    def __init__(self, params, **options):
        self.buffers, self.steps, self.total = {}, 0, None
        super().__init__(params, **options)

    @torch.no_grad()
    def step(self, closure=None):
        self.steps += 1
        self.place = -1
        if self.fault == "gradients read before the closure":
            held = {p: p.grad for g in self.param_groups for p in g["params"]}
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for p, grad in held.items():
                p.grad = grad
            super().step()
            return loss
        if self.fault == "closure called again without gradients" and closure is not None:
            super().step(closure)
            return closure()
        if self.fault == "lr falls in the group":
            for group in self.param_groups:
                group["lr"] *= 0.99
        if self.fault == "gradients cleared after the step":
            loss = super().step(closure)
            self.zero_grad()
            return loss
        if self.fault == "norm over the group":
            for group in self.param_groups:
                held = [p.grad for p in group["params"] if p.grad is not None]
                self.total = sum(float(g.square().sum()) for g in held) ** 0.5
        return super().step(closure)

    def update(self, p, g, state, group):
        fault = self.fault
        self.place += 1
        if fault == "state by shape":
            state = self.buffers.setdefault(tuple(p.shape), {})
        elif fault == "state by place among those with gradients":
            state = self.buffers.setdefault(self.place, {})
        elif fault == "buffer beside the state" or fault == "buffer lost by state_dict":
            state = self.buffers.setdefault(p, {}) if fault.startswith("buffer beside") else state
        if fault == "steps counted in the object":
            state["t"] = self.steps - 1
        if fault == "lr of the first group for all":
            group = {**group, "lr": self.param_groups[0]["lr"]}
        if fault == "lr of the constructor":
            group = {**group, "lr": self.defaults["lr"]}
        if fault == "betas of the last group":
            group = {**group, "betas": self.param_groups[-1]["betas"]}
        if fault == "gradient clipped in place":
            g.clamp_(-0.5, 0.5)
        if fault == "decay joined to the gradient in place":
            g.add_(p, alpha=group["weight_decay"])
            group = {**group, "weight_decay": 0.0}
        if fault == "norm over the group":
            g = g / max(1.0, self.total)
        if fault == "weights kept as a copy":
            copied = state.setdefault("copy", p.clone())
            super().update(copied, g, state, group)
            p.copy_(copied)
            return
        if fault == "weights replaced":
            moved = p.clone()
            super().update(moved, g, state, group)
            p.data = moved
            return
        if fault == "state from the first gradient by reference" and "m" not in state:
            state["m"] = g
        super().update(p, g, state, group)

    def state_dict(self):
        state = super().state_dict()
        if self.fault == "buffer lost by state_dict":
            state = {
                **state,
                "state": {k: {"t": v["t"], "m": v["m"]} for k, v in state["state"].items()},
            }
        return state

    def load_state_dict(self, state):
        if self.fault == "options of the checkpoint not taken":
            kept = [{k: v for k, v in g.items() if k != "params"} for g in self.param_groups]
            super().load_state_dict(state)
            for group, old in zip(self.param_groups, kept, strict=True):
                group.update(old)
            return
        if self.fault == "counter reset on load":
            state = copy.deepcopy(state)
            for entry in state["state"].values():
                entry["t"] = 0
        super().load_state_dict(state)


@method(
    "adam", frame=Stateful, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, foreach=True
)
def adam(p, g, s, o, fault):
    t = count(s)
    if fault != "foreach forgets the decay" or not o.foreach:
        g = g + o.weight_decay * p
    m, v = average(s, "m", g, o.betas[0]), average(s, "v", g * g, o.betas[1])
    if fault == "foreach rounds to single" and o.foreach:
        m = m.float().to(p.dtype)
    if fault == "narrow counter":
        s["t"] = torch.as_tensor(t, dtype=p.dtype)
    step = m / (1 - o.betas[0] ** t) / ((v / (1 - o.betas[1] ** t)).sqrt() + o.eps)
    p -= o.lr * step


METHODS = {"adam": adam}
TWINS = [
    Twin("adam", "gradients read before the closure", {"api.closure": "deviates"}),
    Twin("adam", "closure called again without gradients", {"api.closure": LIMIT}),
    Twin("adam", "lr falls in the group", {"api.keys": "deviates"}),
    Twin("adam", "gradients cleared after the step", {"api.grads-kept": LIMIT}),
    Twin("adam", "norm over the group", {"api.coupling": "deviates"}),
    Twin("adam", "state by shape", {"api.coupling": "deviates"}),
    Twin("adam", "state by place among those with gradients", {"api.missing": "deviates"}),
    Twin("adam", "buffer beside the state", {"api.resume": "deviates"}),
    Twin("adam", "buffer lost by state_dict", {"api.resume": "deviates"}),
    Twin("adam", "steps counted in the object", {"api.resume": "deviates", "api.late": LIMIT}),
    Twin("adam", "lr of the first group for all", {"api.groups": "deviates"}),
    Twin("adam", "lr of the constructor", {"api.lr-read": "deviates", "api.groups": "deviates"}),
    Twin("adam", "betas of the last group", {"api.groups": "deviates"}),
    Twin("adam", "gradient clipped in place", {"api.grads-kept": LIMIT}),
    Twin("adam", "decay joined to the gradient in place", {"api.grads-kept": LIMIT}),
    Twin("adam", "weights replaced", {"api.in-place": LIMIT}),
    Twin("adam", "weights kept as a copy", {"api.loaded-weights": LIMIT}),
    Twin("adam", "state from the first gradient by reference", {"api.grads-kept": LIMIT}),
    Twin("adam", "options of the checkpoint not taken", {"api.resume": "deviates"}),
    Twin("adam", "counter reset on load", {"api.resume": "deviates"}),
    Twin("adam", "foreach forgets the decay", {"api.paths": "deviates"}),
    Twin("adam", "foreach rounds to single", {"api.paths": "numerics"}),
    Twin("adam", "narrow counter", {"api.counters": "deviates"}),
]
