"""Programs that show a finding with torch and the optimizer's package alone; they are run first."""

import contextlib
import faulthandler
import inspect
import io
import os
import re
import select
import signal
import textwrap
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
    torch.manual_seed({global_seed})
    {begin}


def read(optimizer, params):
    {read}


def run(values, gradients, **options):
    optimizer, params = begin(values, **options)
    for g in gradients:
        step(optimizer, params, g)
    return read(optimizer, params)


def gap(a, b, start):
    size = lambda x, y: sum(float((u - v).double().square().sum()) for u, v in zip(x, y)) ** 0.5
    return size(a, b) / (size(b, start) or 1.0)


{draw}
"""
_OWN = """
def step(optimizer, params, gradients):
    loss = lambda: sum((g.to(p) * (p - p.detach())).sum() for p, g in zip(params, gradients))
    return {name}(torch.nn.ParameterList(params), loss, optimizer)
"""
_GRADIENT_FIRST = """
once_begun = step


def step(optimizer, params, gradients):
    if not hasattr(optimizer, "begun"):
        optimizer.begun = True
        sum((g * p).sum() for p, g in zip(params, gradients) if g is not None).backward()
    return once_begun(optimizer, params, gradients)
"""
_HANDED_ON = """try:
        {made}
    except TypeError:
        direct = {{k: v for k, v in options.items() if k in {named}}}
        optimizer = make({given}, **direct)
        for group in optimizer.param_groups:
            group.update({{k: v for k, v in options.items() if k not in direct}})"""
_SET_LATER = """direct = {{k: v for k, v in options.items() if k in {named}}}
    optimizer = make({given}, **direct)
    for group in optimizer.param_groups:
        group.update({{k: v for k, v in options.items() if k not in direct}})"""
_MAKE_IN_TRAINING = """
in_any_mode = make


def make(params, **options):
    optimizer = in_any_mode(params, **options)
    optimizer.train()
    return optimizer
"""
_READ = "return [p.detach().clone() for p in params]"
_READ_IN_EVAL = """optimizer.eval()
    values = [p.detach().clone() for p in params]
    optimizer.train()
    return values"""
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

    The body finds ``begin, step, read, run, gap, start, gradients``; its last line prints the
    number.
    """
    seed = derive_seed(subject.seed, "conformance", "draw", *stream)
    cast = "" if subject.coarsest == torch.float64 else ".float()"
    drawn = _DRAW.format(seed=seed, shapes=[tuple(s) for s in shapes], steps=steps, cast=cast)
    parts = {"make": optimizer_text(subject), "step": _step(subject), "begin": _begin(subject)}
    read = _READ_IN_EVAL if "mode" in subject.needs else _READ
    parts["make"] += _MAKE_IN_TRAINING if "mode" in subject.needs else ""
    parts["global_seed"] = str(subject.seed)
    return _HEAD.format(read=read, draw=drawn, **parts) + body.strip() + "\n"


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

    text = drive_of(subject.needs).program_text(subject.needs)
    if subject.spec.step is not None:
        text = _own_step(subject.spec.step)
    if "grad_first" in subject.needs:
        text += _GRADIENT_FIRST
    if "model" in subject.needs:
        from lpfl.conformance.drives import bag

        layers = [inspect.getsource(part) for part in (bag.Scale, bag.layer, bag.Bag)]
        text = "\n\n".join([*layers, text])
    return text


def _own_step(function: Any) -> str:
    """Return the step of the spec, by its import or its source."""
    name, module = function.__qualname__, function.__module__
    if name.isidentifier() and module != "__main__":
        text = f"from {module} import {name}\n\n"
    else:
        text = _source(function)
    return text + _OWN.replace("{name}", function.__name__)


def _source(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)) + "\n\n"
    except (OSError, TypeError):
        return "# the step of the spec: your own, its source is not at hand\n"


def _begin(subject: "Subject") -> str:
    named = "[(f'layer{i}.weight', p) for i, p in enumerate(params)]"
    given = named if "named" in subject.needs else "params"
    before = "params = [torch.nn.Parameter(v.clone()) for v in values]"
    after = ""
    if "model" in subject.needs:
        before = "global model\n    model = Bag([v.clone() for v in values])\n    model.count = 0"
        given = "model"
        after = "optimizer.bag = model\n    params = [m.weight for m in model.layers]"
    factory = subject.spec.factory
    passes = bool(named_options(factory)) or takes_any_option(factory)
    made = f"optimizer = make({given}{', **options' if passes else ''})"
    loop = "for group in optimizer.param_groups:\n        group.update(options)"
    if takes_any_option(factory):  # what it hands on may be refused; the groups know it then
        made = _HANDED_ON.format(made=made, given=given, named=sorted(named_options(factory)))
    elif passes and (not inspect.isclass(factory) or _hides(subject)):
        made = _SET_LATER.format(given=given, named=sorted(named_options(factory)))
    lines = [before, made, "" if passes else loop, after, "return optimizer, params"]
    return "\n    ".join(line for line in lines if line)


def _hides(subject: "Subject") -> bool:
    """Return whether the groups hold a switch of torch's that the constructor does not take."""
    return bool(
        {"maximize", "foreach"}
        & subject.default_group.keys() - named_options(subject.spec.factory).keys()
    )


def proven(subject: "Subject", text: str, expected: float | str) -> tuple[str, str]:
    """Run a program; return it with its output, or an empty text and what went wrong.

    It counts if its last line ends with a number near ``expected``, or contains that text.
    """
    output = execute(text, {"factory": subject.spec.factory} if not subject.spec.source else {})
    last = output.strip().rpartition("\n")[2]
    if _agrees(last, expected):
        return f"{text}# prints: {last[:160]}\n", ""
    return "", f"the program printed {last[:160]!r}, expected {expected!r}"


def evidence(
    subject: "Subject",
    body: str,
    expected: float | str,
    *,
    shapes: Sequence[Sequence[int]],
    steps: int,
    stream: Sequence[str | int | float],
) -> dict[str, Any]:
    """Return the fields of an answer that carry a program, executed, or say why there is none."""
    text = program(subject, body, shapes=shapes, steps=steps, stream=stream)
    text, why = proven(subject, text, expected)
    return {"snippet": text, "details": {"snippet": why} if why else {}}


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
        return number != number and (expected != expected)
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
