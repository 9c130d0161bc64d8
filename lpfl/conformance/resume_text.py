"""Program text of a run that is saved and resumed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

BEFORE, AFTER = 7, 14
FALL = 0.1
"""Size of later gradients where they fall: what remembers large ones shows."""


def resumed(
    dtype: torch.dtype,
    *,
    file: bool = False,
    options: Mapping[str, Any] | None = None,
    others: Mapping[str, Any] | None = None,
    falls: bool = False,
) -> str:
    """Return text of a run (its end: ``old``) saved at ``saved`` and resumed (``new``)."""
    cast = (
        ""
        if dtype == torch.float64
        else f"start = [v.to({dtype}) for v in start]\n"
        f"gradients = [[x.to({dtype}) for x in g] for g in gradients]\n"
    )
    if falls:
        cast += f"gradients[{BEFORE}:] = [[{FALL} * x for x in g] for g in gradients[{BEFORE}:]]\n"
    through = (
        "import io\nfile = io.BytesIO()\ntorch.save(one.state_dict(), file)\n"
        "file.seek(0)\nstate = torch.load(file)"
    )
    plain = "import copy\nstate = copy.deepcopy(one.state_dict())"
    given = lambda values: f", **{dict(values)!r}" if values else ""  # noqa: E731
    return f"""
{cast}one, ps = begin(start{given(options)})
for g in gradients[:{BEFORE}]:
    step(one, ps, g)
saved = [p.detach().clone() for p in ps]
{through if file else plain}
two, qs = begin(saved{given(others)})
two.load_state_dict(state)
for g in gradients[{BEFORE}:]:
    step(one, ps, g)
    step(two, qs, g)
new, old = read(two, qs), read(one, ps)
""".strip()


class Given(NamedTuple):
    """Options of the optimizer that is saved, of the one that loads; whether gradients fall."""

    saved: Mapping[str, Any]
    loading: Mapping[str, Any]
    falls: bool

    def text(self, dtype: torch.dtype, *, file: bool = False) -> str:
        """Return program text of the run that is saved and resumed."""
        return resumed(dtype, file=file, options=self.saved, others=self.loading, falls=self.falls)


def indented(text: str) -> str:
    """Return lines moved in by four."""
    return "\n".join("    " + line for line in text.splitlines())
