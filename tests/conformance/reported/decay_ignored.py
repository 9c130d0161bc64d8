"""Muon that accepts weight decay and does nothing with it."""

from tests.conformance.reported.muon_frame import Muon, matrices

CLAIMS = {"muon"}
CAUGHT_BY = {"api.options": "deviates"}


class Ignores(Muon):
    def decay(self, p, group):
        del p, group


def wrong(params):
    return Ignores(matrices(params), weight_decay=0.1)


def right(params):
    return Muon(matrices(params), weight_decay=0.1)
