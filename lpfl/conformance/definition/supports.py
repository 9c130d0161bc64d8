"""What the measurements say about an optimizer that claims nothing: which method it behaves as."""

import itertools
from collections.abc import Sequence

import torch

from lpfl.conformance.definition.comparison import Comparison
from lpfl.conformance.definition.conventions import Fit, fitted, search
from lpfl.conformance.definition.grid import unsaid, unusual
from lpfl.conformance.definition.layer_conventions import LOOSE, LayerComparison, LayerFit
from lpfl.conformance.definition.layer_runs import FITTING, LayerRun
from lpfl.conformance.definition.powers import powers
from lpfl.conformance.definition.scenarios import Scenario
from lpfl.conformance.definition.seen import chance
from lpfl.conformance.oracles import layer_oracle_of, oracle_of, oracles
from lpfl.conformance.oracles.layer_axes import POWERS
from lpfl.conformance.subject import Subject

FIRST = ("sgd", "momentum", "nesterov", "adam", "adamw", "signsgd")
LAYERED = ("foof", "kfac")
PLAIN = Scenario("default options, in short", ((5, 5),), steps=5, at_defaults=True)


def supported(subject: Subject) -> list[str]:
    """Return the methods that a subject behaves as, in words, the simplest first.

    A method counts if one convention of it, no departure, holds in every setting.
    """
    if "model" in subject.needs:
        return layered(subject)
    found: list[str] = []
    for claim in [*FIRST, *(c for c in oracles() if c not in FIRST)]:
        words = behaves_as(subject, claim)
        if words:
            found.append(words)
            break
    kind = _powers(subject)
    return [*found, *([kind] if kind else [])]


def behaves_as(subject: Subject, claim: str) -> str:
    """Return "behaves exactly as ..." if one convention of the method holds everywhere."""
    oracle = oracle_of(claim)
    if oracle is None:
        return ""
    plain = Comparison(subject, oracle, at_defaults=True)
    if next(fitted(plain, plain.runs(PLAIN), nearest=2), None) is None:
        return ""
    comparison = Comparison(subject, oracle)
    if next(fitted(comparison), None) is None:
        return ""
    fit = held(comparison)
    if fit is None:
        return ""
    other = unusual(oracle, fit.candidate.convention)
    words = "".join(f", {axis}: {value}" for axis, value in other.items())
    if looks_elsewhere(subject):
        return f"behaves as {claim}{words} where gradients are the same everywhere"
    exactly = "exactly " if fit.inexact is None else ""
    return f"behaves {exactly}as {claim}{words}"


def held(comparison: Comparison) -> Fit | None:
    """Return the reading that holds everywhere, with no departure but documented ones; or None."""
    fit = search(comparison)
    if fit is None or fit.miss is not None:
        return None
    return None if unsaid(comparison, fit.candidate.convention) else fit


def looks_elsewhere(subject: Subject) -> bool:
    """Return whether a step evaluates the loss more than once, perhaps at other points.

    Prescribed gradients are the same at all points: what is seen there is not all of the method.
    """
    shape = next((s for s in ((4, 3), (3,)) if subject.handles(s)), None)
    if shape is None or "closure" not in subject.needs:
        return False
    session = subject.open([torch.full(shape, 0.5, dtype=torch.float64)])
    session.step([torch.full(shape, 0.25, dtype=torch.float64)])
    return getattr(session, "calls", 0) > 1


def degenerates(subject: Subject, claims: Sequence[str] = FIRST) -> str:
    """Return the simplest method that a subject is exactly, whatever it claims; or nothing."""
    for claim in claims:
        words = behaves_as(subject, claim)
        if words.startswith("behaves exactly"):
            return words.removeprefix("behaves exactly as ")
    return ""


def layered(subject: Subject) -> list[str]:
    """Return the layer-wise method that a subject behaves as."""
    for claim in LAYERED:
        oracle = layer_oracle_of(claim)
        if oracle is None:
            continue
        comparison = LayerComparison(subject, oracle)
        run = comparison.run(FITTING)
        fit = comparison.search(run) if run is not None and not chance.random(comparison) else None
        if fit is not None and fit.missed is None:
            damping = f"damping {comparison.defaults['damping']:g} {fit.convention['damping']}"
            other = [v for a, v in fit.convention.items() if v != oracle.conventions[a][0]]
            return [f"behaves as {claim}: {', '.join([damping, *other])}"]
    return layer_powers(subject)


def layer_powers(subject: Subject) -> list[str]:
    """Return the powers of its layers' second moments by which a subject divides the gradient."""
    oracle = layer_oracle_of("kfac")
    comparison = None if oracle is None else LayerComparison(subject, oracle)
    run = None if comparison is None else comparison.run(FITTING)
    if oracle is None or comparison is None or run is None or chance.random(comparison):
        return []
    unknown = {n: v[0] for n, v in oracle.hidden.items() if n not in comparison.where}
    kinds = [oracle.conventions[axis] for axis in ("damping", "Fisher", "bias")]
    for inverse, damping, fisher, bias in itertools.product(POWERS, *kinds):
        chosen = {"inverse": inverse, "damping": damping, "Fisher": fisher, "bias": bias}
        fit = LayerFit({**oracle.paper(), **chosen}, unknown)
        if comparison.errors(run, fit, 1)[0] <= LOOSE and _holds(comparison, run, fit):
            on_inputs, on_outputs = POWERS[inverse]
            return [
                f"divides a layer's gradient by its input moment to the power {on_inputs:g} and "
                f"its output moment to the power {on_outputs:g}, "
                f"damping {comparison.defaults['damping']:g} {damping}"
            ]
    return []


def _holds(comparison: LayerComparison, run: LayerRun, first: LayerFit) -> bool:
    """Return whether a reading of the first step, continued, holds everywhere."""
    for fit in comparison.continued(first):
        if max(comparison.errors(run, fit)) <= LOOSE:
            comparison.hold(fit, LOOSE)
            if fit.missed is None:
                return True
    return False


def _powers(subject: Subject) -> str:
    try:
        found = powers(subject)
    except Exception:
        return ""
    if found is None or not (found.left or found.right):
        return ""
    sides = "two-sided" if found.left and found.right else "right" if found.right else "left"
    return f"whitens matrices, {sides}: {found.words()}"
