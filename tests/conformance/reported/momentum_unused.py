"""Muon that keeps a momentum and then makes the raw gradient orthogonal."""

from tests.conformance.reported.muon_frame import Muon, matrices

CLAIMS = {"muon"}
CAUGHT_BY = {"def.trajectory": "deviates", "api.options": "deviates"}


class Raw(Muon):
    def looked_at(self, g, average, momentum):
        return g


def wrong(params):
    return Raw(matrices(params))


def right(params):
    return Muon(matrices(params))
