"""The reference optimizers and their hyper-parameters, from the fields that the code checks."""

from dataclasses import fields

from generate.statements import replace
from lpfl.optim import OPTIMIZERS


def write(folder):
    """Write ``optimizers.md`` below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "# The reference optimizers",
        "",
        "Each is a pure step in one file and the dataclass of its hyper-parameters, from which",
        "signature, bounds, error messages and this page come. The invariances are changes of",
        "variables that do not change training; LR-27 judges them.",
        "",
    ]
    for name, factory in OPTIMIZERS.items():
        lines += section(name, factory)
    replace(folder / "optimizers.md", "\n".join(lines))


def section(name, factory):
    """Return the lines of one optimizer."""
    kind = factory.optimizer
    first = (kind.__doc__ or "").strip().splitlines()[0]
    lines = [f"## {name}", "", first, "", f"Code: `{kind.__module__.replace('.', '/')}.py`", ""]
    known = [field for field in fields(kind) if "bound" in field.metadata]
    if known:
        lines += ["| hyper-parameter | default | allowed | meaning |", "|---|---|---|---|"]
    for field in known:
        bound, says = field.metadata["bound"], field.metadata["says"]
        shown = str(bound.text).replace("|", r"\|")
        lines.append(f"| `{field.name}` | `{field.default!r}` | {shown} | {says} |")
    return [*lines, ""]
