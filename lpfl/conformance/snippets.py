"""Programs that show a finding with torch and the optimizer's package alone; they are run first."""

import contextlib
import faulthandler
import inspect
import io
import os
import re
import select
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lpfl.conformance.signatures import named_options, takes_any_option
from lpfl.lifeline import end_with
from lpfl.seeding import derive_seed

if TYPE_CHECKING:
    from lpfl.conformance.subject import Subject

SECONDS = 20.0
WITHIN = 0.5  # relative difference allowed between the program's number and the measured one

_HEAD = """\
import torch

{make}


{step}

def begin(values, **options):
    {begin}


def run(values, gradients, **options):
    optimizer, params = begin(values, **options)
    for g in gradients:
        step(optimizer, params, g)
    return [p.detach().clone() for p in params]


def gap(a, b, start):
    size = lambda x, y: sum(float((u - v).double().square().sum()) for u, v in zip(x, y)) ** 0.5
    return size(a, b) / size(b, start)


{draw}
"""
_DRAW = """\
draw = torch.Generator().manual_seed({seed})
shapes, steps = {shapes}, {steps}
normal = lambda shape: torch.randn(shape, generator=draw, dtype=torch.float64){cast}
start = [normal(shape) for shape in shapes]
gradients = [[normal(shape) for shape in shapes] for _ in range(steps)]
"""


def program(
    subject: "Subject",
    body: str,
    *,
    shapes: Sequence[Sequence[int]],
    steps: int,
    stream: Sequence[str | int | float],
) -> str:
    """Return a whole program: optimizer, drive, the scenario's tensors, then ``body``.

    The body finds ``begin, step, run, gap, start, gradients``; its last line prints the number.
    """
    seed = derive_seed(subject.seed, "conformance", "draw", *stream)
    cast = "" if subject.coarsest == torch.float64 else ".float()"
    drawn = _DRAW.format(seed=seed, shapes=[tuple(s) for s in shapes], steps=steps, cast=cast)
    make, step, begin = optimizer_text(subject), _step(subject), _begin(subject)
    return _HEAD.format(make=make, step=step, begin=begin, draw=drawn) + body.strip() + "\n"


def optimizer_text(subject: "Subject") -> str:
    """Return program text that imports the optimizer and defines ``make(params, **options)``."""
    spec = subject.spec
    preset = f"**{dict(spec.options)!r}, " if spec.options else ""
    options = f"**{{{preset}**options}}" if preset else "**options"
    if spec.program:
        again = f"\nmade = make\nmake = lambda params, **options: made(params, {options})"
        return spec.program + (again if preset else "")
    module, _, name = spec.source.partition(":")
    top, _, rest = name.partition(".")
    line = f"from {module} import {top}" if module else "# factory: your own, not importable"
    made = f"{top}.{rest}" if rest else top
    made = made if module else "factory"
    return f"{line}\n\nmake = lambda params, **options: {made}(params, {options})"


def _step(subject: "Subject") -> str:
    from lpfl.conformance.drives.opening import drive_of

    text = drive_of(subject.needs).text
    if "model" in subject.needs:
        from lpfl.conformance.drives import bag

        layers = [inspect.getsource(part) for part in (bag.Scale, bag.layer, bag.Bag)]
        text = "\n\n".join([*layers, text])
    return text


def _begin(subject: "Subject") -> str:
    named = "[(f'layer{i}.weight', p) for i, p in enumerate(params)]"
    given = named if "named" in subject.needs else "params"
    before = "params = [torch.nn.Parameter(v.clone()) for v in values]"
    after = "optimizer.train()" if "mode" in subject.needs else ""
    if "model" in subject.needs:
        before = "global model\n    model = Bag([v.clone() for v in values])\n    model.count = 0"
        given = "model"
        after = "optimizer.bag = model\n    params = [m.weight for m in model.layers]"
    factory = subject.spec.factory
    passes = bool(named_options(factory)) or takes_any_option(factory)
    made = f"optimizer = make({given}{', **options' if passes else ''})"
    loop = "for group in optimizer.param_groups:\n        group.update(options)"
    lines = [before, made, "" if passes else loop, after, "return optimizer, params"]
    return "\n    ".join(line for line in lines if line)


def proven(subject: "Subject", text: str, expected: float | str) -> tuple[str, str]:
    """Run a program; return it with its output, or an empty text and what went wrong.

    It counts if its last line ends with a number near ``expected``, or contains that text.
    """
    output = execute(text, {"factory": subject.spec.factory} if not subject.spec.source else {})
    last = output.strip().rpartition("\n")[2]
    if _agrees(last, expected):
        return f"{text}# prints: {last[:160]}\n", ""
    return "", f"the program printed {last[:160]!r}, expected {expected!r}"


def contradicted(why: str) -> bool:
    """Return whether a program ran to its end and printed another number than was measured.

    A difference that a second run does not show again is no evidence.
    """
    shown = re.search(r"printed '[^']*?([-+.\deainf]+)', expected", why)
    try:
        return shown is not None and float(shown[1]) == float(shown[1])
    except ValueError:
        return False


def _agrees(last: str, expected: float | str) -> bool:
    if isinstance(expected, str):
        return expected in last
    try:
        number = float(last.rpartition(" ")[2])
    except ValueError:
        return False
    if number != number or expected != expected:
        return number != number and expected != expected
    return number == expected or abs(number - expected) <= WITHIN * abs(expected)


def execute(text: str, names: Mapping[str, Any]) -> str:
    """Return what a program prints, run in a forked process that is killed after a while."""
    read, write = os.pipe()
    parent, child = os.getpid(), os.fork()
    if child == 0:
        end_with(parent)
        _run_and_exit(text, names, write)
    os.close(write)
    pieces, deadline = [], time.monotonic() + SECONDS
    while (left := deadline - time.monotonic()) > 0 and select.select([read], [], [], left)[0]:
        piece = os.read(read, 65536)
        if not piece:
            break
        pieces.append(piece)
    os.close(read)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return b"".join(pieces).decode("utf-8", "replace")


def _run_and_exit(text: str, names: Mapping[str, Any], write: int) -> None:
    faulthandler.disable()
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(text, "<snippet>", "exec"), {"__name__": "__main__", **names})
    except BaseException:
        out.write("\n" + traceback.format_exc(limit=0))
    finally:
        with contextlib.suppress(OSError), os.fdopen(write, "wb") as pipe:
            pipe.write(out.getvalue().encode())
        os._exit(0)
