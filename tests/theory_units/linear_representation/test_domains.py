"""Where the domain of a claim ends, on both sides of the edge."""

import pytest

from lpfl.verify.registry import CLAIMS

CHAIN = {"num_layers": 4, "step_size": 0.5, "middle_step_size": 0.5}


@pytest.mark.parametrize(
    ("claim", "inside", "outside"),
    [
        # eta + 2 eta_M + eta_F on both sides of 2
        ("LR-43", {**CHAIN, "head_step_size": 0.49}, {**CHAIN, "head_step_size": 0.51}),
        # the mean inverse of a batch exists from d + 2 rows on
        ("LR-47", {"input_dim": 6, "batch_size": 8}, {"input_dim": 6, "batch_size": 7}),
        ("LR-43", {"input_dim": 6, "batch_size": 8}, {"input_dim": 6, "batch_size": 7}),
        ("LR-46", {"input_dim": 6, "batch_size": 8}, {"input_dim": 6, "batch_size": 7}),
        ("LR-42", {"input_dim": 6, "batch_size": 8}, {"input_dim": 6, "batch_size": 7}),
    ],
)
def test_the_domain_ends_at_its_edge(claim, inside, outside):
    stated = CLAIMS[claim]
    assert stated.violated({**stated.example, **inside}) == []
    assert stated.violated({**stated.example, **outside})
