"""Paths with parameters of two formats in one optimizer, with dense and with sparse gradients."""

from collections.abc import Callable, Iterator

import torch

from lpfl.conformance.agreement import Gradients, Pair, Start
from lpfl.conformance.checks.api.missing import decayed
from lpfl.conformance.outcomes import Outcome
from lpfl.conformance.subject import Subject, Trajectory

SHAPES = ((6, 4), (5,), (3, 4, 2))
ROUNDED = 1e-3
"""Share of the way that rounding weights to float32 may make where steps are small."""


def of_two_formats(subject: Subject, switch: str) -> Iterator[Pair]:
    """Yield the pair of dense gradients first: its sentence then names the formats alone."""
    yield from _dense(subject, switch)
    yield from _sparse(subject, switch)


def _dense(subject: Subject, switch: str) -> Iterator[Pair]:
    """Yield the pair of float32 and float64 parameters, with decay where there is one."""
    usual = decayed(subject)

    def first(start: Start, gradients: Gradients) -> tuple[Start, Gradients]:
        rows = [[g[0].float(), *g[1:]] for g in gradients]
        return [start[0].float(), *start[1:]], rows

    def ran(on: bool) -> Callable[[Start, Gradients], Trajectory]:
        return lambda s, g: subject.run(*first(s, g), options={**usual, switch: on})

    start, gradients = first(*subject.draw(subject.shapes(*SHAPES), 2, "api.paths", "formats"))
    if len(start) < 2 or subject.coarsest is torch.float32:
        return
    try:
        runs = [ran(on)(start, gradients) for on in (False, True)]
    except Exception:
        return
    if not runs[0].finite:
        return
    yield Pair(
        check="api.paths",
        says=f"with {switch}=True and parameters of float32 and float64",
        plain=ran(False),
        other=ran(True),
        body=f"""
start = [start[0].float(), *start[1:]]
gradients = [[g[0].float(), *g[1:]] for g in gradients]
a, b = (run(start, gradients, {switch}=on, **{usual!r}) for on in (True, False))
""",
        options={**usual, switch: False},
        raises=Outcome.VARIANT,
        scenario={"first parameter": "float32", "switch": switch},
        tolerance=ROUNDED,
    )


def _sparse(subject: Subject, switch: str) -> Iterator[Pair]:
    """Yield the pair of a sparse gradient in float32 before dense ones in float64.

    A path that sorts parameters by their format must go on after those with sparse gradients.
    """
    if "sparse" in subject.needs or not subject.injects or not subject.handles((6, 4)):
        return

    def first(start: Start, gradients: Gradients) -> tuple[Start, Gradients]:
        rows = [[g[0].float().to_sparse(), *g[1:]] for g in gradients]
        return [start[0].float(), *start[1:]], rows

    def ran(on: bool) -> Callable[[Start, Gradients], Trajectory]:
        return lambda s, g: subject.run(*first(s, g), options={switch: on})

    start, gradients = first(*subject.draw(subject.shapes(*SHAPES), 2, "api.paths", "sparse"))
    try:
        run = subject.run(start, gradients, options={switch: False})
    except Exception:
        return
    if len(start) < 2 or not run.finite or subject.coarsest is torch.float32:
        return
    yield Pair(
        check="api.paths",
        says=f"with {switch}=True and a sparse gradient in float32 before dense ones in float64",
        plain=ran(False),
        other=ran(True),
        body=f"""
start = [start[0].float(), *start[1:]]
gradients = [[g[0].float().to_sparse(), *g[1:]] for g in gradients]
a, b = (run(start, gradients, {switch}=on) for on in (True, False))
""",
        options={switch: False},
        raises=Outcome.VARIANT,
        scenario={"gradient of the first parameter": "sparse, float32", "switch": switch},
        tolerance=ROUNDED,
    )
