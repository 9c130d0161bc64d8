"""Manners: the same run again, what an optimizer does to the process it runs in."""

from typing import Any

import torch

from lpfl.conformance.checks.first_use import first_of_its_size
from lpfl.conformance.manners import changed, generators, listening, settings
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

STEPS = 6
SAME = 1e-12  # another memory alignment may change the order of a BLAS sum


@check("api.side-effects", tags=("api",), cost=0.1)
def side_effects(subject: Subject) -> CheckResult:
    """Building and stepping changes no global setting and no class of torch."""
    check_id = "api.side-effects"
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 4, check_id)
    subject.run(start, gradients)
    found = changed(subject.settings, settings())
    if found:
        message = f"The number of global settings it changed is {len(found)}: {', '.join(found)}."
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=message,
            measured=float(len(found)),
            bound=0.0,
            scenario={"steps": 4},
            **_change_shown(subject, found[0]),
        )
    session = subject.open(start)
    before = generators()
    for step in gradients:
        session.step(step)
    draws = [name for name, state in generators().items() if state != before[name]]
    seeded = _seeded(subject)
    if seeded:
        message = f"It seeds the global generator of {', '.join(seeded)}: what others draw next "
        return CheckResult(
            check=check_id,
            outcome=Outcome.LIMIT,
            message=f"{message}is the same whatever their seed.",
            measured=float(len(seeded)),
            bound=0.0,
            scenario={"steps": 2},
            **_seeding_shown(subject, seeded[0]),
        )
    if draws:
        message = f"It draws from the global generator of {', '.join(draws)}."
        return CheckResult(check=check_id, outcome=Outcome.VARIANT, message=message)
    message = "The number of global settings it changed is 0; it draws no random number."
    return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _seeded(subject: Subject) -> list[str]:
    """Return the global generators that stand alike after two runs from different seeds."""
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 2, "api.side-effects")
    after = []
    for seed in (1, 2):
        session = subject.open(start, seed=seed)
        for step in gradients:
            session.step(step)
        after.append(generators())
    return [name for name, state in after[0].items() if state == after[1][name]]


_GENERATORS = {
    "torch": ("torch.manual_seed({})", "float(torch.rand(()))"),
    "numpy": ("import numpy; numpy.random.seed({})", "numpy.random.rand()"),
    "Python": ("import random; random.seed({})", "random.random()"),
}
"""Generator -> how a program seeds it, and draws from it."""


def _seeding_shown(subject: Subject, name: str) -> dict[str, Any]:
    """Return the program that prints whether two seeds lead to the same number."""
    put, draw = _GENERATORS[name]
    body = f"""
drawn = []
for seed in (1, 2):
    {put.format("seed")}
    optimizer, params = begin(start)
    for g in gradients:
        step(optimizer, params, g)
    drawn.append({draw})
print('the same after two seeds:', drawn[0] == drawn[1])
"""
    shapes = subject.shapes((6, 4), (5,))
    proof = "the same after two seeds: True"
    stream = ("api.side-effects",)
    return evidence(subject, body, proof, shapes=shapes, steps=2, stream=stream)


_SETTINGS = {
    "default dtype": ("torch.set_default_dtype({})", "torch.get_default_dtype()"),
    "gradient mode": ("torch.set_grad_enabled({})", "torch.is_grad_enabled()"),
    "deterministic algorithms": (
        "torch.use_deterministic_algorithms({})",
        "torch.are_deterministic_algorithms_enabled()",
    ),
    "threads": ("torch.set_num_threads({})", "torch.get_num_threads()"),
    "matmul precision": (
        "torch.set_float32_matmul_precision({!r})",
        "torch.get_float32_matmul_precision()",
    ),
    "floating point errors of numpy": (
        "import numpy; numpy.seterr(**dict({}))",
        "tuple(sorted(numpy.geterr().items()))",
    ),
    "anomaly detection": (
        "torch.autograd.set_detect_anomaly({})",
        "torch.is_anomaly_enabled()",
    ),
    "garbage collection": ("import gc", "gc.isenabled()"),
    "numbers flushed to zero": (
        "torch.set_flush_denormal({})",
        "not float(torch.tensor(1e-310, dtype=torch.float64) * 1.0)",
    ),
}
"""Setting -> how a program sets it back, and reads it."""


def _change_shown(subject: Subject, name: str) -> dict[str, Any]:
    """Return the program that prints whether the setting is another one after four steps."""
    if name in _SETTINGS:
        put, get = _SETTINGS[name]
        body = f"""
{put.format(subject.settings[name])}
before = {get}
run(start, gradients)
print('changed:', {get} != before, before, {get})
"""
    else:
        owner = name.removeprefix("functions of ")
        place = {"Tensor": "torch.Tensor", "Module": "torch.nn.Module", "torch": "torch"}
        at = place.get(owner, owner if "." in owner else f"torch.optim.{owner}")
        body = f"""
run(start, gradients)
foreign = [n for n, f in vars({at}).items() if hasattr(f, '__code__')
           and not str(f.__module__).startswith('torch')]
print('changed:', bool(foreign), foreign)
"""
    shapes = subject.shapes((6, 4), (5,))
    stream = ("api.side-effects",)
    return evidence(subject, body, "changed: True", shapes=shapes, steps=4, stream=stream)


@check("api.noise", tags=("api",), cost=0.1)
def noise(subject: Subject) -> CheckResult:
    """Building and stepping prints nothing and warns of nothing."""
    check_id = "api.noise"
    start, gradients = subject.draw(subject.shapes((6, 4), (5,)), 4, check_id)
    with listening() as heard:
        subject.run(start, gradients)
    said = [f"prints {_short(heard.printed)!r}"] if heard.printed.strip() else []
    said += [f"warns: {text}" for text in dict.fromkeys(heard.warned)]
    if not said:
        message = "The number of lines printed and of warnings in four steps is 0."
        return CheckResult(check=check_id, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    message = f"In four steps it {'; '.join(said[:3])}."
    return CheckResult(
        check=check_id, outcome=Outcome.VARIANT, message=message, measured=float(len(said))
    )


def _short(text: str) -> str:
    return " ".join(text.split())[:120]


@check("api.determinism", tags=("api",), cost=0.1)
def determinism(subject: Subject) -> CheckResult:
    """The same seed gives the same run."""
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, STEPS, "determinism")
    first = subject.run(start, gradients)
    apart = gap(first, subject.run(start, gradients))
    if apart > SAME:
        return CheckResult(
            check="api.determinism",
            outcome=Outcome.DEVIATES,
            message=f"Two runs with the same seed are {apart:.2g} apart.",
            measured=apart,
            bound=SAME,
            scenario={"shapes": shapes, "steps": STEPS},
            **evidence(
                subject,
                "a, b = run(start, gradients), run(start, gradients)\n"
                f"print('differs:', gap(a, b, start) > {SAME})",
                "differs: True",
                shapes=shapes,
                steps=STEPS,
                stream=("determinism",),
            ),
        )
    if answer := first_of_its_size(subject):
        return answer
    torch.manual_seed(subject.seed + 1)
    other = gap(first, subject.run(start, gradients, seed=subject.seed + 1))
    draws = f"; another seed is {other:.2g} apart" if other > SAME else ""
    return CheckResult(
        check="api.determinism",
        outcome=Outcome.CONFORMS,
        message=f"Two runs with the same seed are {apart:.2g} apart{draws}.",
        measured=apart,
        bound=SAME,
        details={"other_seed": other},
    )
