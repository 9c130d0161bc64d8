"""What every registered optimizer owes: names, replicates, dtypes, purity, early refusals."""

import inspect
from typing import Any

import pytest
import torch

from lpfl.linalg import orthonormal_rows
from lpfl.optim import OPTIMIZERS, Method
from lpfl.optim.core.hyper import bounds_of
from lpfl.problems.linear_representation import Batch, Weights
from lpfl.simulate import simulate
from tests.optim.cases import batches, one, problem, relative

STEPS = 6
ROWS = 40


def stepwise(
    method: Method, dtype: torch.dtype = torch.float64, replicate: int | None = None
) -> Weights:
    """Return the weights after STEPS steps, for all replicates or one of them."""
    truth, start = problem(3)
    drawn = batches(truth, 2 * STEPS, rows=ROWS)
    if method.orthonormal:
        start = Weights(start.head, orthonormal_rows(start.representation))
    if replicate is not None:
        start = one(start, replicate)
        drawn = [one(batch, replicate) for batch in drawn]
    start = Weights(*[W.to(dtype) for W in start])
    drawn = [Batch(*[part.to(dtype) for part in batch if part is not None]) for batch in drawn]

    def next_batch(t: int) -> Batch | tuple[Batch, ...]:
        return drawn[t] if method.batches == 1 else tuple(drawn[2 * t : 2 * t + method.batches])

    return simulate(method, start, next_batch, num_steps=STEPS)[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_method_carries_its_name_and_every_hyper_parameter(name: str) -> None:
    method = OPTIMIZERS[name]()
    given = inspect.signature(OPTIMIZERS[name]).parameters
    assert method.name == name
    assert all(p.kind is p.KEYWORD_ONLY for p in given.values())
    carried = {key for key, p in given.items() if p.default is not None}
    assert carried <= set(method.hyperparameters) <= set(given)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_replicates_run_side_by_side_as_they_run_alone(name: str) -> None:
    together = stepwise(OPTIMIZERS[name]())
    for r in range(3):
        alone = stepwise(OPTIMIZERS[name](), replicate=r)
        for W, expected in zip(one(together, r), alone, strict=True):
            # batched and single LAPACK calls may round differently; a mix-up is of order one
            assert relative(W, expected) < torch.finfo(torch.float64).eps ** 0.5


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_leaves_its_arguments_alone_and_repeats(name: str) -> None:
    method = OPTIMIZERS[name]()
    truth, start = problem()
    drawn = batches(truth, 2)
    data = drawn[0] if method.batches == 1 else tuple(drawn)
    copies = [W.clone() for W in start]
    memory = method.init(start)
    first, _ = method.step(start, memory, data)
    second, _ = method.step(start, memory, data)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(start, copies, strict=True))


# SOAP's default warm-up leaves eigenvectors of a null space, which float32 may choose otherwise
STABLE = {name: {} for name in OPTIMIZERS} | {"soap": {"warmup": 4}}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_follows_float64(name: str) -> None:
    """A step amplifies rounding by the condition numbers of what it inverts."""
    truth, start = problem(3)
    head = start.head.mT @ start.head
    worst = max(float(torch.linalg.cond(batch.cov_x).max()) for batch in batches(truth, STEPS))
    growth = worst * float(torch.linalg.cond(head).max())
    single = stepwise(OPTIMIZERS[name](**STABLE[name]), torch.float32)
    double = stepwise(OPTIMIZERS[name](**STABLE[name]))
    for W, expected in zip(single, double, strict=True):
        assert W.dtype == torch.float32
        assert relative(W.double(), expected) < growth * STEPS * torch.finfo(torch.float32).eps


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    *[
        (name, {key: bad}, f"{key}={bad!r}, needs {bound.text}")
        for name, factory in OPTIMIZERS.items()
        for key, bound in bounds_of(factory.optimizer).items()
        for bad in bound.refused
    ],
    *[
        (name, {"head": "none"}, "head='none', needs one of")
        for name in OPTIMIZERS
        if "head" in inspect.signature(OPTIMIZERS[name]).parameters
    ],
    ("sgd_momentum", {"momentum": 0.0, "nesterov": True}, "momentum=0.0, needs > 0"),
    ("sgd_momentum", {"nesterov": True, "averaged": True}, "averaged=True, needs False"),
    ("scion", {"step_size": 1.5}, "step_size=1.5, needs <= 1"),
    ("ngd", {"damping": 0.1, "gauge": "equivariant"}, "damping=0.1, needs 0"),
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_hyper_parameter_has_a_bound_that_refuses(name: str) -> None:
    bounds = bounds_of(OPTIMIZERS[name].optimizer)
    assert "step_size" in bounds
    assert all(bound.refused for bound in bounds.values())
    for key, bound in bounds.items():
        default = inspect.signature(OPTIMIZERS[name]).parameters[key].default
        assert bound.allows(default), key


@pytest.mark.parametrize(("name", "bad", "message"), REFUSED, ids=str)
def test_bad_hyper_parameters_are_refused_by_name_and_bound(
    name: str, bad: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=r"needs") as caught:
        OPTIMIZERS[name](**bad)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "name", [name for name in OPTIMIZERS if OPTIMIZERS[name]().needs_rows], ids=str
)
def test_methods_that_need_rows_say_so(name: str) -> None:
    truth, start = problem()
    batch = batches(truth, 1)[0]
    with pytest.raises(ValueError, match="needs a batch with inputs and targets"):
        OPTIMIZERS[name]().step(start, {}, Batch(batch.cov_x, batch.cross))
