"""Degeneration said in words: this is exactly SGD, or exactly Adam."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from lpfl.conformance.checks.api.paths import UNEVEN_TEXT, uneven
from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import search
from lpfl.conformance.definition.grid import documented, varied
from lpfl.conformance.definition.option_names import known_as
from lpfl.conformance.drives import Session
from lpfl.conformance.oracles import layer_oracle_of, normal, oracle_of
from lpfl.conformance.outcomes import CheckResult, Outcome
from lpfl.conformance.registry import check
from lpfl.conformance.snippets import evidence
from lpfl.conformance.subject import Subject, Trajectory
from lpfl.conformance.trajectory import distance

ID = "def.degenerates"
STEPS = 20
EXACT = 1e-6
RATE = 1e-3
RATED = ("SGD with momentum", "Adam", "RMSprop")
SIMPLE: Mapping[str, frozenset[str]] = {
    "SGD": frozenset({"sgd", "momentum", "nesterov"}),
    "sign SGD": frozenset({"signsgd", "signum"}),
    "SGD with momentum": frozenset({"momentum", "sgd", "nesterov"}),
    "Adam": frozenset({"adam", "adamw"}),
    "RMSprop": frozenset({"rmsprop"}),
}
"""Simple method -> claims that may rightly be it."""


@check(ID, tags=("def",), cost=0.2, needs=("params",), control=False)
def degenerates(subject: Subject) -> CheckResult:
    """A method that claims more than SGD, sign SGD or Adam does not turn out to be just that."""
    found: dict[str, str] = {}
    shapes = subject.shapes((6, 4), (5,))
    start, gradients = subject.draw(shapes, STEPS, ID)
    gradients = uneven(gradients)
    run = subject.run(start, gradients)
    for name, moves in _simple_runs(subject, start, gradients).items():
        fit = _multiple(run, moves)
        if fit is not None:
            found[name] = f"exactly {name} with lr = {fit * (RATE if name in RATED else 1):.3g}"
            if not _at_other_rates(subject, name, start, gradients, fit):
                found[name] += " as long as lr stays the same"
    if not found:
        message = (
            "The number of simple methods (SGD, sign SGD, momentum, Adam) it is equal to is 0."
        )
        return CheckResult(check=ID, outcome=Outcome.CONFORMS, message=message, measured=0.0)
    name, words = next(iter(found.items()))
    claims = subject.spec.claims
    own = frozenset(map(normal, claims))
    judged = sorted(c for c in own if oracle_of(c) or layer_oracle_of(c))
    allowed = not judged or bool(own & SIMPLE[name]) or any(_held(subject, c) for c in judged)
    return CheckResult(
        check=ID,
        outcome=Outcome.CONFORMS if allowed else Outcome.DEVIATES,
        message=f"The run with default options is {words}.",
        measured=1.0,
        scenario={"shapes": shapes, "steps": STEPS, "gradients": "sizes rise and fall"},
        **_shown(subject, name, shapes, list(found), allowed),
    )


def _shown(
    subject: Subject, name: str, shapes: Any, found: list[str], allowed: bool
) -> dict[str, Any]:
    """Return the fields that carry a program, where the likeness speaks against the claim."""
    details = {"supports": found}
    if allowed:
        return {"details": details}
    body = f"""
{UNEVEN_TEXT}{_simple_text(subject, name)}
optimizer, params = begin(start)
mine = [start]
for g in gradients:
    step(optimizer, params, g)
    mine.append(read(optimizer, params))
flat = lambda path: torch.cat([(b - a).flatten() for old, new in zip(path, path[1:])
                               for a, b in zip(old, new)])
a, b = flat(mine), flat(simple)
c = float(a @ b / (b @ b))
print('moves like {name}:', float((a - c * b).norm() / a.norm()) < {EXACT})
"""
    more = evidence(subject, body, f"{name}: True", shapes=shapes, steps=STEPS, stream=(ID,))
    return {"snippet": more["snippet"], "details": {**details, **more["details"]}}


def _simple_text(subject: Subject, name: str) -> str:
    """Return program text that makes ``simple``, the path of the simple method."""
    plain = {"SGD": "-x", "sign SGD": "-x.sign()"}
    if name in plain:
        return (
            "simple = [start]\nfor g in gradients:\n"
            f"    simple.append([p + {plain[name]} for p, x in zip(simple[-1], g)])"
        )
    kind = {"SGD with momentum": "SGD"}.get(name, name)
    names = {"SGD": ("momentum",), "Adam": ("betas", "eps"), "RMSprop": ("alpha", "eps")}[kind]
    held = {n: subject.default(n) for n in names}
    given: dict[str, Any] = {n: v for n, v in held.items() if isinstance(v, float)}
    if isinstance(held.get("betas"), tuple | list):
        given["betas"] = tuple(held["betas"][:2])
    return f"""again = [torch.nn.Parameter(v.clone()) for v in start]
rule = torch.optim.{kind}(again, lr={RATE}, **{given!r})
simple = [start]
for g in gradients:
    for p, x in zip(again, g):
        p.grad = x.clone()
    rule.step()
    simple.append([p.detach().clone() for p in again])"""


def _held(subject: Subject, claim: str) -> bool:
    """Return whether a claimed method holds everywhere: its defaults may be simple.

    A variant of it counts where the subject speaks of it.
    """
    oracle = oracle_of(claim)
    if oracle is None:
        return False
    try:
        comparison = Comparison(subject, oracle)
        fit = search(comparison)
    except Exception:  # said by def.trajectory
        return False
    if fit is None or fit.miss is not None:
        return False
    variants = varied(oracle, fit.candidate.convention)
    return variants.keys() <= documented(subject, comparison.runs_optimizer(), variants)


def _at_other_rates(
    subject: Subject, name: str, start: Any, gradients: Any, multiple: float
) -> bool:
    """Return whether a run is that multiple of the simple method once lr is halved midway too."""
    rate = next((n for n in known_as(subject, "lr") if n in subject.default_group), None)
    held = subject.default(rate) if rate else None
    if rate is None or not isinstance(held, int | float) or not held > 0:
        return True

    def halve(session: Session, t: int) -> None:
        if t == len(gradients) // 2:
            session.set(**{rate: held / 2})

    try:
        run = subject.run(start, gradients, observe=halve)
    except Exception:  # said by api.lr-read
        return True
    fit = _multiple(run, _simple_runs(subject, start, gradients, halved=True)[name])
    return fit is not None and abs(fit - multiple) <= EXACT * multiple


def _simple_runs(
    subject: Subject, start: Any, gradients: Any, *, halved: bool = False
) -> dict[str, Any]:
    """Return the moves (per step, per parameter) of the simple methods, some at lr = RATE.

    halved: the rate is half as large in the second half of the steps.
    """
    momentum = subject.default("momentum")
    betas, eps = subject.default("betas"), subject.default("eps")
    alpha = subject.default("alpha")
    half = len(gradients) // 2
    rates = [0.5 if halved and t >= half else 1.0 for t in range(len(gradients))]
    runs: dict[str, Any] = {
        "SGD": [[-r * g for g in step] for r, step in zip(rates, gradients, strict=True)],
        "sign SGD": [
            [-r * g.sign() for g in step] for r, step in zip(rates, gradients, strict=True)
        ],
    }
    if isinstance(momentum, float) and 0 < momentum < 1:
        runs["SGD with momentum"] = _moves(
            lambda ps: torch.optim.SGD(ps, lr=RATE, momentum=momentum), start, gradients, rates
        )
    pair = isinstance(betas, tuple | list) and len(betas) >= 2
    if pair and all(isinstance(b, float) and 0 <= b < 1 for b in betas[:2]):
        floor = eps if isinstance(eps, float) else 1e-8
        two = (betas[0], betas[1])
        runs["Adam"] = _moves(
            lambda ps: torch.optim.Adam(ps, lr=RATE, betas=two, eps=floor), start, gradients, rates
        )
    if isinstance(alpha, float) and 0 < alpha < 1:
        floor = eps if isinstance(eps, float) else 1e-8
        runs["RMSprop"] = _moves(
            lambda ps: torch.optim.RMSprop(ps, lr=RATE, alpha=alpha, eps=floor),
            start,
            gradients,
            rates,
        )
    return runs


def _moves(
    make: Any, start: Any, gradients: Any, rates: Sequence[float]
) -> list[list[torch.Tensor]]:
    params = [torch.nn.Parameter(v.clone()) for v in start]
    optimizer, moves = make(params), []
    for rate, step in zip(rates, gradients, strict=True):
        optimizer.param_groups[0]["lr"] = RATE * rate
        before = [p.detach().clone() for p in params]
        for p, g in zip(params, step, strict=True):
            p.grad = g.clone()
        optimizer.step()
        moves.append([p.detach() - b for p, b in zip(params, before, strict=True)])
    return moves


def _multiple(run: Trajectory, moves: list[list[torch.Tensor]]) -> float | None:
    """Return c if every move of the run is c times the given one, with one positive c."""
    mine = [run.moves(i) for i in range(len(run.end))]
    flat = [torch.cat([m[t].flatten() for m in mine]) for t in range(run.steps)]
    other = [torch.cat([m.flatten() for m in step]) for step in moves]
    a, b = torch.cat(flat), torch.cat([o.cpu() for o in other])
    norm = float(b.square().sum())
    c = float((a * b).sum()) / norm if norm else 0.0
    if not c > 0:
        return None
    return c if distance([a], [c * b]) <= EXACT * float(a.norm()) else None
