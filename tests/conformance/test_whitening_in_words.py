"""A word of diagonal factors excuses who keeps no matrix for each side, and nobody else."""

import pytest
import torch

from tests.conformance.reported.per_parameter import PerParameter
from tests.conformance.twin_answers import judged


class Plain(PerParameter, lr=0.01):
    """Steps along the gradient; vectors have one diagonal factor."""

    dense = True

    def update(self, p, g, state, group):
        if not state:
            factors = [torch.eye(n, dtype=p.dtype) for n in p.shape]
            state["Q"] = factors if self.dense else [Q.diagonal().clone() for Q in factors]
        p -= group["lr"] * g


class Diagonal(Plain):
    """Steps along the gradient; each side has one diagonal factor."""

    dense = False


@pytest.mark.parametrize(("kind", "outcome"), [(Plain, "deviates"), (Diagonal, "inconclusive")])
def test_a_word_is_weighed_by_what_is_kept(kind, outcome):
    assert judged(kind, "def.whitening", {"psgd-kron"})[0] == outcome
