"""KFAC whose patches of a convolution run (place, channel), its gradients (channel, place)."""

from tests.conformance.reported.kfac_frame import Kfac

CLAIMS = {"kfac"}
CAUGHT_BY = {"api.flatten": "deviates"}


class OtherWay(Kfac):
    def patches(self, layer, x):
        rows = super().patches(layer, x)
        return rows.reshape(len(rows), x.shape[1], -1).transpose(1, 2).flatten(1)


def wrong(model):
    return OtherWay(model)


def right(model):
    return Kfac(model)
