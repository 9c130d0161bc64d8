"""When a layer-wise method renews the averages of its factors, and when it inverts them.

Many keep two periods: factors take in a batch every k steps, and are inverted every l steps.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from lpfl.conformance.oracles.base import Convention
from lpfl.conformance.oracles.layer_axes import NEVER, PERIODS, RENEWED, TAKES

INVERSE_PERIODS = (
    "inv_update_steps", "inv_update_freq", "inv_update_every", "inv_update_period", "inv_period",
    "inv_every", "inv_freq", "inverse_every", "inverse_period", "inverse_update_every",
    "inverse_update_freq", "inverse_update_period", "inverse_update_steps", "invert_every",
    "inversion_period", "kfac_update_freq", "TInv", "T_inv", "Tinv", "Tf",
)  # fmt: skip
FACTOR_PERIODS = (
    "factor_every", "factor_update_steps", "factor_update_freq", "factor_update_every",
    "factor_period", "fac_update_freq", "stats_every", "stats_update_every", "stat_update_every",
    "stats_period", "cov_update_every", "cov_update_steps", "cov_update_freq", "cov_period",
    "cov_every", "curvature_update_period", "TCov", "T_cov", "Tcov", "Ts",
)  # fmt: skip
ALIASES = {
    "period": tuple(dict.fromkeys([
        *FACTOR_PERIODS, *(p for p in PERIODS if p not in INVERSE_PERIODS), *INVERSE_PERIODS
    ])),
    "inverse_period": INVERSE_PERIODS,
}  # fmt: skip
"""A period of inverses that stands alone is the period, of whichever is renewed by it."""
COUNTED = ("1, 1 + k, 1 + 2 k", "1, k, 2 k", "k, 2 k, with plain gradients before")
AT = ("factors renewed at steps", "inverses renewed at steps")
AXES = ("renewed", *AT)
"""Axes that show in no step as long as every step renews everything."""
IN_INVERSIONS = "a step that inverts the factors"
TWICE = "takes its batch in twice"
LEFT_OUT = "leaves its batch out"
FOR_EVER = 10**9
"""A period that no run reaches."""


def averaged(new: Tensor, m: dict[str, Any], key: str, o: Any, c: Convention) -> Tensor:
    """Return the moving average of a factor with ``new`` in it."""
    if not o.decay:
        return new
    start = {"from the first batch": new, "from the identity": torch.eye(len(new), dtype=new.dtype)}
    swapped = c["average"] == "weights of old and new swapped"
    old = m.get(key, new if swapped else start.get(c["average"], torch.zeros_like(new)))
    kept = 1 - o.decay if swapped else o.decay
    m[f"{key} taken"] = m.get(f"{key} taken", 0) + 1
    if c["average"].startswith("plain mean"):
        kept = min(1 - 1 / m[f"{key} taken"], kept)
    m[key] = kept * old + (1 - kept) * new
    corrects = c["average"].endswith("bias corrected")
    corrected = 1 - o.decay ** m[f"{key} taken"] if corrects else 1.0
    return m[key] / corrected


def due(t: int, o: Any, c: Convention) -> tuple[bool, bool]:
    """Return whether step t renews the factors, and whether it inverts them."""
    if c["renewed"] == NEVER:
        return t == 1, t == 1
    of_factors, of_inverses = o.period, o.inverse_period
    if c["renewed"] == RENEWED[1]:
        of_factors, of_inverses = 1, of_inverses or of_factors
    together = c["renewed"] == RENEWED[2]
    if together:
        of_inverses = of_inverses or of_factors
    renews = _at(t, of_factors, c[AT[0]])
    inverts = _at(t, of_inverses or 1, c[AT[1]])
    return renews, inverts and (renews or not together)


def _at(t: int, period: int, counted: str) -> bool:
    if counted == COUNTED[0]:
        return (t - 1) % period == 0
    return t % period == 0 or (t == 1 and counted == COUNTED[1])


def used(new: Tensor, m: dict[str, Any], key: str, t: int, o: Any, c: Convention) -> Tensor | None:
    """Return the factor whose inverse step t uses; None where there is none yet.

    A factor of earlier batches only is that of the first batch in the first step.
    """
    renews, inverts = due(t, o, c)
    before, inverted = m.get(f"{key} now"), m.get(f"{key} inverted")
    odd = c.get(IN_INVERSIONS) if inverts and before is not None else None
    if renews and odd != LEFT_OUT:
        m[f"{key} now"] = averaged(new, m, key, o, c)
    if odd == TWICE:
        m[f"{key} now"] = averaged(new, m, key, o, c)
    now = m.get(f"{key} now")
    if inverts and now is not None:
        late = c["average takes"] == TAKES[1] and before is not None
        m[f"{key} inverted"] = before if late else now
    if c["average takes"] == TAKES[2] and inverted is not None:
        found: Tensor | None = inverted
        return found
    return m.get(f"{key} inverted")


def schedules(convention: Mapping[str, str], *, both: bool) -> Iterator[dict[str, str]]:
    """Yield the other readings of the periods, the nearest first; both: either has its option."""
    now = convention["average takes"] == TAKES[0]
    values = [
        (RENEWED[0], RENEWED[2]) if both else RENEWED,
        COUNTED,
        COUNTED,
        TAKES[:1] if now else TAKES[1:],
    ]
    found = sorted(
        itertools.product(*(list(enumerate(v)) for v in values)),
        key=lambda row: (sum(place > 0 for place, _ in row), [place for place, _ in row]),
    )
    for row in found:
        changed = dict(zip((*AXES, "average takes"), (value for _, value in row), strict=True))
        if any(convention[axis] != value for axis, value in changed.items()):
            yield {**convention, **changed}
