"""Blocks of a weight: each moves as it would alone, and no entry is left behind."""

import re
from collections.abc import Mapping
from typing import Any

import torch

from lpfl.conformance.checks.api.rate import without_decay
from lpfl.conformance.definition.grid import documentation
from lpfl.conformance.definition.seen.cut_runs import (
    BLOCKS,
    STEPS,
    Options,
    Setting,
    alike,
    measured,
    reached,
)
from lpfl.conformance.definition.seen.cuts import Cut, aside, cuts, options_of, without_momentum
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.rounding import tolerance
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject
from lpfl.conformance.trajectory import Trajectory, gap

ID = BLOCKS
TRIED = (3, 4, 8)
"""Sizes of a block, the first that the subject takes."""
BLOCKED = frozenset({"shampoo", "soap"})
"""Claims of methods whose blocks are known to be weights of their own."""
LOOSE = 1e-5
ROUGHLY = 0.05
"""Distance of directions that another size of the whole weight's gradient makes, beside epsilon."""
LARGE, MANY = (300, 4), 128
"""A weight with a side that small blocks may not be meant for, and a size of blocks there."""
ONE_AXIS = re.compile(
    r"(only|alone|just|along|over|of) (the )?(rows|columns|first|last|output|input)"
    r"|(row|column).?(blocks|wise)",
    re.IGNORECASE,
)
"""Words of methods that cut one side alone."""
IN_TURN = re.compile(
    r"coordinate|cycl|in turn|one block|active|random|subset|sparse", re.IGNORECASE
)
"""Words of methods that leave some blocks alone in each step."""


@check(ID, tags=("def",), cost=0.3, needs=("inject",))
def blocks(subject: Subject) -> CheckResult:
    """A weight larger than its blocks moves as they would, each a weight of its own."""
    found = options_of(subject)
    setting = next((s for n in found if (s := _setting(subject, n, found[n])) is not None), None)
    if setting is None:
        message = "Not applicable: no option is a size of blocks that can be set."
        return CheckResult(check=ID, outcome=Outcome.NOT_CLAIMED, message=message)
    bound = max(tolerance(subject, ID), 1e-9)
    plain = setting.run(setting.off)
    if gap(setting.whole, plain) <= bound:
        return _nothing(setting)
    behind = _left_behind(setting, plain)
    if behind is not None:
        return behind
    fits = []
    known = cuts(setting.shape, setting.most)
    for cut in known:
        try:
            fits.append((setting.apart(cut), cut))
        except Exception:  # a block that the subject does not take
            continue
    close = max(bound, LOOSE)
    right = next((cut for apart, cut in fits if apart <= close), None)
    if right is not None:
        return _fits(setting, right, {c.name: a for a, c in fits}[right.name], bound)
    return _unlike(setting, known, {cut.name: apart for apart, cut in fits})


def _setting(subject: Subject, name: str, beside: Options) -> Setting | None:
    """Return the setting of an option with the first size that the subject takes, or None."""
    switched = {**without_decay(subject), **aside(subject, {name: 0, **beside})}
    for most in TRIED:
        for off in (switched, {n: v for n, v in switched.items() if "graft" not in n}, {}):
            try:
                setting = Setting(subject, name, most, {**off, **beside, name: most})
            except Exception:
                continue
            if setting.whole.displacement() > 0:
                return setting
    return None


def _answer(setting: Setting, outcome: Outcome, message: str, **more: Any) -> CheckResult:
    scenario = {"shape": setting.shape, "options": setting.options, "steps": STEPS}
    more.setdefault("scenario", scenario)
    return CheckResult(check=ID, outcome=outcome, message=message, **more)


def _nothing(setting: Setting) -> CheckResult:
    """An option that changes nothing on small weights: a matter of large ones, or of none."""
    size = " x ".join(map(str, setting.shape))
    message = f"{setting.said} changes nothing on {size} weights"
    if not setting.subject.spec.claims & BLOCKED:
        return _answer(setting, Outcome.NOT_CLAIMED, f"{message}: it is about something else.")
    options = {**setting.options, setting.name: MANY}
    start, gradients = setting.subject.draw([LARGE], 2, ID, "large")
    runs = [setting.subject.run(start, gradients, options=o) for o in (options, setting.off)]
    if gap(*runs) > LOOSE:
        return _answer(setting, Outcome.INCONCLUSIVE, f"{message}, only on larger ones.")
    body = f"""
a = run(start, gradients, **{options!r})
b = run(start, gradients, **{setting.off!r})
print('acts:', gap(a, b, start) > {LOOSE})
"""
    shown = evidence(
        setting.subject, body, "acts: False", shapes=[LARGE], steps=2, stream=(ID, "large")
    )
    message = f"{message}, and {setting.name}={MANY} nothing on 300 x 4: it is taken and not used."
    return _answer(setting, Outcome.LIMIT, message, measured=0.0, bound=LOOSE, **shown)


def _left_behind(setting: Setting, plain: Trajectory) -> CheckResult | None:
    """Return the finding that entries move without blocks and stand still with them, or None."""
    subject, most = setting.subject, setting.most
    for shape in subject.shapes(setting.shape, (3 * most - 1,), (3 * most - 1, 2, 2)):
        start, gradients = subject.draw([shape], STEPS, ID, *shape)
        try:
            pair = [
                subject.run(start, gradients, options=o) for o in (setting.options, setting.off)
            ]
        except Exception:
            continue
        stays = [run.values[0][0] == run.end[0] for run in pair]
        behind = int((stays[0] & ~stays[1]).sum())
        if not behind:
            continue
        body = f"""
a = run(start, gradients, **{setting.options!r})
b = run(start, gradients, **{setting.off!r})
print('entries that stand still with blocks alone:',
      int(((a[0] == start[0]) & (b[0] != start[0])).sum()))
"""
        more = evidence(
            subject, body, float(behind), shapes=[shape], steps=STEPS, stream=(ID, *shape)
        )
        text = documentation(subject, subject.open(start).optimizer)
        in_turn = not subject.spec.claims & BLOCKED and IN_TURN.search(text)
        place = [int(i) for i in (stays[0] & ~stays[1]).nonzero()[0]]
        message = (
            f"With {setting.said}, {behind} of {start[0].numel()} entries of a "
            f"{' x '.join(map(str, shape))} weight never move, the first at {place}; without "
            "blocks they do."
        )
        scenario = {"shape": shape, "options": setting.options, "steps": STEPS}
        return _answer(
            setting,
            Outcome.VARIANT if in_turn else Outcome.DEVIATES,
            message,
            measured=float(behind),
            bound=0.0,
            scenario=scenario,
            **more,
        )
    return None


def _fits(setting: Setting, cut: Cut, apart: float, bound: float) -> CheckResult:
    """Grade a cutting whose blocks move as they do alone."""
    size = " x ".join(map(str, setting.shape))
    words = f"With {setting.said} a {size} weight moves as its blocks alone do ({cut.name})"
    more = {"measured": apart, "bound": bound, "convention": {"blocks": cut.name}}
    if cut.wrong:
        text = documentation(setting.subject, setting.subject.open(setting.start).optimizer)
        claimed = setting.subject.spec.claims & BLOCKED and not ONE_AXIS.search(text)
        outcome = Outcome.DEVIATES if claimed else Outcome.VARIANT
        usual = cuts((setting.shape[0], setting.shape[1]), setting.most)[0]
        shown = _shown(setting, usual) if outcome is Outcome.DEVIATES else {}
        return _answer(setting, outcome, f"{words}: {cut.wrong}.", **more, **shown)
    if "flattened" in cut.name and _entrywise(setting):
        words = f"With {setting.said} a {size} weight moves entry by entry, in no blocks"
        return _answer(setting, Outcome.VARIANT, f"{words}.", **more)
    if apart > bound:
        return _answer(setting, Outcome.NUMERICS, f"{words}, {apart:.2g} off by rounding.", **more)
    kind = Outcome.CONVENTION if cut.usual else Outcome.VARIANT
    usual_one = cut.name.endswith("the rest last")
    return _answer(setting, Outcome.CONFORMS if usual_one else kind, f"{words}.", **more)


def _entrywise(setting: Setting) -> bool:
    """Return whether the gradient of an entry moves that entry alone."""
    subject, start, gradients = setting.subject, setting.start, setting.gradients
    return int(reached(subject, start, gradients, setting.options, (0, 0)).sum()) == 1


def _shown(setting: Setting, cut: Cut) -> dict[str, Any]:
    """Return a program that shows how far a weight is from its blocks alone."""
    apart = setting.apart(cut)
    places = [(flat.tolist(), shape) for flat, shape in cut.parts]
    body = f"""
cut = {places!r}
parts = lambda x: [x.reshape(-1)[places].reshape(shape) for places, shape in cut]
options = {setting.options!r}
a, b, far, way = list(start), list(start), 0.0, 0.0
whole, blocks = begin(start, **options), begin(parts(start[0]), **options)
for g in gradients:
    step(*whole, g)
    step(*blocks, parts(g[0]))
    a = read(*whole)
    flat = a[0].clone().reshape(-1)
    for (places, shape), block in zip(cut, read(*blocks)):
        flat[places] = block.reshape(-1).to(flat)
    far = max(far, float((a[0] - flat.reshape(a[0].shape)).norm()))
    way = max(way, float((flat.reshape(a[0].shape) - start[0]).norm()))
print('distance', far / way)
"""
    stream = (ID, *setting.shape)
    return evidence(
        setting.subject, body, apart, shapes=[setting.shape], steps=STEPS, stream=stream
    )


def _unlike(setting: Setting, known: list[Cut], distances: Mapping[str, float]) -> CheckResult:
    """Grade a run that is that of no known cutting: scalars in common, a fault, or unknown."""
    usual = known[0]
    size = " x ".join(map(str, setting.shape))
    if _entrywise(setting):
        message = f"With {setting.said} a {size} weight moves entry by entry, in no blocks."
        return _answer(setting, Outcome.VARIANT, message)
    words = f"With {setting.said} a {size} weight moves as its blocks alone do"
    plain = _without_momentum(setting)
    for cut in known if plain is not None else ():
        if plain is None or cut.wrong or cut.name not in distances:
            continue
        other = plain.alone(cut, plain.start, plain.gradients)
        if alike(plain.whole, other, cut, LOOSE):
            words += f" ({cut.name}), up to a length that the weight has as a whole."
            return _answer(setting, Outcome.VARIANT, words, convention={"blocks": cut.name})
    layout = measured(setting)
    if layout is not None and setting.apart(layout) <= max(tolerance(setting.subject, ID), LOOSE):
        message = f"{words.partition(' (')[0]} ({layout.name})."
        return _answer(setting, Outcome.VARIANT, message, convention={"blocks": layout.name})
    apart = distances.get(usual.name, float("inf"))
    if apart == float("inf") or not setting.is_more(apart, usual):
        message = f"With {setting.said} rounding or chance decides how a {size} weight moves."
        return _answer(setting, Outcome.INCONCLUSIVE, message, measured=apart)
    seen = _seen(setting, usual)
    blocks_alone = setting.alone(usual, setting.start, setting.gradients)
    if layout is None and alike(setting.whole, blocks_alone, usual, ROUGHLY, first=True):
        message = f"With {setting.said} blocks have a factor in common: {seen}."
        return _answer(setting, Outcome.INCONCLUSIVE, message, measured=apart)
    message = f"With {setting.said} a {size} weight does not move as its blocks alone do"
    if not setting.subject.spec.claims & BLOCKED:
        message += f", in no cutting known here: {seen}"
        return _answer(setting, Outcome.INCONCLUSIVE, f"{message}.", measured=apart)
    return _answer(
        setting,
        Outcome.DEVIATES,
        f"{message}: {seen}.",
        measured=apart,
        bound=LOOSE,
        **_shown(setting, usual),
    )


def _without_momentum(setting: Setting) -> Setting | None:
    options = {**setting.options, **without_momentum(setting.subject)}
    try:
        return Setting(setting.subject, setting.name, setting.most, options)
    except Exception:
        return None


def _seen(setting: Setting, cut: Cut) -> str:
    """Return in words what the entries of the first block reach, or which blocks are off."""
    found = reached(setting.subject, setting.start, setting.gradients, setting.options, (0, 0))
    rows, columns = (torch.nonzero(found.any(1 - i)).reshape(-1).tolist() for i in range(2))
    most = setting.most
    if not found[0, 0]:
        return "the gradient of its first entry does not move that entry"
    if found[most:].any() or found[:, most:].any():
        return (
            f"the gradient of its first entry moves rows {rows[0]} to {rows[-1]} and columns "
            f"{columns[0]} to {columns[-1]}"
        )
    other = setting.alone(cut, setting.start, setting.gradients)
    for t, (a, b) in enumerate(zip(setting.whole.moves(), other.moves(), strict=True), 1):
        for (_, shape), x, y in zip(cut.parts, cut.of(a), cut.of(b), strict=True):
            if float((x - y).norm()) > LOOSE * float(y.norm()):
                return f"a block of {shape[0]} x {shape[1]} is off from step {t} on"
    return "the sum of its steps is off"
