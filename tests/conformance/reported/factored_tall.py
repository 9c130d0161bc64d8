"""Factored second moments that average over the wrong axis for tall matrices."""

from tests.conformance.reported.per_parameter import PerParameter

CLAIMS = {"adafactor"}
CAUGHT_BY = {"api.transpose": "deviates"}


class Factored(PerParameter, lr=0.01, decay=0.8):
    def mean_of(self, rows, p):
        return rows.mean(-2, keepdim=True)

    def update(self, p, g, state, group):
        state["t"] = state.get("t", 0) + 1
        new, square = state["t"] ** -group["decay"], g * g + 1e-30
        if p.ndim < 2:
            v = state.setdefault("v", square.clone()).lerp_(square, new)
        else:
            rows, columns = square.mean(-1, keepdim=True), square.mean(-2, keepdim=True)
            rows = state.setdefault("rows", rows.clone()).lerp_(rows, new)
            columns = state.setdefault("columns", columns.clone()).lerp_(columns, new)
            v = rows * columns / self.mean_of(rows, p)
        step = g / v.sqrt()
        step /= step.pow(2).mean().sqrt().clamp(min=1.0)
        p -= group["lr"] * step


class ForgetsRows(Factored):
    def mean_of(self, rows, p):
        return rows if p.shape[-2] > p.shape[-1] else super().mean_of(rows, p)


def wrong(params):
    return ForgetsRows(params)


def right(params):
    return Factored(params)
