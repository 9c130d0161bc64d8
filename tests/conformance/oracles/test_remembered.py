"""Answers that are remembered are those that would be computed, and are forgotten in time."""

import torch

from lpfl.conformance.oracles import remembered as module
from lpfl.conformance.oracles.matrices import QUINTIC, newton_schulz, polar, power
from lpfl.conformance.oracles.remembered import remembered


def normal(*shape, seed=0):
    stream = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=stream, dtype=torch.float64)


def counted():
    asked = []

    @remembered
    def doubled(M, factor=2.0, *, add=0.0):
        asked.append(tuple(M.shape))
        return factor * M + add

    return doubled, asked


def test_each_question_is_computed_once():
    doubled, asked = counted()
    M = normal(3, 4)
    assert torch.equal(doubled(M), doubled(M.clone()))
    assert asked == [(3, 4)]


def test_what_differs_in_anything_is_another_question():
    doubled, asked = counted()
    M = normal(3, 4)
    near = M.clone()
    near[0, 0] = torch.nextafter(near[0, 0], near[0, 1])
    for one in (M, near, M.reshape(4, 3), M.T, M.float()):
        assert torch.equal(doubled(one), 2.0 * one)
    assert torch.equal(doubled(M, 3.0), 3.0 * M)
    assert torch.equal(doubled(M, add=1.0), 2.0 * M + 1.0)
    assert len(asked) == 7


def test_large_matrices_and_old_questions_are_not_kept(monkeypatch):
    doubled, asked = counted()
    large = torch.zeros(module.LARGEST + 1, 1)
    doubled(large), doubled(large)
    assert len(asked) == 2
    monkeypatch.setattr(module, "MOST_BYTES", 3 * 2 * 12 * 8)
    for seed in range(4):
        doubled(normal(3, 4, seed=seed))
    doubled(normal(3, 4, seed=3)), doubled(normal(3, 4, seed=0))
    assert len(asked) == 7


def test_the_references_compute_as_before():
    M = normal(5, 3)
    S = M.T @ M
    for ask in (
        lambda f: f(newton_schulz)(M, (QUINTIC,) * 5, eps=1e-7),
        lambda f: f(newton_schulz)(M.bfloat16(), (QUINTIC,) * 5, order="fused"),
        lambda f: f(polar)(M),
        lambda f: f(power)(S, -0.25, 1e-3, "clamp"),
    ):
        plain = ask(lambda f: f.__wrapped__)
        assert torch.equal(ask(lambda f: f), plain)
        assert torch.equal(ask(lambda f: f), plain)
