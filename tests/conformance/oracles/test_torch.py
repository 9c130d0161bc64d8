"""References against torch's own optimizers: free runs of 14 steps under many options."""

from typing import Any

import pytest
import torch
from torch import Tensor

from lpfl.conformance.oracles import oracle_of, oracles

SHAPES = ((6, 4), (4, 6), (3, 2, 4), (7,))
STEPS = 14
TIGHT = 1e-11


def drawn(seed: int = 3) -> tuple[list[Tensor], list[list[Tensor]]]:
    draw = torch.Generator().manual_seed(seed)
    normal = lambda s: torch.randn(s, generator=draw, dtype=torch.float64)  # noqa: E731
    start = [normal(s) for s in SHAPES]
    sizes = [1.0, 2.0, 0.5, 0.1, 0.02, 0.4, 3.0] * 2
    return start, [[sizes[t] * (normal(s) + 0.3) for s in SHAPES] for t in range(STEPS)]


def torch_run(
    kind: Any, start: list[Tensor], gradients: list[list[Tensor]], **options: Any
) -> list[Tensor]:
    params = [torch.nn.Parameter(x.clone()) for x in start]
    optimizer = kind(params, **options)
    for row in gradients:
        for p, g in zip(params, row, strict=True):
            p.grad = g.clone()
        optimizer.step(lambda: torch.tensor(0.0)) if kind is torch.optim.LBFGS else optimizer.step()
    return [p.detach() for p in params]


def distance(a: list[Tensor], b: list[Tensor], start: list[Tensor]) -> float:
    size = lambda x, y: sum(float((u - v).square().sum()) for u, v in zip(x, y, strict=True)) ** 0.5  # noqa: E731
    return size(a, b) / size(b, start)


ADAM = {"lr": 0.03, "betas": (0.8, 0.95), "eps": 1e-3}
OURS = {"lr": 0.03, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3}
BEFORE = {"eps": "outside, before bias correction"}
O = torch.optim  # noqa: E741
CASES: list[tuple[str, Any, dict[str, Any], dict[str, Any], dict[str, str]]] = [
    ("sgd", O.SGD, {"lr": 0.1}, {"lr": 0.1}, {}),
    ("sgd", O.SGD, {"lr": 0.1, "weight_decay": 0.2}, {"lr": 0.1, "weight_decay": 0.2}, {}),
    (
        "momentum",
        O.SGD,
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
        {},
    ),
    (
        "nesterov",
        O.SGD,
        {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.8, "weight_decay": 0.1},
        {},
    ),
    ("adam", O.Adam, {**ADAM, "weight_decay": 0.1}, {**OURS, "weight_decay": 0.1}, {}),
    ("adamw", O.AdamW, {**ADAM, "weight_decay": 0.1}, {**OURS, "weight_decay": 0.1}, {}),
    ("amsgrad", O.Adam, {**ADAM, "amsgrad": True}, OURS, {"bias correction": "both"}),
    ("nadam", O.NAdam, {**ADAM, "weight_decay": 0.1}, {**OURS, "weight_decay": 0.1}, {}),
    (
        "nadam",
        O.NAdam,
        {**ADAM, "weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.02},
        {**OURS, "weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.02},
        {},
    ),
    ("radam", O.RAdam, ADAM, OURS, {**BEFORE, "threshold": "above 5"}),
    (
        "radam",
        O.RAdam,
        {**ADAM, "betas": (0.9, 0.8), "weight_decay": 0.1},
        {**OURS, "beta1": 0.9, "beta2": 0.8, "weight_decay": 0.1},
        {**BEFORE, "threshold": "above 5"},
    ),
    ("adamax", O.Adamax, {**ADAM, "weight_decay": 0.1}, {**OURS, "weight_decay": 0.1}, {}),
    (
        "adagrad",
        O.Adagrad,
        {"lr": 0.1, "lr_decay": 0.1, "eps": 1e-3, "initial_accumulator_value": 0.2},
        {"lr": 0.1, "lr_decay": 0.1, "eps": 1e-3, "initial": 0.2},
        {},
    ),
    ("adadelta", O.Adadelta, {"rho": 0.8, "eps": 1e-3}, {"rho": 0.8, "eps": 1e-3}, {}),
    ("rmsprop", O.RMSprop, {"lr": 0.1, "eps": 1e-3}, {"lr": 0.1, "eps": 1e-3}, {}),
    (
        "rmsprop",
        O.RMSprop,
        {"lr": 0.1, "eps": 1e-3, "centered": True, "momentum": 0.7, "weight_decay": 0.1},
        {"lr": 0.1, "eps": 1e-3, "centered": True, "momentum": 0.7, "weight_decay": 0.1},
        {},
    ),
    (
        "rprop",
        O.Rprop,
        {"lr": 0.1, "etas": (0.6, 1.3), "step_sizes": (1e-3, 0.4)},
        {"lr": 0.1, "eta_minus": 0.6, "eta_plus": 1.3, "smallest": 1e-3, "largest": 0.4},
        {},
    ),
    (
        "lbfgs",
        O.LBFGS,
        {"lr": 0.3, "max_iter": 1, "history_size": 3},
        {"lr": 0.3, "history_size": 3},
        {},
    ),
    (
        "adafactor",
        O.Adafactor,
        {"lr": 0.1, "eps": (1e-2, 1e-2), "d": 1.1, "weight_decay": 0.1, "beta2_decay": -0.7},
        {"lr": 0.1, "eps1": 1e-2, "eps2": 1e-2, "clip": 1.1, "weight_decay": 0.1, "decay": 0.7},
        {"eps1": "floor of the root and of the row mean", "rate": "min(lr, 1 / sqrt(t))"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{sorted(case[2])}")
def test_a_reference_runs_as_torch_does(case: Any) -> None:
    claim, kind, theirs, ours, convention = case
    oracle = oracle_of(claim)
    assert oracle is not None
    start, gradients = drawn()
    end = oracle.trajectory(
        start, gradients, options=ours | dict(oracle.fixed), convention=convention
    )[-1]
    tolerance = 1e-6 if claim == "nadam" else TIGHT  # torch keeps a float32 scalar there
    assert distance(torch_run(kind, start, gradients, **theirs), end, start) < tolerance


def test_muon_in_bfloat16_runs_as_torch_does() -> None:
    oracle = oracle_of("muon")
    assert oracle is not None
    start, gradients = drawn()
    start, gradients = start[:2], [row[:2] for row in gradients]
    options = {"lr": 0.05, "momentum": 0.8, "weight_decay": 0.1}
    theirs = torch_run(torch.optim.Muon, start, gradients, **options)
    for kind, tolerance in (("quintic, fused, bfloat16", 1e-9), ("quintic", 0.1)):
        end = oracle.trajectory(
            start, gradients, options=options, convention={"orthogonalisation": kind}
        )
        assert distance(theirs, end[-1], start) < tolerance


def test_no_other_convention_runs_as_torch_does() -> None:
    """The reference sees each of its axes: moving one away from torch's value is noticed."""
    start, gradients = drawn()
    for claim, kind, theirs, ours, convention in CASES:
        oracle = oracle_of(claim)
        assert oracle is not None
        end = torch_run(kind, start, gradients, **theirs)
        for axis, values in oracle.conventions.items():
            switch = oracle.relevant.get(axis)
            options = {**oracle.options, **ours, **oracle.fixed}
            if switch is not None and not options[switch]:
                continue
            used = convention.get(axis, values[0])
            for value in values:
                if value == used or same_here(claim, axis, value, options):
                    continue
                other = {**convention, axis: value}
                ours_end = oracle.trajectory(
                    start, gradients, options=ours | dict(oracle.fixed), convention=other
                )[-1]
                assert distance(end, ours_end, start) > 1e-7, (claim, axis, value)


def same_here(claim: str, axis: str, value: str, options: dict[str, Any]) -> bool:
    """Return whether two values of an axis are one rule with these options."""
    if axis == "decay" and options.get("decoupled_weight_decay"):
        return True
    if claim in ("sgd", "momentum", "nesterov"):
        # one rule while lr is constant, and without momentum
        plain = not options["momentum"] or not options["dampening"]
        return value == "sum of lr * g" or (axis in ("decay", "buffer starts at") and plain)
    if axis == "momentum" and value == "of lr * g / root":
        return True
    if claim == "adafactor":
        return axis in ("factored", "scale", "eps1", "clip") or value == "lr"
    return claim == "radam" and value in ("at least 5", "inside, before bias correction")


def test_references_refuse_what_they_do_not_know() -> None:
    oracle = oracle_of("Adam")
    assert oracle is oracles()["adam"]
    start, gradients = drawn()
    with pytest.raises(ValueError, match=r"adam has no options \['epsilon'\]"):
        oracle.trajectory(start, gradients, options={"epsilon": 1.0})
    with pytest.raises(ValueError, match="eps='under the rug', needs"):
        oracle.trajectory(start, gradients, convention={"eps": "under the rug"})
    assert oracle_of("no such method") is None
