"""The same run after a run with other options: no optimizer begins where another one ended."""

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from lpfl.conformance.agreement import SCALARS, Gradients, Start
from lpfl.conformance.checks.switches import PLUMBING, switches
from lpfl.conformance.definition.alternatives import alternatives
from lpfl.conformance.definition.grid import own_classes
from lpfl.conformance.learning.cost import calls_per_step
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import attributable, tolerance
from lpfl.conformance.signatures import parameters_of
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import gap

ID = "api.run-again"
SHAPES = ((6, 4), (5,))
STEPS = 6
ON = (0.5, 5)
"""Values that are tried of an option that is 0 or None by default."""
MOST = 8
"""Options of that kind that are tried."""
DEAR = 1500
"""Calls a step above which an optimizer is left alone; most make some hundred."""
Defaults = dict[str, Any]


@check(ID, tags=("api",), cost=0.1, needs=("inject", "params"))
def run_again(subject: Subject) -> CheckResult:
    """A run is the same again after a run of another optimizer of the class with other options."""
    if calls_per_step(subject) > DEAR:
        message = f"Not driven: a step makes more than {DEAR} calls."
        return CheckResult(check=ID, outcome=Outcome.UNDRIVABLE, message=message)
    start, gradients = subject.draw(subject.shapes(*SHAPES), STEPS, ID)
    bound, defaults, tried = max(SCALARS, tolerance(subject, ID)), _writable(subject), 0
    plain, same = (subject.run(start, gradients) for _ in range(2))
    if gap(same, plain) > 0.1 * bound:
        message = "Not judged: two equal runs differ, which api.determinism says."
        return CheckResult(check=ID, outcome=Outcome.INCONCLUSIVE, message=message)
    for options in _options(subject):
        kept = copy.deepcopy(defaults)
        try:
            subject.run(start, gradients, options=options)
            apart = gap(subject.run(start, gradients), plain)
            written = [n for n, v in defaults.items() if repr(v) != repr(kept[n])]
        except Exception:  # the option is refused
            continue
        finally:
            _put_back(defaults, kept)
        tried += 1
        if apart > bound and attributable(subject, apart, start, gradients):
            return _other(subject, options, written, apart, bound, (start, gradients))
    message = f"A run is the same again after runs with each of {tried} options."
    return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)


def _options(subject: Subject) -> Iterator[Mapping[str, Any]]:
    """Yield options one by one: with another value, turned over, or switched on by a number."""
    known = {**alternatives(subject), **switches(subject)}
    names = sorted(subject.constructor_names - PLUMBING - known.keys() - {"lr"})
    off = [n for n in names if _off(subject.default(n))][:MOST]
    yield from ({name: value} for name, value in known.items())
    yield from ({name: value} for name, value in itertools.product(off, ON))


def _off(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and value == 0)


def _writable(subject: Subject) -> Defaults:
    """Return the defaults of factory and constructors that can be written into."""
    optimizer = subject.open(subject.draw(subject.shapes(*SHAPES), 0, ID)[0]).optimizer
    makers: list[Callable[..., Any]] = [subject.spec.factory, *own_classes(optimizer)]
    held = {
        f"{p.name} of {getattr(maker, '__name__', 'the factory')}": p.default
        for maker in makers
        for p in parameters_of(maker)
    }
    return {n: v for n, v in held.items() if isinstance(v, list | dict | torch.Tensor)}


def _put_back(defaults: Defaults, kept: Defaults) -> None:
    """Write the values that defaults had back into them."""
    for name, held in defaults.items():
        if isinstance(held, torch.Tensor):
            held.data.copy_(kept[name])
        elif isinstance(held, dict):
            held.clear()
            held.update(kept[name])
        else:
            held[:] = kept[name]


def _other(
    subject: Subject,
    options: Mapping[str, Any],
    written: list[str],
    apart: float,
    bound: float,
    given: tuple[Start, Gradients],
) -> CheckResult:
    """Return the answer about a run that is another one after a run with these options."""
    ((name, value),) = options.items()
    where = f": it writes into the default {' and '.join(written)}" if written else ""
    body = f"""
before = run(start, gradients)
run(start, gradients, **{dict(options)!r})
print('the same run again:', gap(run(start, gradients), before, start) <= {bound!r})
"""
    shapes, proof = [tuple(v.shape) for v in given[0]], "the same run again: False"
    more = evidence(subject, body, proof, shapes=shapes, steps=STEPS, stream=(ID,))
    return CheckResult(
        check=ID,
        outcome=Outcome.DEVIATES if more["snippet"] else Outcome.INCONCLUSIVE,
        message=f"After a run with {name}={value!r} the run of a new optimizer without it is "
        f"{apart:.2g} of its way from the one before{where}.",
        measured=apart,
        bound=bound,
        scenario={"between": dict(options), "steps": STEPS},
        **more,
    )
