"""Program text of a run that is saved and resumed."""

from collections.abc import Mapping
from typing import Any

import torch

BEFORE, AFTER = 7, 14


def resumed(
    dtype: torch.dtype,
    *,
    file: bool = False,
    options: Mapping[str, Any] | None = None,
    others: Mapping[str, Any] | None = None,
) -> str:
    """Return text of a run (its end: ``old``) saved at ``saved`` and resumed (``new``)."""
    cast = (
        ""
        if dtype == torch.float64
        else f"start = [v.to({dtype}) for v in start]\n"
        f"gradients = [[x.to({dtype}) for x in g] for g in gradients]\n"
    )
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


def indented(text: str) -> str:
    """Return lines moved in by four."""
    return "\n".join("    " + line for line in text.splitlines())
