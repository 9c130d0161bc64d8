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
    """Yield pairs of which the first parameter is in float32 and the others in float64.

    Dense gradients, with decay where there is one, go first: that sentence names the formats
    alone. Then the first gradient is sparse: a path that sorts parameters by their format must go
    on after those with sparse gradients.
    """
    sparse = "sparse" not in subject.needs and subject.injects and subject.handles((6, 4))
    for as_sparse in (False, True) if sparse else (False,):
        if (pair := _pair(subject, switch, as_sparse)) is not None:
            yield pair


def _pair(subject: Subject, switch: str, sparse: bool) -> Pair | None:
    """Return the pair, or None where formats do not mix without the switch.

    With dense gradients a path that refuses the mixture is no matter of this pair either.
    """
    usual = {} if sparse else decayed(subject)
    drawn = subject.draw(subject.shapes(*SHAPES), 2, "api.paths", "sparse" if sparse else "formats")

    def first(gradient: torch.Tensor) -> torch.Tensor:
        single = gradient.float()
        return single.to_sparse() if sparse else single

    def ran(on: bool) -> Callable[[Start, Gradients], Trajectory]:
        def run(start: Start, gradients: Gradients) -> Trajectory:
            rows = [[first(g[0]), *g[1:]] for g in gradients]
            options = {**usual, switch: on}
            return subject.run([start[0].float(), *start[1:]], rows, options=options)

        return run

    if len(drawn[0]) < 2 or subject.coarsest is torch.float32:
        return None
    try:
        runs = [ran(on)(*drawn) for on in ((False,) if sparse else (False, True))]
    except Exception:
        return None
    if not runs[0].finite:
        return None
    given = f", **{usual!r}" if usual else ""
    kind = "a sparse gradient in float32 before dense ones in float64"
    said = {"gradient of the first parameter": "sparse, float32"}
    return Pair(
        check="api.paths",
        says=f"with {switch}=True and {kind if sparse else 'parameters of float32 and float64'}",
        plain=ran(False),
        other=ran(True),
        body=f"""
start = [start[0].float(), *start[1:]]
gradients = [[g[0].float(){".to_sparse()" if sparse else ""}, *g[1:]] for g in gradients]
a, b = (run(start, gradients, {switch}=on{given}) for on in (True, False))
""",
        options={**usual, switch: False},
        raises=Outcome.VARIANT,
        scenario={**(said if sparse else {"first parameter": "float32"}), "switch": switch},
        tolerance=ROUNDED,
    )
