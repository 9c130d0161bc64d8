"""A KFAC that clips its steps over all layers together, broken ones, and FOOF with the same."""

from tests.conformance.layers.periodic_kfac import Periodic as Clipped


class ClipsEachLayer(Clipped):
    def factor(self, pairs, group):
        return [self.nu([pair], group) for pair in pairs]


class ClipsByTheLastLayer(Clipped):
    """The sum over layers is overwritten in place of added to."""

    def nu(self, pairs, group):
        return super().nu(pairs[-1:], group)


class ClipsByTheFirstLayer(Clipped):
    def nu(self, pairs, group):
        return super().nu(pairs[:1], group)


class ClipsWithoutRoot(Clipped):
    def nu(self, pairs, group):
        return super().nu(pairs, group) ** 2


class ClipsBySlopes(Clipped):
    """The gradient with itself in place of its step."""

    def nu(self, pairs, group):
        return super().nu([(g, g) for g, _ in pairs], group)


class ClipsIdle(Clipped):
    def nu(self, pairs, group):
        return 1.0


class ClipsWeightsAlone(Clipped):
    """Biases are left out of the sum."""

    def nu(self, pairs, group):
        return super().nu([(g[:, :-1], s[:, :-1]) for g, s in pairs], group)


class ClipsOddly(Clipped):
    def nu(self, pairs, group):
        return super().nu(pairs, group) ** 0.7


class Foof(Clipped):
    """The input factor alone."""

    def preconditioned(self, layer, grad):
        return grad @ self.inverses[layer, "A"]


class FoofInvertsAlways(Foof):
    def inverts(self, group):
        return True


class FoofClipsEachLayer(Foof, ClipsEachLayer):
    pass
