"""The small KFAC of ``toys``, broken where several passes, or none, make a step."""

import torch

from tests.conformance.layers.toys import Uses


class LastPass(Uses):
    """The batch before is forgotten."""

    def begin(self, *_):
        if torch.is_grad_enabled():
            self.found.clear()


class LastPassTold(LastPass):
    """With gradient accumulation the factors are those of the last pass."""


class EveryPass(Uses):
    """What a pass saw is kept until the next step."""

    def begin(self, *_):
        """Keep it."""


class EveryPassPromised(EveryPass):
    """Cleared gradients begin a new step."""


class EveryPassTold(EveryPass):
    """Factors accumulate over all passes until the next step."""


class Averaged(Uses):
    """A running average, renewed in every backward pass."""

    def factors(self, weight):
        A = G = None
        for x, g in self.found.pop(weight):
            new = [rows.mT @ rows / rows.shape[1] for rows in (x, g)]
            A, G = new if A is None else (A.lerp(new[0], 0.1), G.lerp(new[1], 0.1))
        return [A, G]


class OneAtATime(Uses):
    """A second pass is refused."""

    def keep(self, layer, x, g):
        if layer.weight in self.found:
            raise ValueError("one backward pass to a step, please")
        super().keep(layer, x, g)


class Stumbles(Uses):
    """A second pass meets a list that is no tensor."""

    def store(self, weight, x, g):
        if weight in self.found:
            x = torch.cat([self.found[weight], x], 1)
        super().store(weight, x, g)


class Sums(Uses):
    """The slopes of a mean stand for those of a row."""

    def keep(self, layer, x, g):
        super().keep(layer, x, g / len(g))
