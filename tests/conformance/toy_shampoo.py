"""Shampoo and SOAP with a largest side that is preconditioned or joined, and wrong ones."""

import torch

from tests.conformance.reported.per_parameter import PerParameter


class Shampoo(PerParameter, lr=0.05, eps=1e-3, max_preconditioned_dim=8192):
    """Sums on the sides up to the largest; the other sides have no preconditioner."""

    def update(self, p, g, state, group):
        G = g.reshape(-1) if g.ndim == 0 else g
        kept = [i for i, n in enumerate(G.shape) if self.small(n, group, G.shape)]
        step = G
        for i in kept:
            wide = G.movedim(i, 0).reshape(G.shape[i], -1)
            if i not in state:
                state[i] = group["eps"] * torch.eye(len(wide), dtype=g.dtype)
            state[i] += wide @ wide.T
            values, Q = torch.linalg.eigh(state[i])
            root = (Q * values ** self.power(G.ndim, len(kept))) @ Q.T
            step = torch.tensordot(root, step, dims=([1], [i])).movedim(0, i)
        p -= group["lr"] * step.reshape(p.shape)

    def small(self, n, group, shape):
        return n <= group["max_preconditioned_dim"]

    def power(self, order, kept):
        return -0.5 / max(kept, 1)


class OfAllSides(Shampoo):
    def power(self, order, kept):
        return -0.5 / order


class AllOrNone(Shampoo):
    """Weights with a side above the largest are stepped along the gradient."""

    def small(self, n, group, shape):
        return max(shape) <= group["max_preconditioned_dim"]


class OtherSide(Shampoo):
    """The limit is compared with the other side."""

    def small(self, n, group, shape):
        return super().small(sum(shape) - n if len(shape) == 2 else n, group, shape)


class Ignored(Shampoo):
    def small(self, n, group, shape):
        return True


class Unknown(Shampoo):
    """A limit on the number of entries, and a third of the exponent."""

    def power(self, order, kept):
        return -0.5 / order if kept == order else -0.4


class Merges(Shampoo, merge_dims=False):
    """Neighbouring sides are joined while their product is at most the largest side."""

    def update(self, p, g, state, group):
        if not group["merge_dims"]:
            super().update(p, g, state, group)
            return
        sizes = []
        for n in g.shape:
            joins = sizes and sizes[-1] * n <= group["max_preconditioned_dim"]
            sizes = [*sizes[:-1], sizes[-1] * n] if joins else [*sizes, n]
        super().update(p, self.joined(g).reshape(sizes), state, group)

    def joined(self, g):
        return g


class JoinsOthers(Merges):
    """The gradient is reshaped with its sides in another order."""

    def joined(self, g):
        return g.movedim(0, -1).contiguous() if g.ndim > 2 else g


class Soap(PerParameter, lr=3e-3, betas=(0.9, 0.9), eps=1e-8, max_precond_dim=10000):
    """Adam in the eigenvectors of the averages; the identity on sides above the largest."""

    def update(self, p, g, s, group):
        (b1, b2), most = group["betas"], group["max_precond_dim"]
        s["t"] = s.get("t", 0) + 1
        turned = [i for i, n in enumerate(g.shape) if g.ndim > 1 and self.small(n, most, g.shape)]
        bases = {}
        for i in turned:
            wide = g.movedim(i, 0).reshape(g.shape[i], -1)
            s[i] = b2 * s.get(i, 0.0) + (1 - b2) * wide @ wide.T
            bases[i] = torch.linalg.eigh(s[i]).eigenvectors.flip(1)
        turn = lambda x, back: self.turn(x, bases, back)  # noqa: E731
        s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * turn(g, False).square()
        mean, second = turn(s["m"], False) / (1 - b1 ** s["t"]), s["v"] / (1 - b2 ** s["t"])
        p -= group["lr"] * turn(mean / (second.sqrt() + group["eps"]), True)

    def small(self, n, most, shape):
        return n <= most

    def turn(self, x, bases, back):
        for i, Q in bases.items():
            x = torch.tensordot(Q if back else Q.T, x, dims=([1], [i])).movedim(0, i)
        return x


class SoapOtherSide(Soap):
    def small(self, n, most, shape):
        return (sum(shape) - n if len(shape) == 2 else n) <= most
