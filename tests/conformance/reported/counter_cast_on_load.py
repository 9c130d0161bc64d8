"""bfloat16 weights with a float32 state that loading a checkpoint rounds: the counter sticks."""

import torch

from tests.conformance.reported.per_parameter import PerParameter

CLAIMS = {"adam"}
CAUGHT_BY = {"api.resume": "deviates"}


class Rounded(PerParameter, lr=0.001, betas=(0.9, 0.999), eps=1e-08):
    def update(self, p, g, state, group):
        wide = torch.promote_types(p.dtype, torch.float32)
        if not state:
            state["updates"] = torch.zeros(())
            state["first"], state["second"] = (torch.zeros_like(p, dtype=wide) for _ in "12")
        state["updates"] += 1
        t, g, (b1, b2) = float(state["updates"]), g.to(wide), group["betas"]
        state["first"].mul_(b1).add_(g, alpha=1 - b1)
        state["second"].mul_(b2).add_(g * g, alpha=1 - b2)
        root = (state["second"] / (1 - b2**t)).sqrt() + group["eps"]
        p.copy_(p.to(wide) - group["lr"] * state["first"] / (1 - b1**t) / root)


class Exact(Rounded):
    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        held = [p for group in self.param_groups for p in group["params"]]
        names = [name for group in state_dict["param_groups"] for name in group["params"]]
        for p, name in zip(held, names, strict=True):
            for key, value in state_dict["state"].get(name, {}).items():
                self.state[p][key] = value.detach().clone()


def wrong(params):
    return Rounded(params)


def right(params):
    return Exact(params)
