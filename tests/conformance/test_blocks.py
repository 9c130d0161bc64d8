"""Weights cut into blocks: right ones in some layouts, and what goes wrong in blocked code."""

from itertools import pairwise

import pytest
import torch

from lpfl import OptimizerSpec, check_optimizer
from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.twin_answers import require_apart

CHECK = "def.blocks"


def root(moment, eps, power):
    values, vectors = torch.linalg.eigh(moment)
    return (vectors * (values.clamp(min=0) + eps) ** power) @ vectors.T


class Blocks(PerParameter, lr=0.05, beta2=0.9, eps=1e-4, block_size=128):
    """Shampoo on every block of a matrix; kernels are flattened, vectors keep the gradient."""

    def update(self, p, g, state, group):
        if p.ndim < 2:
            p -= group["lr"] * g
            return
        G, most = g.flatten(1), group["block_size"]
        step = self.joined(G, self.cut(G, most), state, group)
        p -= group["lr"] * step.reshape(p.shape)

    def joined(self, G, places, state, group):
        out = torch.zeros_like(G)
        for i, (rows, columns) in enumerate(places):
            out[rows, columns] = self.of_block(G[rows, columns], state, i, group)
        return out

    def cut(self, G, most):
        rows, columns = (self.sides(n, most) for n in G.shape)
        return [(r, c) for r in rows for c in columns]

    def sides(self, n, most):
        return [slice(i, min(i + most, n)) for i in range(0, n, most)]

    def of_block(self, g, state, i, group):
        kept = state.setdefault(i, [torch.zeros(n, n, dtype=g.dtype) for n in g.shape])
        for S, square in zip(kept, (g @ g.T, g.T @ g), strict=True):
            S.mul_(group["beta2"]).add_(square, alpha=1 - group["beta2"])
        left, right = (root(S, group["eps"], -0.25) for S in kept)
        return left @ g @ right


class RestFirst(Blocks):
    def sides(self, n, most):
        ends = sorted({0, *range(n, 0, -most)})
        return [slice(a, b) for a, b in pairwise(ends)]


class Grafted(Blocks):
    """The step of a whole weight is brought to the length of its gradient."""

    def joined(self, G, places, state, group):
        step = super().joined(G, places, state, group)
        return step * G.norm() / step.norm().clamp(min=1e-30)


class RunsOfTheFlattened(Blocks):
    """Blocks are runs of the flattened weight, each a column."""

    def joined(self, G, places, state, group):
        flat = G.reshape(-1)
        out = torch.zeros_like(flat)
        for i, rows in enumerate(self.sides(len(flat), group["block_size"])):
            out[rows] = self.of_block(flat[rows, None], state, i, group)[:, 0]
        return out.reshape(G.shape)


class GraftedInMomentum(Grafted):
    """The factor of a whole weight is in the momentum of its blocks."""

    def joined(self, G, places, state, group):
        step = super().joined(G, places, state, group)
        state["b"] = 0.9 * state.get("b", torch.zeros_like(step)) + step
        return state["b"]


class EveryOther(Blocks):
    """A block has every second row, and all of at most the size of the columns."""

    def cut(self, G, most):
        rows = [slice(None)] if len(G) <= most else [slice(0, None, 2), slice(1, None, 2)]
        return [(r, c) for r in rows for c in self.sides(G.shape[1], most)]


class LeavesLargeOnesAlone(Blocks):
    """Weights with a side above the size are stepped along the gradient."""

    def joined(self, G, places, state, group):
        whole = max(G.shape) <= group["block_size"]
        return super().joined(G, places, state, group) if whole else G


class RestIsLeftBehind(Blocks):
    def sides(self, n, most):
        return super().sides(n, most)[: max(1, n // most)]


class ShareStatistics(Blocks):
    """Blocks of one shape add to the same statistics."""

    def of_block(self, g, state, i, group):
        return super().of_block(g, state, tuple(g.shape), group)


class RowsAlone(Blocks):
    def cut(self, G, most):
        return [(rows, slice(None)) for rows in self.sides(len(G), most)]


class PutBackElsewhere(Blocks):
    """Blocks are read row by row and put back column by column."""

    def joined(self, G, places, state, group):
        steps = [self.of_block(G[r, c], state, i, group) for i, (r, c) in enumerate(places)]
        count = len(self.sides(G.shape[1], group["block_size"]))
        rows = [torch.cat(steps[i : i + count], 1) for i in range(0, len(steps), count)]
        out = torch.cat(rows)
        most = group["block_size"]
        if len(places) > 1:  # the first two blocks of a column change places
            out[: 2 * most] = torch.cat([out[most : 2 * most], out[:most]])
        return out


class Forgets(Blocks):
    """The statistics of the last block start anew in each step."""

    def joined(self, G, places, state, group):
        if len(places) > 1:
            state.pop(len(places) - 1, None)
        return super().joined(G, places, state, group)


class Ignored(Blocks):
    def cut(self, G, most):
        return super().cut(G, 10**6)


class Soap(Blocks, lr=0.01, betas=(0.9, 0.9), eps=1e-8):
    """SOAP on every block, in the eigenvectors of its statistics."""

    def of_block(self, g, state, i, group):
        b1, b2 = group["betas"]
        s = state.setdefault(i, {})
        if not s:
            s["S"] = [torch.zeros(n, n, dtype=g.dtype) for n in g.shape]
            s["m"], s["v"], s["t"] = torch.zeros_like(g), torch.zeros_like(g), 0
        s["t"] += 1
        for S, square in zip(s["S"], (g @ g.T, g.T @ g), strict=True):
            S.mul_(b2).add_(square, alpha=1 - b2)
        L, R = (torch.linalg.eigh(S).eigenvectors.flip(1) for S in s["S"])
        s["m"].lerp_(g, 1 - b1)
        s["v"].lerp_((L.T @ g @ R).square(), 1 - b2)
        mean, unit = L.T @ s["m"] @ R / (1 - b1 ** s["t"]), 1 - b2 ** s["t"]
        return L @ (mean / ((s["v"] / unit).sqrt() + group["eps"])) @ R.T


class SoapSharesItsBasis(Soap):
    """One basis for all blocks of a shape."""

    def of_block(self, g, state, i, group):
        return super().of_block(g, state, tuple(g.shape), group)


def judged(kind, claims=("shampoo",)):
    """Return the outcome, the words and whether a program shows the finding."""
    report = check_optimizer(
        OptimizerSpec("s", kind, claims=frozenset(claims)), on_fail=None, checks=[CHECK]
    )
    words = " ".join(r.message for r in report.results)
    return str(report.outcome(CHECK)), words, any(r.snippet for r in report.results)


@pytest.mark.parametrize(
    ("kind", "claim", "outcome", "words"),
    [
        (Blocks, "shampoo", "conforms", "the rest last"),
        (Soap, "soap", "conforms", "the rest last"),
        (RestFirst, "shampoo", "conforms up to a convention", "the rest first"),
        (RunsOfTheFlattened, "shampoo", "documented variant", "of the flattened weight"),
        (EveryOther, "shampoo", "documented variant", "as its entries show"),
        (GraftedInMomentum, "shampoo", "inconclusive", "a factor in common"),
        (LeavesLargeOnesAlone, "shampoo", "documented variant", "entry by entry"),
        (Grafted, "shampoo", "documented variant", "up to a length"),
    ],
)
def test_a_right_layout_is_named(kind, claim, outcome, words):
    found, said, _ = judged(kind, {claim})
    assert (found, words in said) == (outcome, True), said


@pytest.mark.parametrize(
    ("kind", "claim", "words"),
    [
        (RestIsLeftBehind, "shampoo", "never move"),
        (ShareStatistics, "shampoo", "moves rows 0 to 5 and columns 0 to 2"),
        (RowsAlone, "shampoo", "only the rows are cut: a side of 5 stays whole"),
        (PutBackElsewhere, "shampoo", "does not move that entry"),
        (Forgets, "shampoo", "a block of 2 x 2 is off from step 2"),
        (SoapSharesItsBasis, "soap", "does not move as its blocks alone do"),
    ],
)
def test_a_wrong_block_is_found(kind, claim, words):
    found, said, shown = judged(kind, {claim})
    assert (found, words in said, shown) == ("deviates", True, True), said


def test_a_size_that_is_not_used_is_a_limit():
    found, said, shown = judged(Ignored)
    assert (found, shown) == ("limit", True), said


def test_entries_left_behind_are_found_without_a_claim():
    require_apart(CHECK, Blocks, RestIsLeftBehind, "deviates", "never move")


def test_without_a_claim_an_unknown_layout_is_not_accused():
    assert judged(ShareStatistics, ())[0] == "inconclusive"


def test_no_block_no_question():
    found, said, _ = judged(torch.optim.Adam, {"adam"})
    assert found == "not claimed", said
