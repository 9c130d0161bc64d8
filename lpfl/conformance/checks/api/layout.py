"""Memory order does not matter: transposed, sliced and channels-last tensors."""

from collections.abc import Iterable, Iterator

import torch

from lpfl.conformance.agreement import Pair, agree
from lpfl.conformance.outcomes import FINDINGS, CheckResult
from lpfl.conformance.registry import check
from lpfl.conformance.subject import Subject


def transposed(value: torch.Tensor) -> torch.Tensor:
    """Return the same values with the last two axes swapped in memory."""
    if value.ndim < 2:
        return value
    return value.transpose(-1, -2).contiguous().transpose(-1, -2)


def sliced(value: torch.Tensor) -> torch.Tensor:
    """Return the same values with gaps between them in memory."""
    if value.ndim == 0:
        return value
    return torch.stack([value, torch.zeros_like(value)], dim=-1)[..., 0]


def channels_last(value: torch.Tensor) -> torch.Tensor:
    """Return the same values in channels-last order (4-d only)."""
    return value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value


_TEXT = {
    "transposed": "lambda v: v.transpose(-1, -2).contiguous().transpose(-1, -2)",
    "sliced": "lambda v: torch.stack([v, torch.zeros_like(v)], -1)[..., 0]",
    "channels_last": "lambda v: v.contiguous(memory_format=torch.channels_last)",
}
LAYOUTS = {"transposed": transposed, "sliced": sliced, "channels_last": channels_last}
WHERE = {"gradients": (False, True), "parameters": (True, False), "both": (True, True)}


@check("api.strides", tags=("api",), cost=0.5, needs=("params",))
def strides(subject: Subject) -> Iterable[CheckResult]:
    """Parameters and gradients in another memory order give the same run."""
    if "sparse" in subject.needs:
        return
    for name in LAYOUTS:
        shape = (4, 3, 2, 3) if name == "channels_last" else (5, 3)
        if not subject.handles(shape):
            continue
        yield from _first_finding(subject, name, shape)


def _first_finding(subject: Subject, name: str, shape: tuple[int, ...]) -> Iterator[CheckResult]:
    """Yield the answer for each place of the layout; only one of several findings."""
    for where, (on_params, on_gradients) in WHERE.items():
        if name == "sliced" and on_gradients:
            continue  # autograd makes no such gradients
        result = agree(subject, _pair(subject, name, where, on_params, on_gradients), [shape], 8)
        yield result
        if result.outcome in FINDINGS:
            return


def _pair(subject: Subject, name: str, where: str, on_params: bool, on_gradients: bool) -> Pair:
    lay = LAYOUTS[name]
    laid = "[lay(v) for v in start]" if on_params else "start"
    graded = "[[lay(g) for g in s] for s in gradients]" if on_gradients else "gradients"
    body = f"""
lay = {_TEXT[name]}
copy = lambda v: torch.empty_strided(v.shape, v.stride(), dtype=v.dtype).copy_(v)
params = [torch.nn.Parameter(copy(v)) for v in {laid}]
optimizer = make(params)
for g in {graded}:
    step(optimizer, params, g)
a, b = read(optimizer, params), run(start, gradients)
"""
    return Pair(
        check="api.strides",
        says=f"with {where} {name.replace('_', ' ')} in memory".replace("both", "both kinds"),
        plain=subject.run,
        other=lambda start, gradients: subject.run(
            [lay(v) for v in start] if on_params else start,
            [[lay(g) for g in s] for s in gradients] if on_gradients else gradients,
        ),
        body=body,
        scenario={"layout": name, "where": where},
    )
