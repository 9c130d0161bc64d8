"""Grokfast: the gradient gets a multiple of the running average of the gradients as they came.

Source: Lee et al. 2024, Grokfast, algorithm 1 (EMA).
"""

import inspect
import itertools
import re
from collections.abc import Iterable, Iterator

import torch

from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.checks.wrapped.options import (
    APART,
    Wrapping,
    about,
    is_coarse,
    named,
    same,
    speaks_of,
    wrapping,
)
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, end_gap, gap

ID = "api.grokfast"
SHAPES = ((6, 4), (5,))
STEPS = 20
LAMB = 10.0
"""So large that an average that is fed back grows within a few steps."""
FACTOR = re.compile(r"^grok(fast)?_(lamb(da)?|factor|amp\w*)$|^lamb(da)?$")
DECAY = re.compile(r"^grok(fast)?_(alpha|decay|beta)$|^alpha$")
SWITCH = re.compile(r"^(use_)?grok_?fast$")
SCALES = re.compile(r"^normali[sz]e_lr$")
GROKFAST = re.compile(r"grok_?fast", re.IGNORECASE)
AVERAGE = re.compile(r"averag|\bema\b|moving|slow|amplif", re.IGNORECASE)
USUAL = (0.98, 0.9, 0.95, 0.99)
NUMBER = re.compile(r"\b0?\.\d+\b")
BEGINS, TAKES = ("first", "zero"), ("present", "earlier", "sum")
Rule = tuple[float, str, str]
FED_BACK = re.compile(
    r"fe?e?d\w* back|recursive|(of|over|takes in|in) the (amplified|filtered)|"
    r"amplified itself|takes in g \+",
    re.IGNORECASE,
)


def amplified(
    rows: list[list[torch.Tensor]], lamb: float, alpha: float, begins: str, takes: str
) -> list[list[torch.Tensor]]:
    """Return gradients with ``lamb`` times their running average, of decay ``alpha``, added.

    begins: the average, as the "first" gradient or as "zero". takes: what the average takes in,
    the "present" gradient, "earlier" ones alone, or the "sum", which is what is handed on.
    """
    slow = [g.clone() if begins == "first" else 0 * g for g in rows[0]]
    out = []
    for row in rows:
        if takes == "present":
            slow = [torch.lerp(g, s, alpha) for g, s in zip(row, slow, strict=True)]
        out.append([g + lamb * s for g, s in zip(row, slow, strict=True)])
        if takes != "present":
            new = row if takes == "earlier" else out[-1]
            slow = [torch.lerp(g, s, alpha) for g, s in zip(new, slow, strict=True)]
    return out


@check(ID, tags=("api",), cost=0.05, needs=("inject", "params"))
def grokfast(subject: Subject) -> Iterable[CheckResult]:
    """The average that amplifies gradients is that of the gradients as they came."""
    if not named(subject, FACTOR) or is_coarse(subject):
        return
    shapes = subject.shapes(*SHAPES)
    start, drawn = subject.draw(shapes, STEPS, ID)
    gradients = uneven(drawn)
    for option, decays in _asked(subject):
        try:
            acting = option.acting(start, gradients)
            if gap(acting, option.without(start, gradients)) <= same(subject, ID):
                continue
            found = {
                rule: option.without(start, amplified(gradients, LAMB, *rule))
                for rule in itertools.product(decays, BEGINS, TAKES)
            }
        except Exception:  # the option is refused
            continue
        if (answer := _answer(option, acting, found, shapes)) is not None:
            yield answer
            return


def _asked(subject: Subject) -> Iterator[tuple[Wrapping, list[float]]]:
    """Yield the option, and the decays that the average may have."""
    switches = named(subject, SWITCH, switch=True)
    usual = dict.fromkeys(named(subject, SCALES, switch=True), False)
    for name in named(subject, FACTOR):
        if not (GROKFAST.search(name) or (speaks_of(subject, GROKFAST))):
            continue
        if not about(subject, name, AVERAGE):
            continue
        decay = [n for n in named(subject, DECAY) if GROKFAST.search(n)][:1]
        on = {**usual, **dict.fromkeys(switches, True), name: LAMB, **dict.fromkeys(decay, 0.9)}
        off = {**usual, **(dict.fromkeys(switches, False) if switches else {name: 0.0})}
        option = wrapping(subject, name, on, off)
        told = [float(x) for x in NUMBER.findall(option.said)]
        yield option, [0.9] if decay else list(dict.fromkeys([*told, *USUAL]))


def _answer(
    option: Wrapping,
    acting: Trajectory,
    found: dict[Rule, Trajectory],
    shapes: list[tuple[int, ...]],
) -> CheckResult | None:
    """Return the answer; None where no known filter is in use."""
    nearest = min(found, key=lambda rule: (gap(acting, found[rule]), TAKES.index(rule[2])))
    measured = gap(acting, found[nearest])
    if measured > same(option.subject, ID):
        return None
    if nearest[2] != "sum":
        return CheckResult(
            check=ID,
            outcome=Outcome.CONFORMS if nearest[2] == "present" else Outcome.CONVENTION,
            message=f"With {option.shown} the run is that on gradients filtered beforehand.",
            measured=measured,
            convention={"the average takes in": nearest[2]} if nearest[2] != "present" else {},
        )
    rules = [r for r in found if r[0] == nearest[0] and r[2] != "sum"]
    apart, at_end = (min(way(acting, found[r]) for r in rules) for way in (gap, end_gap))
    if apart <= APART:
        return None
    body = f"""{UNEVEN_TEXT}
{inspect.getsource(amplified)}

b = run(start, gradients, **{option.on!r})
go = lambda rule: run(start, amplified(gradients, {LAMB}, *rule), **{option.off!r})
print('fed back', gap(b, go({nearest!r}), start))
print('as gradients came, at best', min(gap(b, go(rule), start) for rule in {rules!r}))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.VARIANT if speaks_of(option.subject, FED_BACK) else Outcome.DEVIATES,
        message=f"With {option.shown} the average of gradients takes in the amplified ones, and is "
        f"fed back: {apart:.2g} of the way from a run whose average is of gradients as they came.",
        measured=apart,
        bound=APART,
        scenario={"changed": dict(option.on), "steps": STEPS},
        **evidence(option.subject, body, at_end, shapes=shapes, steps=STEPS, stream=(ID,)),
    )
