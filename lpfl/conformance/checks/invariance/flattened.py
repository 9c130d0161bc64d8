"""Layers that are one map must train the same: convolution and linear, weight and transpose."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.agreement import Pair, agree
from lpfl.conformance.claims import promises
from lpfl.conformance.definition.grid import for_linear_layers
from lpfl.conformance.drives import seed_everything
from lpfl.conformance.learning.layers import one_layer, opened, squared_loss, whole_image
from lpfl.conformance.learning.other_draws import other_draws
from lpfl.conformance.learning.twin_snippet import convolution_program
from lpfl.conformance.outcomes import FINDINGS, CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.snippets import proven
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory

KERNELS = ((5, 3, 2, 2), (4, 2, 1, 3), (6, 2, 3, 3))
STEPS = 6
ROWS = 32
CONVOLUTION, TRANSPOSE = "inv.convolution", "inv.transpose"


@check(CONVOLUTION, tags=("inv",), cost=0.1, control=False)
def convolution(subject: Subject) -> CheckResult:
    """A convolution with a kernel as large as its image trains like the linear layer it is."""
    promised = [c for c, p in promises(subject.spec.claims).items() if p.flattened]
    gaps: dict[tuple[int, ...], float] = {}
    for kernel in KERNELS[: 1 if subject.quick else None]:
        try:
            gaps[kernel] = _gap(subject, kernel)
        except Exception as error:
            message = f"A convolution is not trained: {type(error).__name__}: {str(error)[:120]}."
            return CheckResult(check=CONVOLUTION, outcome=Outcome.UNDRIVABLE, message=message)
    if promised and _stands_still(subject, KERNELS[0]):
        said = for_linear_layers(subject, subject.open(_start()).optimizer)
        return CheckResult(
            check=CONVOLUTION,
            outcome=Outcome.VARIANT if said else Outcome.LIMIT,
            message="The move of a convolution's kernel is exactly 0 in "
            f"{STEPS} steps, while a linear layer is trained.",
            measured=0.0,
            scenario={"kernel": KERNELS[0], "steps": STEPS},
            **_shown(subject, KERNELS[0], 1.0),
        )
    shape, worst = max(gaps.items(), key=lambda entry: entry[1])
    bound = max(tolerance(subject, CONVOLUTION), 10 * _chance(subject, shape))
    same = worst <= bound
    message = (
        f"The gap between a convolution as large as its image and a linear layer is {worst:.2g}"
    )
    shown: dict[str, Any] = {}
    if same:
        outcome = Outcome.CONFORMS
    elif not promised:
        outcome = Outcome.NOT_CLAIMED
    else:
        said = for_linear_layers(subject, subject.open(_start()).optimizer)
        outcome = Outcome.VARIANT if said else Outcome.DEVIATES
        message += f", and to {', '.join(promised)} they are one map"
        shown = _shown(subject, shape, worst)
    details = {"gap by kernel": {str(s): g for s, g in gaps.items()}, "flattened": same}
    details |= shown.pop("details", {})
    return CheckResult(
        check=CONVOLUTION,
        outcome=outcome,
        message=message + ".",
        measured=worst,
        bound=bound,
        scenario={"kernel": shape, "steps": STEPS},
        details=details,
        **shown,
    )


def _start() -> list[Tensor]:
    return [torch.full((6, 4), 0.5, dtype=torch.float64)]


def _shown(subject: Subject, shape: Sequence[int], gap: float) -> dict[str, Any]:
    """Return the program that prints the gap, or why there is none."""
    program = convolution_program(subject, shape, ROWS, STEPS)
    text, why = proven(subject, program, gap) if program else ("", "the drive has no program")
    return {"snippet": text} if text else {"details": {"snippet": why}}


def _stands_still(subject: Subject, shape: Sequence[int]) -> bool:
    """Return whether the kernel stays where it is, to the last bit, and the linear layer not."""
    flat = _draw(subject, shape)[0].flatten(1)
    stays = torch.equal(_trained(subject, shape, True), flat)
    return stays and not torch.equal(_trained(subject, shape, False), flat)


def _gap(subject: Subject, shape: Sequence[int]) -> float:
    """Return the distance of the two trainings over the way of the linear one."""
    flat = _draw(subject, shape)[0].flatten(1)
    return _apart(_trained(subject, shape, True), _trained(subject, shape, False), flat)


def _chance(subject: Subject, shape: Sequence[int]) -> float:
    """Return the same distance between two linear trainings of different seeds."""
    flat = _draw(subject, shape)[0].flatten(1)
    plain = _trained(subject, shape, False)
    return _apart(_trained(subject, shape, False, reseed=subject.seed + 7), plain, flat)


def _apart(one: Tensor, two: Tensor, start: Tensor) -> float:
    way, apart = float((two - start).norm()), float((one - two).norm())
    if not math.isfinite(way) or not math.isfinite(apart):
        raise ArithmeticError("the parameters are not finite")
    return apart / way if way > 0 else 0.0


def _draw(subject: Subject, shape: Sequence[int]) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Return a kernel and the batches: images of the kernel's size, targets."""
    stream = subject.stream(CONVOLUTION, *shape)
    normal = lambda *size: torch.randn(size, generator=stream, dtype=torch.float64)  # noqa: E731
    kernel = normal(*shape) / math.sqrt(math.prod(shape[1:]))
    spread = torch.exp(normal(*shape[1:]) / 2)
    batches = [(normal(ROWS, *shape[1:]) * spread, normal(ROWS, shape[0])) for _ in range(STEPS)]
    return kernel, batches


def _trained(
    subject: Subject, shape: Sequence[int], images: bool, *, reseed: int | None = None
) -> Tensor:
    kernel, batches = _draw(subject, shape)
    model = whole_image(kernel) if images else one_layer(kernel.flatten(1))
    with other_draws(reseed):
        session = opened(subject, model)
        if reseed is not None:
            seed_everything(reseed)
        for X, Y in batches:
            session.advance(squared_loss(model, X if images else X.flatten(1), Y))
    return session.values()[0].flatten(1)


@check(TRANSPOSE, tags=("inv",), cost=0.1, needs=("inject",), control=False)
def transpose(subject: Subject) -> CheckResult:
    """A transposed weight under transposed gradients trains to the transposed result."""
    promised = [c for c, p in promises(subject.spec.claims).items() if p.transpose]

    def swapped(start: list[Tensor], gradients: list[list[Tensor]]) -> Trajectory:
        run = subject.run(_turned(start), [_turned(step) for step in gradients])
        return Trajectory(values=[_turned(values) for values in run.values])

    pair = Pair(
        check=TRANSPOSE,
        says="with weights and gradients transposed",
        plain=lambda start, gradients: subject.run(start, gradients),
        other=swapped,
        body=(
            "turned = lambda row: [x.mT.contiguous() for x in row]\n"
            "a = turned(run(turned(start), [turned(g) for g in gradients]))\n"
            "b = run(start, gradients)"
        ),
        differs=Outcome.DEVIATES if promised else Outcome.VARIANT,
        raises=Outcome.LIMIT if promised else Outcome.VARIANT,
    )
    shapes = subject.shapes((7, 3), (3, 7), (24, 40))
    result = agree(subject, pair, shapes, STEPS)
    if promised or result.outcome not in {*FINDINGS, Outcome.VARIANT}:
        return result
    return CheckResult(
        check=TRANSPOSE,
        outcome=Outcome.NOT_CLAIMED,
        message=result.message,
        measured=result.measured,
        bound=result.bound,
    )


def _turned(row: Sequence[Tensor]) -> list[Tensor]:
    return [x.mT.contiguous() if x.ndim == 2 else x for x in row]
