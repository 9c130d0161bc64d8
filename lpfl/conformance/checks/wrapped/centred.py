"""Centralized gradients: the mean over all axes but the first, of matrices and kernels alone.

Source: Yong et al. 2020, Gradient Centralization, eq. (1).
"""

import re
from collections.abc import Iterable, Mapping

from lpfl.conformance.agreement import Gradients, Start
from lpfl.conformance.checks.promised.told_of import words_of
from lpfl.conformance.checks.wrapped.options import (
    APART,
    LEAST,
    Wrapping,
    is_coarse,
    named,
    same,
    wrapping,
)
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, end_gap, gap

ID = "api.centralized"
NAMES = re.compile(
    r"^(use_|using_)?(gc|centrali[sz]e(_?grad(ient)?s?)?|grad(ient)?_?centrali[sz](ation|e))$"
)
OTHERS = re.compile(r"(^|_)gc(_|$)|normgc|centr|normali[sz]e_grad|zero_mean|whiten|project")
ALWAYS = re.compile(r"always|regardless|no effect|unused|ignored|deprecated", re.IGNORECASE)
STEPS = 8
Axes = tuple[int, ...]
NONE: Axes = ()
RIGHT: Mapping[tuple[int, ...], tuple[Axes, ...]] = {
    (6, 4): ((1,), NONE),
    (4, 3, 2, 2): ((1, 2, 3), NONE),
    (5,): (NONE,),
}
"""Axes over which the mean may be taken: some centralize kernels alone."""
WRONG: Mapping[tuple[int, ...], Mapping[Axes, str]] = {
    (6, 4): {(0,): "the first axis", (0, 1): "all axes"},
    (4, 3, 2, 2): {(0,): "the first axis", (0, 1, 2, 3): "all axes"},
    (5,): {(0,): "the only axis"},
}
TOLD: Mapping[str, re.Pattern[str]] = {
    "the first axis": re.compile(
        r"column|input|(dim|axis)\s*=?\s*0|(over|along|of) the (first|output)|but (the )?last|"
        r"\(in\w*, ?out\w*\)|keras|tensorflow",
        re.IGNORECASE,
    ),
    "all axes": re.compile(
        r"\b(whole|entire|zero[- ]mean|global|all (entries|elements|axes(?! but))|its mean|"
        r"own mean|mean of (a|the|each|every) (gradient|grad)\b)",
        re.IGNORECASE,
    ),
    "the only axis": re.compile(
        r"\b(vectors?|bias(es)?|1-?d|one[- ]dim\w*|(all|every|each) (grad|param|weight|tensor)\w*)",
        re.IGNORECASE,
    ),
}
"""Words by which another mean is told of."""


@check(ID, tags=("api",), cost=0.05, needs=("inject", "params"))
def centralized(subject: Subject) -> Iterable[CheckResult]:
    """Centralized gradients lose the mean over all axes but the first, and vectors nothing."""
    names = named(subject, NAMES, switch=True)
    if not names or is_coarse(subject):
        return
    held = []
    for name in names:
        option = wrapping(subject, name, {name: True}, {name: False})
        for shape in subject.shapes(*RIGHT):
            answer = _of(option, shape)
            if answer is not None and answer.outcome is not Outcome.CONFORMS:
                yield answer
                return
            held += [answer] if answer else []
    if held:
        yield held[0]


def _of(option: Wrapping, shape: tuple[int, ...]) -> CheckResult | None:
    """Return the answer for weights of one shape; None where no known mean is taken off."""
    start, gradients = option.subject.draw([shape], STEPS, ID)
    try:
        acting = option.acting(start, gradients)
        rightly = [_run(option, start, gradients, axes) for axes in RIGHT[shape]]
        wrong = {a: gap(acting, _run(option, start, gradients, a)) for a in WRONG[shape]}
    except Exception:  # the option is refused
        return None
    bound, right = same(option.subject, ID), min(gap(acting, run) for run in rightly)
    if RIGHT[shape][0] and gap(rightly[0], rightly[-1]) <= bound:
        return _always(option, shape) if right <= bound else None
    if right <= bound:
        if not RIGHT[shape][0] or gap(acting, rightly[0]) > bound:
            return None
        message = f"With {option.shown} the run is that on gradients centralized beforehand."
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=right)
    axes = min(wrong, key=lambda a: wrong[a])
    if wrong[axes] > bound or right <= APART:
        return None
    return _finding(option, shape, axes, right, end_gap(acting, rightly[0]))


def _run(option: Wrapping, start: Start, gradients: Gradients, axes: Axes) -> Trajectory:
    """Return the run with the option off, on gradients without their mean over some axes."""
    given = [[g - g.mean(dim=axes, keepdim=True) if axes else g for g in row] for row in gradients]
    return option.without(start, given)


def _always(option: Wrapping, shape: tuple[int, ...]) -> CheckResult | None:
    """Return the finding that gradients lose their mean with the option off too.

    None where another switch may take it off, or where it is said that it always is.
    """
    others = {n for n in named(option.subject, OTHERS, switch=True) if "conv" not in n}
    words = words_of(option.subject)
    unlike = option.name == "gc" and not re.search("centr", option.said, re.IGNORECASE)
    if others - {option.name} or ALWAYS.search(words) or unlike:
        return None
    axes = RIGHT[shape][0]
    body = f"""
centred = [[g - g.mean(dim={axes!r}, keepdim=True) for g in row] for row in gradients]
on, off = run(start, gradients, **{option.on!r}), run(start, gradients, **{option.off!r})
again = run(start, centred, **{option.off!r})
print('centralized with the switch off:', max(gap(off, v, start) for v in (on, again)) < {LEAST})
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.LIMIT,
        message=f"With {option.name}=False the mean over the axes {axes} is taken off gradients of "
        f"shape {shape} all the same: the switch does nothing.",
        measured=0.0,
        scenario={"changed": dict(option.off), "shape": shape, "steps": STEPS},
        **evidence(option.subject, body, "off: True", shapes=[shape], steps=STEPS, stream=(ID,)),
    )


def _finding(
    option: Wrapping, shape: tuple[int, ...], axes: Axes, right: float, at_end: float
) -> CheckResult:
    which, own = WRONG[shape][axes], RIGHT[shape][0]
    told = bool(TOLD[which].search(f"{option.said} {words_of(option.subject)}"))
    message = (
        f"With {option.shown} the mean over {which} is taken off the gradients of weights of shape "
        f"{shape}; the run is {right:.2g} of its way from that on gradients "
        f"{f'without their mean over the axes {own}' if own else 'left as they are'}."
    )
    body = f"""
right, found = {own!r}, {axes!r}
off = lambda g, axes: g - g.mean(dim=axes, keepdim=True) if axes else g
go = lambda axes: run(start, [[off(g, axes) for g in row] for row in gradients], **{option.off!r})
b = run(start, gradients, **{option.on!r})
print('from the mean over the axes found', gap(b, go(found), start))
print('from what centralization is', gap(b, go(right), start))
"""
    return CheckResult(
        check=ID,
        outcome=Outcome.VARIANT if told else Outcome.DEVIATES,
        message=message,
        measured=right,
        bound=APART,
        scenario={"changed": dict(option.on), "shape": shape, "steps": STEPS},
        **evidence(option.subject, body, at_end, shapes=[shape], steps=STEPS, stream=(ID,)),
    )
