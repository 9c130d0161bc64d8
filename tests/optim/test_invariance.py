"""LR-27's fingerprint: which transforms of the inputs an optimizer commutes with."""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from lpfl.linalg import machine_tolerance
from lpfl.measure.invariance import (
    TRANSFORMS,
    draw_transform,
    input_transform_deviation,
    invariance_table,
)
from lpfl.optim import OPTIMIZERS, Method
from lpfl.seeding import generator

ORTHOGONAL = ("rotation", "permutation", "signed_permutation")
STRETCHING = ("scale", "diagonal", "general")
# the matrices inverted here, and A, have condition numbers below 100 each
TOLERANCE = machine_tolerance(torch.float64, dim=6, condition=1e4)
# Shampoo's sums fill up rank by rank: the smallest eigenvalue kept is 3e-9 of the largest
FILLING_TOLERANCE = machine_tolerance(torch.float64, dim=6, condition=1e9)
# a deviation this large after 20 steps is no rounding, by either measure
VISIBLE = 1e-2


def method(name: str, **options: object) -> Callable[[], Method]:
    return partial(OPTIMIZERS[name], **options)


INVARIANT_TO_ALL = {
    "kfac": method("kfac", step_size=0.1),
    "kfac averaged": method("kfac", step_size=0.1, averaging=0.9),
    "kfac_joint": method("kfac_joint", step_size=0.1),
    "kfac_sequential": method("kfac_sequential", step_size=0.1),
    "ngd equivariant": method("ngd", step_size=0.1, gauge="equivariant"),
}
ROTATIONS_ONLY = {
    "sgd": method("sgd"),
    "sgd_momentum": method("sgd_momentum"),
    "shampoo": method("shampoo"),
    "muon": method("muon"),
    "muon newton_schulz": method("muon", newton_schulz_steps=5),
    "scion": method("scion"),
    "amgd": method("amgd"),
    "soap after a warm-up": method("soap", warmup=5),
}
PERMUTATIONS_ONLY = {"adam": method("adam"), "adamw": method("adamw"), "sign": method("sign_sgd")}


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", INVARIANT_TO_ALL)
def test_undamped_kfac_sees_neither_inputs_nor_gauge(name: str, transform: str) -> None:
    assert input_transform_deviation(INVARIANT_TO_ALL[name], transform=transform) < TOLERANCE


@pytest.mark.parametrize("transform", STRETCHING)
def test_damping_breaks_it(transform: str) -> None:
    damped = method("kfac", step_size=0.1, damping=0.1)
    assert input_transform_deviation(damped, transform=transform) > VISIBLE


@pytest.mark.parametrize("name", ROTATIONS_ONLY)
def test_rotations_and_nothing_else(name: str) -> None:
    factory = ROTATIONS_ONLY[name]
    tolerance = FILLING_TOLERANCE if name == "shampoo" else TOLERANCE
    for transform in ORTHOGONAL:
        assert input_transform_deviation(factory, transform=transform) < tolerance
    for transform in ("diagonal", "general"):
        assert input_transform_deviation(factory, transform=transform) > VISIBLE


@pytest.mark.parametrize("name", PERMUTATIONS_ONLY)
def test_signed_permutations_and_not_rotations(name: str) -> None:
    factory = PERMUTATIONS_ONLY[name]
    for transform in ("permutation", "signed_permutation"):
        assert input_transform_deviation(factory, transform=transform) < TOLERANCE
    for transform in ("rotation", "gauge_rotation", *STRETCHING):
        assert input_transform_deviation(factory, transform=transform) > VISIBLE


def test_foof_sees_the_gauge_but_not_the_inputs() -> None:
    factory = method("foof", step_size=0.1)
    for transform in (*ORTHOGONAL, *STRETCHING, "gauge_rotation"):
        assert input_transform_deviation(factory, transform=transform) < TOLERANCE
    assert input_transform_deviation(factory, transform="gauge") > VISIBLE


@pytest.mark.parametrize("transform", ["scale", "general", "gauge"])
def test_the_pseudo_inverse_of_gauss_newton_is_invariant_to_first_order_only(
    transform: str,
) -> None:
    """One step: the gauge component of the shortest direction enters through dF dG, eta^2.

    The path of one step has length eta, so the relative deviation is proportional to eta: ratio
    10 up to the terms of the next order.
    """

    def after_one(step_size: float) -> float:
        factory = method("ngd", step_size=step_size)
        return input_transform_deviation(factory, transform=transform, steps=1)

    assert after_one(1e-2) > 1e3 * TOLERANCE
    assert after_one(1e-2) == pytest.approx(10 * after_one(1e-3), rel=0.1)
    for kept in (*ORTHOGONAL, "gauge_rotation"):
        factory = method("ngd", step_size=0.1)
        assert input_transform_deviation(factory, transform=kept) < TOLERANCE


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms_are_of_their_kind(transform: str) -> None:
    A = draw_transform(transform, 5, 3, generator(0, "kind"), dtype=torch.float64)
    eye = torch.eye(5, dtype=torch.float64)
    gram = A @ A.mT
    singular = torch.linalg.svdvals(A)
    tolerance = machine_tolerance(torch.float64, dim=5)
    assert A.shape == (3, 5, 5)
    if transform in (*ORTHOGONAL, "gauge_rotation"):
        assert (gram - eye).abs().max() < tolerance
    else:
        assert singular.max() <= 2 * (1 + tolerance)
        assert singular.min() >= 0.5 * (1 - tolerance)
        assert (gram - eye).abs().max() > 0.1
    if transform == "permutation":
        assert torch.equal(A.sum(-1), torch.ones(3, 5, dtype=torch.float64))
    if transform == "signed_permutation":
        assert torch.equal(A.abs().sum(-1), torch.ones(3, 5, dtype=torch.float64))
        assert A.min() == -1
    if transform == "diagonal":
        assert torch.equal(A, A * eye)


def test_the_table_has_every_optimizer_and_transform() -> None:
    table = invariance_table(transforms=("rotation",), steps=1)
    assert set(table) == set(OPTIMIZERS)
    assert all(set(row) == {"rotation"} for row in table.values())


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="transform='shear', needs one of"):
        input_transform_deviation(method("sgd"), transform="shear")
    with pytest.raises(ValueError, match="steps=0, needs >= 1"):
        input_transform_deviation(method("sgd"), transform="scale", steps=0)
    with pytest.raises(ValueError, match="transform='shear', needs one of"):
        draw_transform("shear", 3, 1, generator(0, "kind"), dtype=torch.float64)
