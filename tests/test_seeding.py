"""Named streams: reproducible, distinct, independent of order."""

import subprocess
import sys

import pytest
import torch

from lpfl.seeding import derive_seed, generator


def test_same_name_same_bits():
    a = torch.randn(5, generator=generator(3, "batch", 7))
    b = torch.randn(5, generator=generator(3, "batch", 7))
    assert torch.equal(a, b)


def test_names_and_seeds_give_distinct_streams():
    paths = [(0,), (1,), (0, "a"), (0, "b"), (0, "a", 1), (0, "a", 2), (0, "a1"), (0, 1.0)]
    assert len({derive_seed(*path) for path in paths}) == len(paths)


def test_same_in_another_process():
    code = "from lpfl.seeding import derive_seed; print(derive_seed(5, 'x', 2))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(out.stdout) == derive_seed(5, "x", 2)


@pytest.mark.parametrize("seed", [-1, 1.5, True, "0"])
def test_bad_seed_is_named(seed):
    with pytest.raises(ValueError, match=r"seed=.*needs an integer >= 0"):
        derive_seed(seed, "x")
