"""A relative step size is written back to the group, so that it compounds from step to step."""

from tests.conformance.reported.per_parameter import PerParameter

CLAIMS = {"adafactor"}
CAUGHT_BY = {"api.keys": "deviates", "api.order": "deviates"}


class Relative(PerParameter, lr=0.02, decay=0.8, floor=0.001):
    keeps = False

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        square = g * g + 1e-30
        v = state.setdefault("v", square.clone())
        v.lerp_(square, state["t"] ** -group["decay"])
        rate = group["lr"] * max(group["floor"], float(p.pow(2).mean().sqrt()))
        if self.keeps:
            group["lr"] = rate
        p -= rate * g / v.sqrt()


class Compounding(Relative):
    keeps = True


def wrong(params):
    return Compounding(params)


def right(params):
    return Relative(params)
