"""A finding on a network as a program with torch and the optimizer's package alone."""

import inspect
from typing import Any

from lpfl.conformance.drives.module import ModuleSession
from lpfl.conformance.hooked.networks import Fixed, Network
from lpfl.conformance.hooked.training import OUTPUTS, ROWS, WEIGHTS, Scene
from lpfl.conformance.learning.twin_snippet import build_text, drive_text, spoken
from lpfl.conformance.snippets import optimizer_text, proven
from lpfl.conformance.subject import Subject
from lpfl.seeding import derive_seed

_PROGRAM = """\
import torch
from torch import Tensor, nn

{make}


{network}

draw = torch.Generator().manual_seed({seed})
normal = lambda *size: torch.randn(size, generator=draw, dtype=torch.float64).to({dtype})
batches = [(normal({rows}, {inputs}), normal({rows}, {outputs})) for _ in range({steps})]
weights = 0.5 * normal({weights})


def train(twin):
    torch.manual_seed({global_seed})
    model = {name}(twin).to({dtype})
    model.load(weights)
    path = [model.read()]
    {build}
{at_rest}
    for t, (X, Y) in enumerate(batches):
        model.before(t)

        def loss():
            return (model(X) - Y).square().sum() / (2 * len(X))
{step}
        {into_eval}
        path.append(model.read())
        {into_train}
    return path


def way(row, other, names):
    return float(torch.cat([row[n] - other[n] for n in names]).norm())


try:
    {ending}
except Exception as error:
    print(type(error).__name__)
"""


def shown(subject: Subject, scene: Scene, ending: str, expected: float | str) -> dict[str, Any]:
    """Return the fields of an answer with the program, executed, or why there is none."""
    if not (spoken(subject) or "fused" in subject.needs):
        return {"details": {"snippet": "the drive has no short program"}}
    text, why = proven(subject, _text(subject, scene, ending), expected)
    return {"snippet": text} if text else {"details": {"snippet": why}}


def _text(subject: Subject, scene: Scene, ending: str) -> str:
    kinds: list[type] = [k for k in reversed(scene.network.__mro__) if issubclass(k, Network)]
    parts = [*([Fixed] if "Frozen" in scene.network.__name__ else []), *kinds]
    mode = "mode" in subject.needs
    text = _PROGRAM.format(
        make=optimizer_text(subject),
        network="\n\n".join(inspect.getsource(part) for part in parts),
        seed=derive_seed(subject.seed, "conformance", "layer", scene.network.__name__),
        dtype=str(subject.coarsest),
        rows=ROWS,
        inputs=scene.inputs,
        outputs=OUTPUTS,
        steps=scene.steps,
        weights=WEIGHTS,
        global_seed=subject.seed,
        name=scene.network.__name__,
        build=build_text(subject, scene.options),
        at_rest=_at_rest(scene),
        step="        " + _drive(subject),
        into_eval="optimizer.eval()" if mode else "",
        into_train="optimizer.train()" if mode else "",
        ending=ending.strip().replace("\n", "\n    "),
    )
    lines = [line.rstrip() for line in text.replace("\n\n    for t", "\n    for t").splitlines()]
    return "\n".join(lines) + "\n"


def _at_rest(scene: Scene) -> str:
    if scene.at_rest is None:
        return ""
    return f"    optimizer.param_groups[{scene.at_rest}]['lr'] = 0.0"


def _drive(subject: Subject) -> str:
    if "fused" in subject.needs:
        return f"optimizer.fused_backward(loss(), {ModuleSession.rate})"
    return drive_text(subject)
