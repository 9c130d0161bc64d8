"""Where torch has the method, our step follows its trajectory over different gradients."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from lpfl.linalg import machine_tolerance, spectral
from lpfl.optim.adam import adam_start, adam_step
from lpfl.optim.adamw import adamw_step
from lpfl.optim.muon import muon_step
from lpfl.optim.sgd import sgd_step
from lpfl.optim.sgd_momentum import sgd_momentum_step
from tests.optim.cases import gradient_sequence, relative

DTYPES = (torch.float64, torch.float32)
STEPS = 6
SHAPES = ((8, 2), (3, 5))
# the slope of the quintic at 0, once per iteration: the most a rounding error can grow
NEWTON_SCHULZ_GROWTH = 3.4445**5


def stateless_sgd(W: Tensor, grad: Tensor, state: None, **options: float) -> tuple[Tensor, None]:
    return sgd_step(W, grad, **options), None


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any]] = {
    "sgd": (partial(torch.optim.SGD, lr=0.1), partial(stateless_sgd, step_size=0.1), None),
    "heavy ball": (
        partial(torch.optim.SGD, lr=0.1, momentum=0.8),
        partial(sgd_momentum_step, step_size=0.1, momentum=0.8),
        torch.zeros_like,
    ),
    "nesterov": (
        partial(torch.optim.SGD, lr=0.1, momentum=0.8, nesterov=True),
        partial(sgd_momentum_step, step_size=0.1, momentum=0.8, nesterov=True),
        torch.zeros_like,
    ),
    "adam": (
        partial(torch.optim.Adam, lr=0.05, betas=(0.8, 0.95), eps=1e-3),
        partial(adam_step, step_size=0.05, beta1=0.8, beta2=0.95, epsilon=1e-3),
        adam_start,
    ),
    "adamw": (
        partial(torch.optim.AdamW, lr=0.05, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3),
        partial(adamw_step, step_size=0.05, weight_decay=0.3, beta1=0.8, beta2=0.95, epsilon=1e-3),
        adam_start,
    ),
}
TORCH_MUON = partial(torch.optim.Muon, lr=0.05, momentum=0.9, weight_decay=0.2, nesterov=True)
MUON = partial(
    muon_step,
    step_size=0.05,
    momentum=0.9,
    weight_decay=0.2,
    nesterov=True,
    newton_schulz_steps=5,
    scale="aspect",
)


def torch_path(factory: Callable[..., Any], W: Tensor, gradients: list[Tensor]) -> Tensor:
    parameter = torch.nn.Parameter(W.clone())
    optimizer = factory([parameter])
    path = []
    for grad in gradients:
        parameter.grad = grad.clone()
        optimizer.step()
        path.append(parameter.detach().clone())
    return torch.stack(path)


def our_path(step: Callable[..., Any], start: Any, W: Tensor, gradients: list[Tensor]) -> Tensor:
    state = None if start is None else start(W)
    path = []
    for grad in gradients:
        W, state = step(W, grad, state)
        path.append(W)
    return torch.stack(path)


def deviation(
    case: tuple[Callable[..., Any], Callable[..., Any], Any],
    shape: tuple[int, int],
    dtype: torch.dtype,
) -> float:
    """Return the relative distance of the two paths, per unit of what the steps moved."""
    factory, step, start = case
    gradients = gradient_sequence(*shape, STEPS, dtype=dtype)
    W = gradient_sequence(*shape, STEPS + 1, dtype=dtype)[-1]
    expected = torch_path(factory, W, gradients)
    return relative(our_path(step, start, W, gradients) - W, expected - W)


@pytest.fixture
def muon_at_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's Muon casts to bfloat16 through this one method: let it keep the input's dtype."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_trajectory_is_that_of_torch(name: str, shape: tuple[int, int], dtype: torch.dtype) -> None:
    assert deviation(CASES[name], shape, dtype) < machine_tolerance(dtype, dim=STEPS)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.usefixtures("muon_at_full_precision")
def test_muon_is_that_of_torch_without_its_bfloat16(
    shape: tuple[int, int], dtype: torch.dtype
) -> None:
    tolerance = machine_tolerance(dtype, dim=STEPS, condition=NEWTON_SCHULZ_GROWTH)
    assert deviation((TORCH_MUON, MUON, torch.zeros_like), shape, dtype) < tolerance


MUON_FAULTS = {
    "no nesterov": partial(MUON, nesterov=False),
    "no scale": partial(MUON, scale="none"),
    "no weight decay": partial(MUON, weight_decay=0.0),
    "four iterations": partial(MUON, newton_schulz_steps=4),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("fault", [*MUON_FAULTS, "third coefficient"])
@pytest.mark.usefixtures("muon_at_full_precision")
def test_the_muon_comparison_sees_a_planted_fault(
    fault: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = MUON_FAULTS.get(fault, MUON)
    if fault == "third coefficient":
        published = spectral.newton_schulz
        wrong = partial(published, coefficients=(3.4445, -4.7750, 2.0215))
        monkeypatch.setattr("lpfl.optim.muon.newton_schulz", wrong)
    tolerance = machine_tolerance(dtype, dim=STEPS, condition=NEWTON_SCHULZ_GROWTH)
    assert deviation((TORCH_MUON, step, torch.zeros_like), SHAPES[0], dtype) > tolerance


# bfloat16 keeps 8 bits: each of the 5 iterations rounds a Z, b A Z and c A^2 Z, sizes 3.4 + 4.8
# + 2.0 in units of Z, by at most eps/2 each; singular values in [1/2, 1] do not amplify it.
BFLOAT16_TOLERANCE = 5 * (3.4445 + 4.7750 + 2.0315) * torch.finfo(torch.bfloat16).eps / 2


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_muon_is_that_of_torch_to_bfloat16(shape: tuple[int, int]) -> None:
    case = (TORCH_MUON, MUON, torch.zeros_like)
    assert deviation(case, shape, torch.float32) < BFLOAT16_TOLERANCE


@pytest.mark.parametrize("fault", ["no scale", "no nesterov"])
def test_the_bfloat16_comparison_sees_a_gross_fault(fault: str) -> None:
    case = (TORCH_MUON, MUON_FAULTS[fault], torch.zeros_like)
    assert deviation(case, SHAPES[0], torch.float32) > BFLOAT16_TOLERANCE
