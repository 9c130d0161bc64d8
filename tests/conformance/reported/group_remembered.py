"""Distance over gradients, its global numbers in a group that loading a checkpoint replaces."""

import torch

CLAIMS = {"dog"}
CAUGHT_BY = {"api.resume": "deviates"}


class Dog(torch.optim.Optimizer):
    def __init__(self, params, lr=1.0):
        super().__init__(params, {"lr": lr})
        self.param_groups[0].update(far=1e-3, energy=0.0)

    def numbers(self):
        return self.param_groups[0]

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        held = [(g, p) for g in self.param_groups for p in g["params"] if p.grad is not None]
        numbers, way = self.numbers(), 0.0
        for _, p in held:
            way += float((p - self.state[p].setdefault("from", p.clone())).pow(2).sum())
            numbers["energy"] += float(p.grad.pow(2).sum())
        numbers["far"] = max(numbers["far"], way**0.5)
        if numbers["energy"] > 0:
            for group, p in held:
                p -= group["lr"] * numbers["far"] / numbers["energy"] ** 0.5 * p.grad
        return loss


class Remembers(Dog):
    def __init__(self, params, lr=1.0):
        super().__init__(params, lr)
        self.first_group = self.param_groups[0]

    def numbers(self):
        return self.first_group


def wrong(params):
    return Remembers(params)


def right(params):
    return Dog(params)
