"""Muon that takes its length factor from the kernel's last two sides, not from the flat matrix."""

from tests.conformance.reported.muon_frame import Muon, matrices

CLAIMS = {"muon"}
CAUGHT_BY = {"api.flatten": "deviates"}


class FromKernel(Muon):
    def length(self, p, matrix):
        return max(1.0, p.shape[-2] / p.shape[-1]) ** 0.5


def wrong(params):
    return FromKernel(matrices(params))


def right(params):
    return Muon(matrices(params))
