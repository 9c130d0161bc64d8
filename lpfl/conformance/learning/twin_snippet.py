"""A program that shows two twin trainings apart with torch and the optimizer's package alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.learning.fingerprint import World, learning_rate
from lpfl.conformance.learning.transforms import draw_transform
from lpfl.conformance.signatures import named_options
from lpfl.conformance.snippets import optimizer_text
from lpfl.conformance.subject import Subject
from lpfl.seeding import derive_seed

_PROGRAM = """\
import torch

{make}

{A}
draw = torch.Generator().manual_seed({seed})
normal = lambda *shape: torch.randn(shape, generator=draw, dtype=torch.float64)
sizes = {sizes}  # outputs first
weights = [normal(m, d) / d**0.5 for d, m in zip(sizes[::-1], sizes[-2::-1])]
first = torch.linalg.multi_dot(weights[::-1]) if len(weights) > 1 else weights[0]
target = first + normal(sizes[0], sizes[-1]) / sizes[-1]**0.5
batches = []
for _ in range({steps}):
    X = normal({rows}, sizes[-1])
    batches.append((X, X @ target.mT + 0.3 * normal({rows}, sizes[0])))
held_out = normal({rows}, sizes[-1])


def train(changed):
    torch.manual_seed({global_seed})
    start = [w.clone() for w in weights]
    inputs = outputs = lambda rows: rows
{change}
    model = torch.nn.Sequential(
        *(torch.nn.Linear(w.shape[1], w.shape[0], bias=False, dtype=w.dtype) for w in start)
    )
    for layer, w in zip(model, start):
        layer.weight.data.copy_(w)
    {build}
    for X, Y in batches:
        def loss():
            return {factor}(model(inputs(X)) - outputs(Y)).square().sum() / (2 * len(X))
{step}
    {after}
    predictions = model(inputs(held_out)).detach()
    return {back}


plain, twin = train(False), train(True)
DEVIATION = float((twin - plain).norm() / (plain - held_out @ first.mT).norm())
print('deviation', DEVIATION)
"""
_CHANGE = {
    "inputs": "start[0], inputs = start[0] @ A.inverse(), lambda rows: rows @ A.mT",
    "outputs": "start[-1], outputs = A @ start[-1], lambda rows: rows @ A.mT",
    "hidden": "start = [A @ start[0], start[1] @ A.inverse()]",
}
_DRIVES = {
    "": "optimizer.zero_grad(); loss().backward(); optimizer.step()",
    "create_graph": ("optimizer.zero_grad(); loss().backward(create_graph=True); optimizer.step()"),
    "own_backward": (
        "def closure():\n"
        "            optimizer.zero_grad()\n"
        "            return loss()\n"
        "        optimizer.step(closure)"
    ),
    "closure": (
        "def closure():\n"
        "            optimizer.zero_grad()\n"
        "            value = loss()\n"
        "            value.backward()\n"
        "            return value\n"
        "        optimizer.step(closure)"
    ),
    "model": "optimizer.zero_grad(); loss().backward(); optimizer.step()",
}
_UNSPOKEN = ("fused", "sampled", "value_closure", "keeps_grad", "grad_first", "sparse")


def twin_program(subject: Subject, world: World, side: str, transform: str) -> str:
    """Return the program, or an empty text where the drive is not written down here."""
    if not spoken(subject):
        return ""
    if side == "loss":
        return _loss_program(subject, world)
    dim = {"inputs": world.sizes[-1], "outputs": world.sizes[0], "hidden": world.sizes[1]}[side]
    A = draw_transform(transform, dim, subject.stream(side, transform, dim))
    return _PROGRAM.format(
        A=f"A = torch.tensor({A.tolist()}, dtype=torch.float64)",
        change=f"    if changed:\n        {_CHANGE[side]}",
        factor="",
        **_common(subject, world),
        back="predictions @ A.inverse().mT if changed else predictions"
        if side == "outputs"
        else "predictions",
    )


def _loss_program(subject: Subject, world: World) -> str:
    """Return the program of a training whose loss is multiplied by a factor, against a plain one.

    world: its factor is the twin's.
    """
    return _PROGRAM.format(
        A=f"FACTOR = {world.factor!r}",
        change="",
        factor="(FACTOR if changed else 1.0) * ",
        back="predictions",
        **_common(subject, world),
    )


def _common(subject: Subject, world: World) -> dict[str, Any]:
    rate = learning_rate(subject, world)
    named = {} if rate is None else dict.fromkeys(known_as(subject, "lr")[:1], rate)
    options = dict(world.options) | named
    options |= dict.fromkeys(known_as(subject, "weight_decay"), 0.0)
    return {
        "make": optimizer_text(subject),
        "seed": derive_seed(
            subject.seed, "conformance", "fingerprint", *world.sizes, world.sizes[-1]
        ),
        "sizes": world.sizes,
        "steps": world.steps,
        "rows": world.rows,
        "global_seed": subject.seed,
        "build": build_text(subject, options),
        "step": "        " + drive_text(subject),
        "after": "optimizer.eval()" if "mode" in subject.needs else "",
    }


_CONVOLUTION = """\
import math

import torch

{make}

draw = torch.Generator().manual_seed({seed})
normal = lambda *size: torch.randn(size, generator=draw, dtype=torch.float64)
shape = {shape}
kernel = normal(*shape) / math.sqrt(math.prod(shape[1:]))
spread = torch.exp(normal(*shape[1:]) / 2)
batches = [(normal({rows}, *shape[1:]) * spread, normal({rows}, shape[0])) for _ in range({steps})]


def train(images):
    torch.manual_seed({global_seed})
    if images:
        layer = torch.nn.Conv2d(shape[1], shape[0], shape[2:], bias=False, dtype=torch.float64)
    else:
        layer = torch.nn.Linear(kernel[0].numel(), shape[0], bias=False, dtype=torch.float64)
    layer.weight.data.copy_(kernel.reshape(layer.weight.shape))
    model = torch.nn.Sequential(layer, torch.nn.Flatten())
    {build}
    for X, Y in batches:
        def loss():
            return (model(X if images else X.flatten(1)) - Y).square().sum() / (2 * len(X))
{step}
    {after}
    return layer.weight.detach().flatten(1)


one, two = train(True), train(False)
print('gap', float((one - two).norm() / (two - kernel.flatten(1)).norm()))
"""


def convolution_program(subject: Subject, shape: Sequence[int], rows: int, steps: int) -> str:
    """Return a program that trains a convolution and the linear layer it equals."""
    if not spoken(subject):
        return ""
    options = dict.fromkeys(known_as(subject, "weight_decay"), 0.0)
    return _CONVOLUTION.format(
        make=optimizer_text(subject),
        seed=derive_seed(subject.seed, "conformance", "inv.convolution", *shape),
        shape=tuple(shape),
        rows=rows,
        steps=steps,
        global_seed=subject.seed,
        build=build_text(subject, options),
        step="        " + drive_text(subject),
        after="optimizer.eval()" if "mode" in subject.needs else "",
    )


def spoken(subject: Subject) -> bool:
    """Return whether the way this subject is driven can be written into a short program."""
    return subject.spec.step is None and not any(need in subject.needs for need in _UNSPOKEN)


def drive_text(subject: Subject) -> str:
    """Return the statements of one step, after a function ``loss`` is defined."""
    needs = (need for need in _DRIVES if need and need in subject.needs)
    return _DRIVES[next(needs, "")]


def build_text(subject: Subject, options: Mapping[str, object]) -> str:
    """Return the lines that build the optimizer; what its factory does not name is set later."""
    given = "list(model.parameters())"
    if "model" in subject.needs:
        given = "model"
    elif "named" in subject.needs:
        given = "list(model.named_parameters())"
    named = named_options(subject.spec.factory)
    direct = {k: v for k, v in options.items() if k in named}
    later = {k: v for k, v in options.items() if k not in named}
    lines = [f"optimizer = make({given}, **{direct!r})" if direct else f"optimizer = make({given})"]
    if later:
        lines += ["for group in optimizer.param_groups:", f"    group.update({later!r})"]
    return "\n    ".join(lines + (["optimizer.train()"] if "mode" in subject.needs else []))
