"""The relative step of Adafactor: rho_t = min(0.01, 1 / sqrt(t)), or min(1e-6 t, 1 / sqrt(t)).

Source: Shazeer and Stern 2018, algorithm 4 and section 8, whose step is rho_t times
max(eps2, rms of the weights); authors' code for the warm-up. On a constant gradient the update
before its rate has entries of one size, 1, so that each step shows its rate.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from lpfl.conformance.definition import option_names
from lpfl.conformance.definition.extras import shown
from lpfl.conformance.oracles import oracle_of
from lpfl.conformance.outcomes import CheckResult, Outcome, severity
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Session, Subject

CHECK = "def.trajectory"
CLAIM = "adafactor"
SWITCHES = ("relative_step", "warmup_init", "scale_parameter")
STEPS, LATE = 12, 20_000
LOOSE = 1e-4
LR = 0.02
STARTS = (2.0, 1e-4)
"""Weights above eps2 and below it."""
Rho = Callable[[int], float]
Scale = Callable[[float, float], float]
Seen = Mapping[int, tuple[float, float]]
"""Per step: the size of the update's entries, and of the weights' before it."""

RHO: dict[str, Rho] = {
    "min(0.01, 1/sqrt(t))": lambda t: min(0.01, t**-0.5),
    "0.01, never less": lambda t: 0.01,
    "1/sqrt(t), without a bound": lambda t: t**-0.5,
    "max(0.01, 1/sqrt(t))": lambda t: max(0.01, t**-0.5),
    "min(0.01, 1/t)": lambda t: min(0.01, 1 / t),
    "min(lr, 1/sqrt(t))": lambda t: min(LR, t**-0.5),
    "lr min(0.01, 1/sqrt(t))": lambda t: LR * min(0.01, t**-0.5),
    "lr": lambda t: LR,
}
WARM: dict[str, Rho] = {
    "min(1e-6 t, 1/sqrt(t))": lambda t: min(1e-6 * t, t**-0.5),
    "min(1e-6 (t - 1), 1/sqrt(t))": lambda t: min(1e-6 * (t - 1), t**-0.5),
    "1e-6 t, without a bound": lambda t: 1e-6 * t,
    "1e-6 in every step": lambda t: 1e-6,
    "max(1e-6 t, 1/sqrt(t))": lambda t: max(1e-6 * t, t**-0.5),
    **RHO,
}
OPEN = frozenset({*list(RHO)[5:7], list(WARM)[1]})
"""Rules that are another reading of the same: with lr as bound, with lr as unit, t from 0."""
SCALE: dict[str, Scale] = {
    "max(eps2, rms of the weights)": lambda rms, eps: max(eps, rms),
    "1": lambda rms, eps: 1.0,
    "rms of the weights, without a least": lambda rms, eps: rms,
    "eps2 + rms of the weights": lambda rms, eps: eps + rms,
    "eps2": lambda rms, eps: eps,
}


@dataclass(frozen=True)
class Setting:
    """Which of the switches are on; scaled: None where no option says."""

    warm: bool
    scaled: bool | None

    def given(self) -> dict[str, Any]:
        """Return the options that say so."""
        said = {"warmup_init": True} if self.warm else {}
        return said if self.scaled is None else {**said, "scale_parameter": self.scaled}


def relative_steps(subject: Subject) -> Iterator[CheckResult]:
    """Yield the answer about the relative step of what claims Adafactor and has one."""
    oracle = oracle_of(CLAIM)
    if CLAIM not in subject.spec.claims or oracle is None or not _known(subject):
        return
    where = option_names.places(subject, oracle)
    beside: list[dict[str, Any]] = [{"beta1": b, "weight_decay": 0.0} for b in (None, 0.0)]
    quiet = [option_names.written(subject, where, values) for values in beside]
    base = next((q for q in quiet if _of_one_size(subject, q)), None)
    ways: list[dict[str, Any]] = [{"relative_step": True, "lr": lr} for lr in (LR, None)]
    ways = [{n: v for n, v in w.items() if n in subject.constructor_names} for w in ways]
    on = next((w for w in ways if base is not None and _is_on(subject, {**base, **w})), None)
    if base is None or on is None:
        return
    eps = float(option_names.defaults(subject, oracle, where).get("eps2") or 1e-3)
    found = [_judged(subject, {**base, **on, **s.given()}, s, eps) for s in _settings(subject)]
    if found:
        yield max(found, key=lambda result: severity(result.outcome))


def _known(subject: Subject) -> bool:
    named = subject.constructor_names
    return "relative_step" in named or (
        "relative_step" in subject.default_group and {"lr", "warmup_init"} <= named
    )


def _settings(subject: Subject) -> list[Setting]:
    named = subject.constructor_names
    warm = (False, True) if "warmup_init" in named else (False,)
    scaled = (True, False) if "scale_parameter" in named else (None,)
    return [Setting(w, s) for w, s in itertools.product(warm, scaled)]


def _of_one_size(subject: Subject, base: Mapping[str, Any]) -> bool:
    """Return whether an update before its rate has entries of size 1, as this check needs.

    Its rate may be times the size of the weights where no option says so.
    """
    off = {"relative_step": False, "scale_parameter": False, "lr": LR}
    named = subject.constructor_names
    given = {name: value for name, value in off.items() if name in named}
    try:
        seen = followed(subject, {**base, **given}, STARTS[0], late=False)
    except Exception:
        return False
    scaled = "scale_parameter" not in named and all(
        abs(size / (LR * rms) - 1) <= LOOSE for size, rms in seen.values()
    )
    return scaled or all(abs(size / LR - 1) <= LOOSE for size, _ in seen.values())


def _is_on(subject: Subject, options: Mapping[str, Any]) -> bool:
    try:
        optimizer = subject.open([torch.full((4,), 2.0).double()], options=options).optimizer
        return bool(optimizer.param_groups[0].get("relative_step", True))
    except Exception:
        return False


def followed(
    subject: Subject, options: Mapping[str, Any], start: float, *, late: bool = True
) -> Seen:
    """Return what a run on a constant gradient shows; late: one step past 1/sqrt(t) = 0.01 too."""
    session = subject.open([torch.full((4,), start, dtype=torch.float64)], options=options)
    seen = {t: _sized(session) for t in range(1, STEPS + 1)}
    if late and _counted(session):
        seen[LATE] = _sized(session)
    return seen


def _sized(session: Session) -> tuple[float, float]:
    before = session.values()[0]
    session.step([torch.ones(4, dtype=torch.float64)])
    move = session.values()[0] - before
    return float(move.abs().max()), float(before.square().mean().sqrt())


def _counted(session: Session) -> bool:
    """Set every counter of steps to that before ``LATE``; return whether there is one."""
    optimizer, found = session.optimizer, False
    for holder in (optimizer.state[session.params[0]], optimizer.param_groups[0]):
        for name, held in list(holder.items()):
            one = isinstance(held, torch.Tensor) and held.numel() == 1 and held.ndim == 0
            number = isinstance(held, int | float) and not isinstance(held, bool)
            if "step" in str(name) and (one or number) and float(held) == STEPS:
                holder[name] = torch.full_like(held, LATE - 1) if one else type(held)(LATE - 1)
                found = True
    return found


def _judged(
    subject: Subject, options: Mapping[str, Any], setting: Setting, eps: float
) -> CheckResult:
    runs = [followed(subject, options, start) for start in STARTS]
    rhos = WARM if setting.warm else RHO
    scales = dict(SCALE) if setting.scaled is not False else {"1": SCALE["1"], **SCALE}
    for rho, scale in itertools.product(rhos, scales):
        if all(_fits(seen, rhos[rho], scales[scale], eps) for seen in runs):
            break
    else:
        rho = scale = ""
    wanted = next(iter(rhos)), next(iter(scales))
    words = " and ".join(f"{name}={shown(value)}" for name, value in options.items())
    if (rho, scale) == wanted:
        text = f"With {words} every step has the relative size {rho} times {scale}."
        return CheckResult(check=CHECK, outcome=Outcome.CONFORMS, message=text, measured=0.0)
    if rho in OPEN and scale == wanted[1]:
        text = f"With {words} every step has the relative size {rho} times {scale}."
        named = {"relative step": rho}
        return CheckResult(check=CHECK, outcome=Outcome.CONVENTION, message=text, convention=named)
    return _accused(subject, options, runs, (rhos[wanted[0]], scales[wanted[1]], eps), (
        words, wanted, (rho, scale)
    ))  # fmt: skip


def _fits(seen: Seen, rho: Rho, scale: Scale, eps: float) -> bool:
    wanted = {t: rho(t) * scale(rms, eps) for t, (_, rms) in seen.items()}
    return all(abs(seen[t][0] - w) <= LOOSE * w + 1e-14 for t, w in wanted.items())


def _accused(
    subject: Subject,
    options: Mapping[str, Any],
    runs: list[Seen],
    definition: tuple[Rho, Scale, float],
    said: tuple[str, tuple[str, str], tuple[str, str]],
) -> CheckResult:
    rho, scale, eps = definition
    ratios = [
        (abs(math.log(max(size / (rho(t) * scale(rms, eps)), 1e-300))), start, t, size, rms)
        for start, seen in zip(STARTS, runs, strict=True)
        for t, (size, rms) in seen.items()
    ]
    _, start, t, size, rms = next((r for r in ratios if r[0] > 1e-2), max(ratios))
    ratio = size / (rho(t) * scale(rms, eps))
    words, wanted, found = said
    what = f"has the relative size {' times '.join(found)}" if found[0] else "is another"
    text = f"adafactor with {words}: every step {what}, not {' times '.join(wanted)}; step {t} is "
    text += f"{ratio:.3g} of the definition's."
    jump = f"""
for holder in (optimizer.state[params[0]], optimizer.param_groups[0]):
    for name, held in list(holder.items()):
        if 'step' in str(name) and not isinstance(held, bool) and held == {STEPS}:
            holder[name] = held * 0 + {LATE - 1}
"""
    body = f"""
optimizer, params = begin([torch.full((4,), {start}, dtype=torch.float64)], **{dict(options)!r})
ones = [torch.ones(4, dtype=torch.float64)]
for t in range({min(t - 1, STEPS)}):
    step(optimizer, params, ones)
{jump if t > STEPS else ""}
before = read(optimizer, params)[0]
step(optimizer, params, ones)
size = float((read(optimizer, params)[0] - before).abs().max())
print('step over the definition', size / {rho(t) * scale(rms, eps)!r})
"""
    return CheckResult(
        check=CHECK,
        outcome=Outcome.DEVIATES,
        message=text,
        measured=ratio,
        scenario={"options": dict(options), "start": start, "step": t},
        **evidence(subject, body, ratio, shapes=[(4,)], steps=1, stream=(CHECK, "relative")),
    )
