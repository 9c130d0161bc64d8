"""Faults in what torch's base class keeps for its users.

Each stands after the optimizer without the fault.
"""

import copy

import torch

from tests.conformance.reported.per_parameter import PerParameter


class Momentum(PerParameter, lr=0.1):
    def update(self, p, g, state, group):
        speed = state.setdefault("speed", torch.zeros_like(p)).mul_(0.9).add_(g)
        p -= float(group["lr"]) * speed


class TakesTwice(Momentum):
    """Adds groups without a look at what it holds."""

    def add_param_group(self, param_group):
        held = param_group["params"]
        params = [held] if isinstance(held, torch.Tensor) else list(held)
        self.param_groups.append({**self.defaults, **param_group, "params": params})


class TakesOnce(Momentum):
    """Adds what it does not hold yet."""

    def add_param_group(self, param_group):
        held = {p for group in self.param_groups for p in group["params"]}
        given = param_group["params"]
        params = [given] if isinstance(given, torch.Tensor) else list(given)
        super().add_param_group({**param_group, "params": [p for p in params if p not in held]})


class KeepsItsOwnEntries(Momentum):
    """Saves the options that it knows."""

    def state_dict(self):
        saved = super().state_dict()
        known = {*self.defaults, "params"}
        groups = [{k: v for k, v in g.items() if k in known} for g in saved["param_groups"]]
        return {**saved, "param_groups": groups}


class LoadsByHand(Momentum):
    """Loads what it finds, past the hooks."""

    def load_state_dict(self, state_dict):
        params = [p for group in self.param_groups for p in group["params"]]
        for index, held in state_dict["state"].items():
            self.state[params[index]] = copy.deepcopy(held)
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({k: v for k, v in saved.items() if k != "params"})


class LoadsWhatFits(Momentum):
    """Loads as much as there is, and calls the hooks."""

    def load_state_dict(self, state_dict):
        held = self.state_dict()
        count = sum(len(group["params"]) for group in state_dict["param_groups"])
        kept = {i: v for i, v in held["state"].items() if i >= count}
        whole = {"state": {**kept, **state_dict["state"]}, "param_groups": held["param_groups"]}
        for group, saved in zip(whole["param_groups"], state_dict["param_groups"], strict=False):
            group.update({k: v for k, v in saved.items() if k != "params"})
        super().load_state_dict(whole)


class ForgetsGradients(Momentum):
    """Sets gradients to None, whatever is asked for."""

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none=True)


class ReplacesTheRate(Momentum):
    """Has a number for the rate, once it has stepped."""

    def run(self, group):
        group["lr"] = float(group["lr"])
        super().run(group)


class FindsTheRate(Momentum):
    """Writes the rate that it finds into the group."""

    def run(self, group):
        group["lr"] = 0.5 * float(group["lr"])
        super().run(group)


FAULTS = [
    ("api.bookkeeping", TakesTwice, (), "limit"),
    ("api.bookkeeping", KeepsItsOwnEntries, (), "limit"),
    ("api.bookkeeping", LoadsByHand, (), "limit"),
    ("api.bookkeeping", LoadsWhatFits, (), "limit"),
    ("api.bookkeeping", ForgetsGradients, (), "limit"),
    ("api.bookkeeping", ReplacesTheRate, (), "limit"),
]
"""(check, optimizer, claims, outcome)."""
